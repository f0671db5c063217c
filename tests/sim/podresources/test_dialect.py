"""Differences between kubelet releases."""

import pytest

from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim.podresources.dialect import Dialect, dialect_of


def dialect(minor: int, **gates: bool) -> Dialect:
    return dialect_of(KubeletSettings(Release(minor), **gates))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("allocatable_enabled", 23, 37),
        ("get_enabled", 34, 37),
        ("dynamic_resources", 34, 37),
        ("rate_limited", 27, 37),
        ("groups_ids", 20, 20),
        ("unknown_is_node_zero", 20, 22),
        ("shared_pool_listed", 20, 22),
        ("lists_unhealthy", 20, 22),
        ("memory", 22, 37),
        ("class_name", 27, 30),
        ("cdi_accumulates", 31, 36),
        ("share_id", 35, 37),
        ("pod_level", 37, 37),
    ],
)
def test_each_habit_belongs_to_a_range_of_releases(name: str, first: int, last: int) -> None:
    """kube_features.go, api.proto and container_manager.go of the releases 1.20 to 1.37."""
    releases = [minor for minor in range(20, 38) if getattr(dialect(minor), name)]

    assert list(range(first, last + 1)) == releases


@pytest.mark.parametrize(
    ("minor", "methods"),
    [
        (20, {"List"}),
        (21, {"List", "GetAllocatableResources"}),
        (26, {"List", "GetAllocatableResources"}),
        (27, {"List", "GetAllocatableResources", "Get"}),
    ],
)
def test_methods_came_one_by_one(minor: int, methods: set[str]) -> None:
    """podresources/v1 api.proto of 1.20, 1.21 and 1.27."""
    assert methods == dialect(minor).methods


def test_a_gate_that_the_scenario_sets_wins_over_the_release() -> None:
    """KubeletPodResourcesGet and -GetAllocatable are feature gates, and so is -DynamicResources."""
    on = dialect(27, get=True, dynamic_resources=True)
    off = dialect(36, get=False, allocatable=False, dynamic_resources=False)

    assert (True, True) == (on.get_enabled, on.dynamic_resources)
    assert (False, False, False) == (off.get_enabled, off.allocatable_enabled, off.dynamic_resources)


def test_no_gate_brings_dra_to_a_release_whose_messages_have_no_field_for_it() -> None:
    """DynamicResource came with 1.27."""
    assert not dialect(26, dynamic_resources=True).dynamic_resources
