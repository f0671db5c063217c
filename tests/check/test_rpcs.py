"""Findings on RPCs: served, missing, disabled, slow, rejected, too large, and with unusable items."""

import pytest
from builders import container, gpu, listing, pod
from check_rig import calls, found, healthy, refused, unconnected, verdicts

from podres_exporter.check import Verdict
from podres_exporter.check.evidence import Call, Look
from podres_exporter.errors import Reason

MIB = 1 << 20
RPCS = [("kubelet.list", "List"), ("kubelet.allocatable", "GetAllocatableResources"), ("kubelet.get", "Get")]


def test_good_answers_are_told_with_their_numbers() -> None:
    """Pods, containers, devices; latency; nothing rejected."""
    evidence = healthy()
    one = found(evidence, "kubelet.list")

    assert "1 pod, 1 container, 1 device held, in 3 ms" == one.seen
    assert {"reason": None, "seconds": 0.003, "size_bytes": 562, "pods": 1, "containers": 1, "devices": 1} == one.facts
    assert "2 devices of 1 resource, 7 CPUs, 0 memory blocks, in 1 ms" == found(evidence, "kubelet.allocatable").seen
    assert "answered in 1 ms" == found(evidence, "kubelet.get").seen
    assert "none of 3 calls was rejected" == found(evidence, "kubelet.rate-limit").seen
    assert (
        "562 B at most, of List; 64 MiB fit here, 4 MiB in most other clients" == found(evidence, "kubelet.size").seen
    )


def test_without_a_connection_everything_of_the_kubelet_is_skipped() -> None:
    """What failed is the connection; nothing else is held against the kubelet."""
    found_out = verdicts(unconnected())
    names = ["list", "allocatable", "get", "rate-limit", "size", "items", "release"]

    assert {"skipped"} == {found_out[f"kubelet.{name}"] for name in names}
    assert "not connected (socket.connect)" == found(unconnected(), "kubelet.get").seen


@pytest.mark.parametrize(("name", "rpc"), RPCS)
@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (Reason.TIMEOUT, "the kubelet hangs"),
        (Reason.THROTTLED, "see kubelet.rate-limit"),
        (Reason.TOO_LARGE, "see kubelet.size"),
        (Reason.MALFORMED, "not a kubelet"),
        (Reason.UNAVAILABLE, "the connection broke"),
        (Reason.DENIED, "UID 0"),
        (Reason.INTERNAL, "journalctl -u kubelet"),
    ],
)
def test_a_call_without_an_answer_fails_with_its_reason(name: str, rpc: str, reason: Reason, remedy: str) -> None:
    """The kubelet's own words are kept."""
    one = found(healthy(calls=calls(**{rpc: refused(rpc, reason, "its own\x1b words")})), name)

    assert Verdict.FAILED is one.verdict
    assert f"{reason.value.replace('_', ' ')} after 2 ms: its own\\x1b words" == one.seen
    assert remedy in one.remedy
    assert reason.value == one.facts["reason"]


def test_what_ails_every_call_is_explained_once() -> None:
    """Three times the same remedy is two too many."""
    silent = {rpc: refused(rpc, Reason.TIMEOUT) for _, rpc in RPCS}
    evidence = healthy(calls=silent, looks=(Look(None),), allocatable=None)

    assert "the kubelet hangs" in found(evidence, "kubelet.list").remedy
    assert ["see kubelet.list"] * 2 == [found(evidence, name).remedy for name, _ in RPCS[1:]]


def test_a_list_that_does_not_exist_is_an_old_kubelet_or_none() -> None:
    """v1 came with 1.20."""
    one = found(healthy(calls=calls(List=refused("List", Reason.UNIMPLEMENTED))), "kubelet.list")

    assert Verdict.FAILED is one.verdict
    assert "1.20 or newer" in one.remedy


@pytest.mark.parametrize(
    ("reason", "seen"), [(Reason.DISABLED, "is switched off"), (Reason.UNIMPLEMENTED, "is unknown to this kubelet")]
)
def test_without_get_allocatable_resources_what_is_left_is_lost(reason: Reason, seen: str) -> None:
    """A warning that names the gate and the releases."""
    spoilt = calls(GetAllocatableResources=refused("GetAllocatableResources", reason))
    one = found(healthy(calls=spoilt, allocatable=None), "kubelet.allocatable")

    assert Verdict.WARNING is one.verdict
    assert seen in one.seen
    assert "KubeletPodResourcesGetAllocatable" in one.remedy
    assert "1.23" in one.remedy


@pytest.mark.parametrize(
    ("reason", "seen"), [(Reason.DISABLED, "Get is switched off"), (Reason.UNIMPLEMENTED, "Get is unknown")]
)
def test_without_get_nothing_is_lost_but_time(reason: Reason, seen: str) -> None:
    """Every kubelet up to 1.33 is like that, so that it must not count as a fault."""
    one = found(healthy(calls=calls(Get=refused("Get", reason))), "kubelet.get")

    assert Verdict.NOTE is one.verdict
    assert seen in one.seen
    assert "KubeletPodResourcesGet," in one.remedy
    assert "1.34" in one.remedy


def test_a_get_that_does_not_find_the_pod_has_been_served() -> None:
    """It was deleted between the two calls."""
    assert Verdict.OK is found(healthy(calls=calls(Get=refused("Get", Reason.NOT_FOUND))), "kubelet.get").verdict


def test_get_is_not_asked_where_no_pod_is_known() -> None:
    spoilt = calls()
    del spoilt["Get"]
    one = found(healthy(calls=spoilt), "kubelet.get")

    assert (Verdict.SKIPPED, "there is no pod to request") == (one.verdict, one.seen)


@pytest.mark.parametrize(("name", "rpc"), RPCS)
@pytest.mark.parametrize(("seconds", "verdict"), [(5.0, Verdict.OK), (5.1, Verdict.WARNING)])
def test_an_answer_that_takes_more_than_half_of_its_time_is_a_warning(
    name: str, rpc: str, seconds: float, verdict: Verdict
) -> None:
    """The next one may take more than all of it."""
    one = found(healthy(calls=calls(**{rpc: Call(rpc, seconds, 10)})), name)

    assert verdict is one.verdict
    assert (verdict is Verdict.WARNING) == ("more than half of --kubelet.timeout (10s)" in one.seen)


def test_an_answer_without_pods_is_a_good_one() -> None:
    """A node that was just drained, or a kubelet that has just started."""
    one = found(healthy(looks=(Look(listing()),)), "kubelet.list")

    assert (Verdict.OK, "0 pods, 0 containers, 0 devices held, in 3 ms") == (one.verdict, one.seen)


def test_devices_are_counted_over_all_containers() -> None:
    pods = listing(pod("a", container("x", gpu("0", 0)), container("y", gpu("1", 0), gpu("2", 0))), pod("b"))

    assert "2 pods, 2 containers, 3 devices held, in 3 ms" == found(healthy(looks=(Look(pods),)), "kubelet.list").seen
