"""Findings on the exporters of a cluster."""

from dataclasses import replace
from typing import Any

import pytest
from builders import device
from cluster_rig import NOW, busy, meta, snapshot, told, trainer

from podres_exporter.check.finding import Finding, Verdict
from podres_exporter.cluster.health import Health, judge
from podres_exporter.cluster.outcome import Answered, Trouble
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.errors import Reason
from podres_exporter.model import (
    Certainty,
    CpusetDrift,
    DoubleHeld,
    Drift,
    Holder,
    Metadata,
    Part,
    PinnedContainer,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Thing,
    Unread,
)

TROUBLE = Trouble("n9", "m/a", Reason.TIMEOUT, "asleep")
LATER = NOW + 10
HOLDERS = (Holder("ml", "a", "main"), Holder("ml", "b", "main"))


def health(*nodes: Answered, found: tuple[Trouble, ...] = (), all_nodes: tuple[str, ...] | None = ()) -> Health:
    return judge(nodes, found, LATER, all_nodes)


def findings(shown: Snapshot, **more: Any) -> list[Finding]:
    (node,) = health(told("n1", shown, **more)).nodes
    return list(node.findings)


def test_a_cluster_without_findings_is_well() -> None:
    found = health(told("n1"), told("n2"), all_nodes=("n1", "n2"))

    assert Verdict.OK is found.verdict
    assert ((), ()) == (found.findings, found.troubles)
    assert [10.0, 10.0] == [each.age_seconds for each in found.nodes]
    assert {"1.0.0": 2} == found.versions


@pytest.mark.parametrize(
    ("changed", "name", "verdict", "words"),
    [
        ({"allocation": None}, "snapshot.allocation", Verdict.FAILED, "is older than the maximum age"),
        ({"parts": (Part("pods", stale=True, held=True),)}, "snapshot.held", Verdict.WARNING, "pods as known before"),
        (
            {"parts": (Part("pods", stale=True, held=False), Part("allocatable", stale=True, held=False))},
            "snapshot.stale",
            Verdict.WARNING,
            "pods and allocatable as the kubelet last reported",
        ),
        ({"sources": (SourceHealth("kubelet", False, NOW),)}, "source.kubelet", Verdict.WARNING, "did not answer"),
        ({"sources": (SourceHealth("topology", False, NOW),)}, "source.topology", Verdict.WARNING, "did not answer"),
        ({"sources": (SourceHealth("other", False, NOW),)}, "source.other", Verdict.WARNING, "did not answer"),
        ({"metadata": None}, "metadata", Verdict.NOTE, "--metadata.source=none"),
        ({"metadata": Metadata()}, "metadata.synced", Verdict.WARNING, "not up to date"),
        (
            {"rpcs": (RpcSupport("GetAllocatableResources", Support.UNSUPPORTED),)},
            "kubelet.allocatable",
            Verdict.WARNING,
            "what is free is not known",
        ),
        ({"rpcs": (RpcSupport("Get", Support.UNSUPPORTED),)}, "kubelet.get", Verdict.NOTE, "at the next poll"),
    ],
)
def test_what_a_snapshot_lacks_is_a_finding(changed: dict[str, Any], name: str, verdict: Verdict, words: str) -> None:
    (found,) = findings(replace(busy("n1"), **changed))

    assert (name, verdict) == (found.id, found.verdict)
    assert words in found.seen
    assert found.remedy


def drifting(*rows: CpusetDrift, **unread: int) -> Snapshot:
    whole = busy("n1")
    assert whole.allocation is not None
    drift = Drift(rows, {Unread(reason): count for reason, count in unread.items()})
    return replace(whole, allocation=replace(whole.allocation, drift=drift))


def compared(name: str, missing: str, foreign: str) -> CpusetDrift:
    return CpusetDrift(
        PinnedContainer(("ml", name), "main", parse_cpuset("2-3"), name), parse_cpuset(missing), parse_cpuset(foreign)
    )


def test_a_cgroup_that_differs_from_the_listed_cpus_is_a_finding() -> None:
    """What the collector cpuset-drift has seen; whatever agrees is left out, and the word transient is said."""
    (found,) = findings(drifting(compared("a", "3", "0-1"), compared("b", "", "")))

    assert ("cpuset.drift", Verdict.WARNING) == (found.id, found.verdict)
    assert "ml/a main may not run on CPU 3, may also run on CPUs 0-1" in found.seen
    assert {"containers": ["ml/a main"]} == found.facts
    assert "10 s after a start" in found.remedy


def test_of_many_cgroups_that_differ_a_few_are_named() -> None:
    (found,) = findings(drifting(*(compared(f"pod-{number}", "2", "") for number in range(9))))

    assert "9 cgroups" in found.seen
    assert "and 4 more" in found.seen
    assert [f"ml/pod-{number} main" for number in range(9)] == found.facts["containers"]


@pytest.mark.parametrize("reason", Unread)
def test_containers_whose_cgroup_cannot_be_read_are_a_note(reason: Unread) -> None:
    """Not compared is neither agreement nor drift."""
    (found,) = findings(drifting(compared("a", "", ""), **{reason.value: 2}))

    assert ("cpuset.unread", Verdict.NOTE) == (found.id, found.verdict)
    assert "2 containers with exclusive CPUs not compared: 2 " in found.seen
    assert {reason.value: 2} == found.facts
    assert "--cgroup.root" in found.remedy


@pytest.mark.parametrize(
    ("certainty", "verdict"), [(Certainty.CERTAIN, Verdict.WARNING), (Certainty.POSSIBLE, Verdict.NOTE)]
)
def test_what_two_pods_hold_is_a_finding(certainty: Certainty, verdict: Verdict) -> None:
    """As of check on the node: the exporter has seen it twice in a row."""
    whole = busy("n1")
    assert whole.allocation is not None
    double = DoubleHeld(Thing.CLAIM_DEVICE, "gpu.example.com", "p/gpu-0", HOLDERS, certainty)
    (found,) = findings(replace(whole, allocation=replace(whole.allocation, doubles=(double,))))

    assert ("node.double-held", verdict) == (found.id, found.verdict)
    assert "gpu.example.com p/gpu-0 by ml/a and ml/b" in found.seen
    assert [] == findings(replace(whole, allocation=replace(whole.allocation, doubles=())))


def test_cgroups_that_agree_are_no_finding() -> None:
    assert [] == findings(drifting(compared("a", "", "")))


def test_a_kubelet_whose_answer_is_old_is_told_once() -> None:
    down = tuple(replace(each, up=False) for each in busy("n1").sources if each.source == "kubelet")
    found = findings(replace(busy("n1"), sources=down, parts=(Part("pods", stale=True, held=False),)))

    assert ["snapshot.stale"] == [each.id for each in found]


def test_pods_that_only_one_side_knows_are_named() -> None:
    """Those that have ended, are on their way out, or have not started are not reported."""
    whole = busy("n1")
    gone = {
        each.key: each
        for each in (
            meta("lost"),
            meta("done", is_terminal=True),
            meta("leaving", is_deleting=True),
            meta("young", has_started=False),
        )
    }
    found = findings(replace(whole, metadata=Metadata(gone, synced=True, is_up=True)))

    assert ["pods.missing", "pods.unknown"] == [each.id for each in found]
    assert [["ml/lost"], ["ml/train-n1"]] == [each.facts["pods"] for each in found]


def test_pods_that_were_given_up_are_named_once() -> None:
    """They are no news that another look would settle."""
    whole = busy("n1")
    assert whole.allocation is not None
    assert whole.metadata is not None
    given_up = replace(whole.allocation, given_up_pods=(("ml", "lost"),))
    known = replace(whole.metadata, pods={**whole.metadata.pods, ("ml", "lost"): meta("lost")})
    (found,) = findings(replace(whole, allocation=given_up, metadata=known))

    assert ("pods.given-up", Verdict.WARNING, ["ml/lost"]) == (found.id, found.verdict, found.facts["pods"])


def test_pods_that_hold_less_than_they_asked_for_are_named() -> None:
    (found,) = findings(snapshot("n1", trainer("n1", gpus=1)))

    assert ("pods.requests", ["ml/train-n1"]) == (found.id, found.facts["pods"])


def test_devices_that_are_held_and_not_reported_are_counted() -> None:
    pod = trainer("n1")
    (container,) = pod.containers
    odd = replace(container, devices=(*container.devices[:1], device("nvidia.com/gpu", "GPU-old", 0)))
    (found,) = findings(snapshot("n1", replace(pod, containers=(odd,))))

    assert ("devices.unallocatable", 1) == (found.id, found.facts["held"])


@pytest.mark.parametrize(
    ("at", "words"),
    [(LATER - 121, "is 2 minutes old"), (LATER + 31, "clock is 31 s ahead"), (LATER - 119, ""), (LATER + 29, "")],
)
def test_old_snapshots_and_clocks_that_run_ahead_are_found(at: float, words: str) -> None:
    found = findings(busy("n1"), at=at)

    assert ([("snapshot.age", True)] if words else []) == [(each.id, words in each.seen) for each in found]


def test_an_exporter_that_is_not_ready_or_calls_its_node_something_else_is_found() -> None:
    unready = told("n1", is_ready=False)
    (node,) = health(replace(unready, said_node="localhost")).nodes

    assert ["exporter.ready", "exporter.node-name"] == [each.id for each in node.findings]
    assert "localhost" in node.findings[1].seen


def test_exporters_of_several_versions_are_counted() -> None:
    found = health(told("n1"), told("n2", version="1.1.0"), told("n3", version=""))

    assert ["exporters of several versions: 1.0.0 on 1, 1.1.0 on 1 and unknown on 1"] == [
        each.seen for each in found.findings
    ]
    assert Verdict.WARNING is found.verdict


def test_nodes_without_an_exporter_are_named_but_not_those_with_a_trouble() -> None:
    (found,) = health(told("n1"), found=(TROUBLE,), all_nodes=("n1", "n5", "n9")).findings

    assert ("exporter.missing", Verdict.NOTE, ["n5"]) == (found.id, found.verdict, found.facts["nodes"])


def test_where_nodes_cannot_be_listed_that_is_said() -> None:
    (found,) = health(told("n1"), all_nodes=None).findings

    assert "grant list on nodes to find out" == found.remedy


def test_a_node_that_is_not_heard_of_spoils_the_whole_and_none_at_all_fails_it() -> None:
    assert Verdict.WARNING is health(told("n1"), found=(TROUBLE,)).verdict
    assert Verdict.WARNING is health(told("n1", replace(busy("n1"), allocation=None))).verdict
    assert Verdict.FAILED is health(found=(TROUBLE,)).verdict


def test_notes_harm_nobody() -> None:
    assert Verdict.OK is health(told("n1", replace(busy("n1"), metadata=None))).verdict
