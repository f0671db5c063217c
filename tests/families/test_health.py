"""Metrics of sources and freshness when something fails."""

from dataclasses import replace

import pytest
from pages import sample_lines, wanted
from snapshots import stocked

from podres_exporter.families.health import FAMILIES
from podres_exporter.families.spec import ExporterFamily
from podres_exporter.model import Mark, Metadata, Part, PodMeta, RpcSupport, Snapshot, SourceHealth, Support

EVERYTHING = tuple(family.name for family in FAMILIES)


def test_a_source_that_is_down_keeps_the_time_of_its_last_answer() -> None:
    """A timestamp, never an age: the age would be wrong as soon as it is scraped late."""
    snapshot = Snapshot(
        "n1", None, sources=(SourceHealth("kubelet", False, 1700000000.25), SourceHealth("topology", True, 1.0))
    )

    actual = sample_lines(snapshot, *EVERYTHING)

    assert (
        wanted(
            """
            podres_source_up{source="kubelet"} 0
            podres_source_up{source="topology"} 1
            podres_source_last_success_timestamp_seconds{source="kubelet"} 1700000000.25
            podres_source_last_success_timestamp_seconds{source="topology"} 1.0
            """
        )
        == actual
    )


def test_retained_pods_are_counted() -> None:
    """Those that the kubelet listed before its restart, and has not since."""
    snapshot = stocked()
    assert snapshot.allocation is not None
    views = tuple(replace(view, mark=Mark.RETAINED) for view in snapshot.allocation.pods)

    lines = sample_lines(replace(snapshot, allocation=replace(snapshot.allocation, pods=views)), *EVERYTHING)

    assert f"podres_pods_retained {len(views)}" in lines


def test_a_source_that_never_answered_has_no_last_success() -> None:
    """0 would be the year 1970, and every alert on age would fire with nonsense."""
    actual = sample_lines(Snapshot("n1", None, sources=(SourceHealth("kubelet", False, None),)), *EVERYTHING)

    assert actual == '\npodres_source_up{source="kubelet"} 0\n'


def test_an_rpc_that_was_not_asked_yet_has_no_series() -> None:
    """Not asked is neither served nor refused."""
    snapshot = Snapshot(
        "n1",
        None,
        rpcs=(
            RpcSupport("List", Support.SUPPORTED),
            RpcSupport("Get", Support.UNSUPPORTED),
            RpcSupport("GetAllocatableResources", Support.UNKNOWN),
        ),
    )

    actual = sample_lines(snapshot, *EVERYTHING)

    assert (
        wanted(
            """
            podres_kubelet_rpc_supported{rpc="List"} 1
            podres_kubelet_rpc_supported{rpc="Get"} 0
            """
        )
        == actual
    )


@pytest.mark.parametrize(("stale", "held"), [(False, False), (True, False), (True, True)])
def test_each_part_says_whether_it_is_stale_and_held(stale: bool, held: bool) -> None:
    """The page says that newer answers are held back after a restart."""
    actual = sample_lines(Snapshot("n1", None, parts=(Part("pods", stale=stale, held=held),)), *EVERYTHING)

    expected = f'podres_snapshot_stale{{part="pods"}} {stale:d}\npodres_snapshot_held{{part="pods"}} {held:d}\n'
    assert f"\n{expected}" == actual


def test_skipped_pods_are_counted_by_reason() -> None:
    """What is not shown is at least counted; zero is shown too, so that an alert can tell it from "no data"."""
    snapshot = stocked()
    assert snapshot.allocation is not None
    allocation = replace(snapshot.allocation, skipped_pods={"unnamed": 2, "duplicate_name": 0})

    actual = sample_lines(replace(snapshot, allocation=allocation), *EVERYTHING)

    assert (
        wanted(
            """
            podres_pods_retained 0
            podres_pods_skipped{reason="duplicate_name"} 0
            podres_pods_skipped{reason="unnamed"} 2
            """
        )
        == actual
    )


def test_what_is_said_of_the_exporter_has_no_node_label() -> None:
    """It is about the process that is scraped, which the target labels name (kubernetes instrumentation guide)."""
    snapshot = Snapshot("n1", None, sources=(SourceHealth("kubelet", True, None),))

    actual = sample_lines(snapshot, *EVERYTHING, node_label=True)

    assert actual == '\npodres_source_up{source="kubelet"} 1\n'
    assert all(isinstance(family, ExporterFamily) for family in FAMILIES)


def test_the_state_of_the_metadata_is_shown_where_the_api_server_is_asked() -> None:
    """Age follows from the last success of source="metadata"; without the source nothing is said."""
    known = Metadata({("ml", "a"): PodMeta("ml", "a", "1")}, synced=True)
    snapshot = Snapshot("n1", None, known)

    assert sample_lines(snapshot, *EVERYTHING) == "\npodres_metadata_synced 1\npodres_metadata_pods 1\n"
    assert sample_lines(snapshot.expired(), *EVERYTHING) == "\npodres_metadata_synced 1\npodres_metadata_pods 1\n"
    assert sample_lines(Snapshot("n1", None), *EVERYTHING) == "\n"
