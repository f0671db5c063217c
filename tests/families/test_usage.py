"""Metrics of running totals."""

from pages import sample_lines, wanted

from podres_exporter.model import Snapshot, Usage

FAMILIES = ("podres_allocated_device_seconds_total", "podres_exclusive_cpu_seconds_total")
USAGE = Usage({("ml", "b/nic"): 2.5, ("ml", "a/gpu"): 30.0, ("dev", "a/gpu"): 0.0}, {"telco": 7.0, "ml": 1e9})


def test_totals_are_sorted_by_namespace_and_resource() -> None:
    """The order of a page does not depend on who came first."""
    actual = sample_lines(Snapshot("n1", None, usage=USAGE), *FAMILIES)

    assert (
        wanted(
            """
            podres_allocated_device_seconds_total{namespace="dev",resource="a/gpu"} 0.0
            podres_allocated_device_seconds_total{namespace="ml",resource="a/gpu"} 30.0
            podres_allocated_device_seconds_total{namespace="ml",resource="b/nic"} 2.5
            podres_exclusive_cpu_seconds_total{namespace="ml"} 1000000000.0
            podres_exclusive_cpu_seconds_total{namespace="telco"} 7.0
            """
        )
        == actual
    )


def test_totals_stay_when_there_is_no_allocation_to_show() -> None:
    """A counter that disappears and comes back looks like a new series; rate() over an outage would lose it."""
    without_allocation = Snapshot("n1", None, usage=Usage(cpu_seconds={"ml": 4.0}))

    actual = sample_lines(without_allocation, *FAMILIES, node_label=True)

    assert '\npodres_exclusive_cpu_seconds_total{node="n1",namespace="ml"} 4.0\n' == actual


def test_before_anything_was_held_there_are_no_totals() -> None:
    """A namespace is known from its first device or CPU on."""
    assert sample_lines(Snapshot("n1", None), *FAMILIES) == "\n"


def test_totals_by_workload_and_the_dropped_stand_beside_them() -> None:
    usage = Usage(
        workload_device_seconds={("ml", "Job", "b", "r"): 1.5, ("ml", "Job", "a", "r"): 2.0},
        workload_cpu_seconds={("ml", "CronJob", "c"): 3.0},
        dropped=7,
    )
    names = ("workload_device_seconds_total", "workload_exclusive_cpu_seconds_total", "usage_series_dropped_total")
    actual = sample_lines(Snapshot("n1", None, usage=usage), *(f"podres_{name}" for name in names))

    assert (
        wanted(
            """
            podres_workload_device_seconds_total{namespace="ml",workload_kind="Job",workload_name="a",resource="r"} 2.0
            podres_workload_device_seconds_total{namespace="ml",workload_kind="Job",workload_name="b",resource="r"} 1.5
            podres_workload_exclusive_cpu_seconds_total{namespace="ml",workload_kind="CronJob",workload_name="c"} 3.0
            podres_usage_series_dropped_total 7
            """
        )
        == actual
    )
