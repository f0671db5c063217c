"""The finding on hardware offered under two resource names."""

from builders import allocatable, container, device, listing, pod

from podres_exporter.check import Verdict
from podres_exporter.check.findings.conflicts import twins_finding
from podres_exporter.join import Joiner
from podres_exporter.model import Allocation

ADDRESS = "0000:00:06.0"


def node(free_id: str) -> Allocation:
    """Return a node on which one pool has the address held, and another pool this id free."""
    left, right = device("intel.com/left", ADDRESS, 0), device("intel.com/right", free_id, 0)
    return Joiner().join(listing(pod("dpdk", container("main", left))), allocatable(left, right), None)


def test_a_free_device_that_is_held_under_another_name_is_a_warning() -> None:
    """The kubelet would hand it out a second time; the selectors of the pools overlap."""
    one = twins_finding(node(ADDRESS))

    assert Verdict.WARNING is one.verdict
    assert f"intel.com/right {ADDRESS} is held as intel.com/left by default/dpdk" in one.seen
    assert "disjoint" in one.remedy


def test_other_hardware_is_none_of_it() -> None:
    assert Verdict.OK is twins_finding(node("0000:00:06.1")).verdict


def test_without_pods_nothing_is_judged() -> None:
    assert Verdict.SKIPPED is twins_finding(None).verdict
