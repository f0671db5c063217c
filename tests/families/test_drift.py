"""Metrics of containers whose cgroup differs from the listed CPUs."""

from dataclasses import replace

from pages import sample_lines, wanted
from snapshots import holding

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import CpusetDrift, Drift, PinnedContainer, Snapshot, Unread

NAMES = ("podres_container_cpuset_drift_cpus", "podres_node_cpuset_unread_containers")


def drifting(drift: Drift | None) -> Snapshot:
    snapshot = holding()
    assert snapshot.allocation is not None
    return replace(snapshot, allocation=replace(snapshot.allocation, drift=drift))


def test_each_compared_container_has_both_kinds_and_each_reason_a_count() -> None:
    """0 says that it was compared; a container that could not be has no row."""
    container = PinnedContainer(("ml", "a"), "main", parse_cpuset("2-3"), "id1")
    drift = Drift((CpusetDrift(container, frozenset(), frozenset({0, 1})),), {Unread.NOT_FOUND: 3})

    assert wanted(
        """
        podres_container_cpuset_drift_cpus{node="n1",namespace="ml",pod="a",container="main",kind="foreign"} 2
        podres_container_cpuset_drift_cpus{node="n1",namespace="ml",pod="a",container="main",kind="missing"} 0
        podres_node_cpuset_unread_containers{node="n1",reason="not_found"} 3
        """
    ) == sample_lines(drifting(drift), *NAMES, node_label=True)


def test_nothing_is_said_where_no_cgroups_are_read() -> None:
    """Off by default."""
    assert "\n" == sample_lines(drifting(None), *NAMES)
