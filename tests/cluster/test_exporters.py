"""Choosing one exporter pod per node, with reasons for the others."""

from typing import Any

import pytest

from podres_exporter.cluster.exporters import NO_EXPORTER, Rules, choose
from podres_exporter.cluster.pod_list import Condition, Container, ListedPod, Meta, Port, Spec, Status
from podres_exporter.errors import Reason


def listed(name: str, node: str = "n1", *, ready: bool = True, deleting: bool = False, **status: Any) -> ListedPod:
    conditions = [Condition("Ready", "True" if ready else "False")]
    meta = Meta("monitoring", name, "2026-01-01T00:00:00Z" if deleting else None)
    return ListedPod(meta, Spec(node), Status(**{"phase": "Running", "conditions": conditions, **status}))


def with_ports(*ports: Port) -> ListedPod:
    pod = listed("a")
    pod.spec.containers = [Container(), Container(list(ports))]
    return pod


def test_every_node_has_one_exporter_by_node() -> None:
    choice = choose([listed("b", "n2"), listed("a", "n1")], Rules())

    assert [("n1", "monitoring/a"), ("n2", "monitoring/b")] == [(each.node, each.pod) for each in choice.targets]
    assert () == choice.troubles


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (listed("a"), listed("b", ready=False)),
        (listed("a"), listed("b", deleting=True)),
        (listed("a"), listed("b", phase="Failed")),
        (listed("a", ready=False), listed("b", phase="Pending")),
        (listed("a", ready=False), listed("b", deleting=True)),
        (listed("b", start_time="2026-01-01T00:00:00Z"), listed("a", start_time="2026-01-02T00:00:00Z")),
        (listed("b", start_time="2026-01-01T00:00:00Z"), listed("a")),
        (listed("a"), listed("b")),
    ],
)
def test_of_two_exporters_on_a_node_the_better_one_is_asked(better: ListedPod, worse: ListedPod) -> None:
    """A rollout with maxSurge, or evicted pods that were not deleted; never both."""
    for pods in ([better, worse], [worse, better]):
        choice = choose(pods, Rules(takes_unready=True))

        assert [better.metadata.name] == [each.name for each in choice.targets]
        assert () == choice.troubles


@pytest.mark.parametrize(
    ("pod", "detail"),
    [
        (listed("a", phase="Pending"), "its exporter is not running (phase Pending)"),
        (listed("a", phase=""), "its exporter is not running (phase unknown)"),
        (listed("a", deleting=True), "its exporter is being deleted"),
        (listed("a", ready=False), "its exporter is not ready; kubectl podres check shows why"),
    ],
)
def test_a_node_whose_exporter_cannot_be_asked_is_named_with_the_reason(pod: ListedPod, detail: str) -> None:
    choice = choose([pod], Rules())

    assert () == choice.targets
    assert [("n1", "monitoring/a", Reason.UNAVAILABLE, detail)] == [
        (each.node, each.pod, each.reason, each.detail) for each in choice.troubles
    ]


def test_one_that_is_not_ready_may_be_asked_why() -> None:
    (target,) = choose([listed("a", ready=False)], Rules(takes_unready=True)).targets

    assert not target.is_ready


def test_pods_without_a_node_are_named_one_by_one() -> None:
    """A DaemonSet makes a pod for each node, and the scheduler may find no room."""
    condition = Condition("PodScheduled", "False", "0/2 nodes are available")
    pods = [listed(name, "", phase="Pending", conditions=[condition]) for name in ("b", "a")]
    found = choose(pods, Rules()).troubles

    assert ["monitoring/a", "monitoring/b"] == [each.pod for each in found]
    assert {"its exporter is not running (phase Pending): 0/2 nodes are available"} == {each.detail for each in found}


def test_nodes_that_are_asked_for_narrow_the_choice_and_must_have_an_exporter() -> None:
    choice = choose([listed("a", "n1"), listed("b", "n2"), listed("c", "")], Rules(nodes=frozenset(["n2", "n9"])))

    assert ["n2"] == [each.node for each in choice.targets]
    assert [("n9", NO_EXPORTER, Reason.NOT_FOUND)] == [(e.node, e.detail, e.reason) for e in choice.troubles]


@pytest.mark.parametrize(
    ("pod", "rules", "expected"),
    [
        (with_ports(), Rules(), 10190),
        (with_ports(Port("http", 80), Port("metrics", 9100)), Rules(), 9100),
        (with_ports(Port("metrics", 9100)), Rules(port=443), 443),
        (listed("a"), Rules(), 10190),
    ],
)
def test_the_port_is_the_flag_s_else_that_named_metrics_else_the_usual_one(
    pod: ListedPod, rules: Rules, expected: int
) -> None:
    (target,) = choose([pod], rules).targets

    assert expected == target.port


def test_tls_is_what_the_rules_say() -> None:
    (target,) = choose([listed("a")], Rules(is_secure=True)).targets

    assert target.is_secure
