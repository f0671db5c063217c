"""Kubelets 1.20 to 1.22, which report the shared pool as exclusive CPUs."""

import pytest
from builders import container, gpu, listing, pod

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.join import blank_shared_pool
from podres_exporter.model import Listing, Malformed

ONLINE = parse_cpuset("0-7")
REPORTED = parse_cpuset("1-3,5-7")
"""What is allocatable on eight CPUs of which 0 and 4 are reserved."""


def cpus_of(answer: Listing) -> dict[str, CpuSet]:
    """Return the CPUs by "pod/container"."""
    return {f"{p.name}/{c.name}": c.exclusive_cpus for p in answer.pods for c in p.containers}


NODES_SEEN = [
    pytest.param(ONLINE, REPORTED, id="topology and report"),
    pytest.param(ONLINE, None, id="topology only (1.20)"),
    pytest.param(None, REPORTED, id="report only"),
    pytest.param(None, None, id="neither"),
]


@pytest.mark.parametrize(("online", "reported"), NODES_SEEN)
def test_a_set_that_two_pods_report_is_the_shared_pool(online: CpuSet | None, reported: CpuSet | None) -> None:
    """GetCPUSetOrDefault gives a container without exclusive CPUs the whole pool (kubernetes #100211)."""
    answer = listing(
        pod("a", container("shared", gpu("0"), cpus="0-1,4-7")),
        pod("b", container("shared", cpus="0-1,4-7"), container("exclusive", cpus="2-3")),
    )

    assert (
        listing(
            pod("a", container("shared", gpu("0"))),
            pod("b", container("shared"), container("exclusive", cpus="2-3")),
        ).pods
        == blank_shared_pool(answer, online, reported).pods
    )


def test_the_listing_says_that_the_pool_was_taken_out() -> None:
    """Readers must know that the kubelet is one whose locality cannot be trusted; the rest of the answer stays."""
    pods = tuple(pod(name, container(cpus="0-7")) for name in ("a", "b"))
    blanked = tuple(pod(name, container()) for name in ("a", "b"))
    fault = Malformed("pod_resources[2]", "not a protobuf message")

    assert Listing(blanked, (fault,), merged_pods=1, shared_pool_reported=True) == blank_shared_pool(
        Listing(pods, (fault,), merged_pods=1), None, None
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            listing(pod("a", container(cpus="0-7"))), {"a/main": ""}, id="all online CPUs, the reserved ones included"
        ),
        pytest.param(
            listing(pod("a", container(cpus="0-1,4-7")), pod("b", container(cpus="2-3"))),
            {"a/main": "", "b/main": "2-3"},
            id="all that another container leaves",
        ),
        pytest.param(
            listing(pod("a", container("shared", cpus="0-1,4-7"), container("exclusive", cpus="2-3"))),
            {"a/shared": "", "a/exclusive": "2-3"},
            id="all that a container of the same pod leaves",
        ),
        pytest.param(
            listing(pod("a", container("one", cpus="0-7"), container("two", cpus="0-7"))),
            {"a/one": "", "a/two": ""},
            id="the pool on two containers of one pod",
        ),
    ],
)
def test_what_the_others_leave_of_the_online_cpus_is_the_pool(answer: Listing, expected: dict[str, str]) -> None:
    """Reserved CPUs are always in the pool and never exclusive, so one container is enough to tell."""
    blanked = blank_shared_pool(answer, ONLINE, REPORTED)

    assert {name: parse_cpuset(cpus) for name, cpus in expected.items()} == cpus_of(blanked)
    assert blanked.shared_pool_reported


@pytest.mark.parametrize(
    ("answer", "online", "reported"),
    [
        pytest.param(listing(), ONLINE, REPORTED, id="no pods"),
        pytest.param(listing(pod("a", container()), pod("b", container())), ONLINE, REPORTED, id="no CPUs"),
        pytest.param(
            listing(pod("a", container(cpus="1")), pod("b", container(cpus="2-3"))), ONLINE, REPORTED, id="disjoint"
        ),
        pytest.param(
            listing(pod("a", container("one", cpus="2-3"), container("two", cpus="2-3"))),
            ONLINE,
            REPORTED,
            id="equal sets inside one pod, which later kubelets list for sharing containers",
        ),
        pytest.param(
            listing(pod("a", container("one", cpus="2-3"), container("two", cpus="2-3"))),
            None,
            None,
            id="equal sets inside one pod, with nothing to compare them with",
        ),
        pytest.param(
            listing(pod("finished", container(cpus="2-3")), pod("heir", container(cpus="2-3"))),
            ONLINE,
            REPORTED,
            id="a finished pod still wears the CPUs that its heir has got",
        ),
        pytest.param(
            listing(pod("finished", container(cpus="2-3")), pod("heir", container(cpus="2-3"))),
            None,
            REPORTED,
            id="a finished pod and its heir, without a topology",
        ),
        pytest.param(
            listing(pod("a", container(cpus="1-3")), pod("b", container(cpus="5-7"))),
            ONLINE,
            REPORTED,
            id="all that is allocatable is held exclusively",
        ),
        pytest.param(
            listing(pod("a", container(cpus="0-7"))), None, REPORTED, id="one container, and no topology to tell"
        ),
    ],
)
def test_exclusive_cpus_are_left_alone(answer: Listing, online: CpuSet | None, reported: CpuSet | None) -> None:
    """What the kubelet may hand out is no part of the pool alone; the same listing comes back."""
    assert answer is blank_shared_pool(answer, online, reported)


def test_a_pod_that_keeps_its_cpus_stays_the_same_record() -> None:
    """Views of unchanged pods can then be kept."""
    answer = listing(
        pod("a", container(cpus="0-1,4-7")), pod("b", container(cpus="0-1,4-7")), pod("c", container(cpus="2-3"))
    )

    assert answer.pods[2] is blank_shared_pool(answer, ONLINE, REPORTED).pods[2]


def test_a_kubelet_that_reports_no_allocatable_cpus_clears_nothing() -> None:
    """Policy none, or devices only: an empty report does not make every set exclusive."""
    answer = listing(pod("a", container(cpus="0-3")), pod("b", container(cpus="0-3")))

    assert {"a/main": frozenset(), "b/main": frozenset()} == cpus_of(blank_shared_pool(answer, None, frozenset()))
