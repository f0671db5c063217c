"""Running totals in the document."""

from document_samples import everything
from msgspec import to_builtins

from podres_exporter.document.faults import read
from podres_exporter.document.usage import UsageRecord, read_usage, write_usage
from podres_exporter.model import Usage

USAGE = Usage({("b", "r"): 2.5, ("a", "s"): 0.0}, {"b": 1.0})


def test_totals_stay_where_there_is_no_allocation() -> None:
    """A counter that disappears reads as a reset; what is held now is unknown."""
    written = to_builtins(write_usage(USAGE, None))

    assert {
        "devices": [
            {"namespace": "a", "resource": "s", "deviceSeconds": 0.0},
            {"namespace": "b", "resource": "r", "deviceSeconds": 2.5},
        ],
        "exclusiveCpus": [{"namespace": "b", "cpuSeconds": 1.0}],
    } == written
    assert (USAGE, ({}, {})) == read(written, UsageRecord, read_usage)


def test_what_is_held_now_stands_beside_its_total() -> None:
    """Also before anything was counted, and after the last one has gone."""
    allocation = everything().allocation
    assert allocation is not None

    written = to_builtins(write_usage(USAGE, allocation))

    assert {"namespace": "ml", "resource": "nvidia.com/gpu", "held": 1} in written["devices"]
    assert [{"namespace": "b", "cpuSeconds": 1.0}, {"namespace": "ml", "held": 3}] == written["exclusiveCpus"]
    assert (USAGE, (allocation.devices_by_namespace, allocation.cpus_by_namespace)) == read(
        written, UsageRecord, read_usage
    )
