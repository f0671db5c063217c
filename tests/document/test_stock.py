"""Total, held and free amounts in the document."""

from typing import Any

from document_samples import everything
from msgspec import to_builtins
from snapshots import stocked

from podres_exporter.document.faults import read
from podres_exporter.document.stock import StockRecord, read_stock, write_stock
from podres_exporter.model import DeviceStock, MemoryStock, Snapshot

NODE_0 = frozenset({0})


def stock(snapshot: Snapshot) -> Any:
    assert snapshot.allocation is not None
    return to_builtins(write_stock(snapshot.allocation))


def test_devices_are_named_by_what_may_be_done_with_them() -> None:
    """A held device that the kubelet does not report is not free, and not forgotten."""
    devices = (DeviceStock("r", NODE_0, frozenset({"b", "a", "c"}), frozenset({"b", "gone"})),)

    written = stock(stocked(devices=devices))

    assert [
        {
            "resource": "r",
            "numaNodes": [0],
            "allocatable": ["a", "b", "c", "gone"],
            "held": ["b", "gone"],
            "free": ["a", "c"],
            "heldButUnallocatable": ["gone"],
        }
    ] == written["devices"]
    assert devices == read(written, StockRecord, read_stock)[0]


def test_what_a_kubelet_cannot_be_asked_is_absent() -> None:
    """Neither nothing nor everything is free then."""
    snapshot = stocked(
        devices=(DeviceStock("r", frozenset(), None, frozenset({"a"})),),
        allocatable=None,
        exclusive=frozenset({1}),
        memory=(MemoryStock("memory", NODE_0, None, 5),),
    )

    written = stock(snapshot)

    assert {
        "devices": [{"resource": "r", "held": ["a"]}],
        "cpus": {"exclusive": "1"},
        "memory": [{"memoryType": "memory", "numaNodes": [0], "heldBytes": 5}],
    } == written


def test_a_report_of_nothing_is_not_the_same_as_no_report() -> None:
    """The kubelet was asked, and has none."""
    snapshot = stocked(
        devices=(DeviceStock("r", NODE_0, frozenset(), frozenset({"a"})),),
        memory=(MemoryStock("memory", NODE_0, 0, 5),),
    )
    assert snapshot.allocation is not None

    devices, cpus, memory = read(stock(snapshot), StockRecord, read_stock)

    assert (snapshot.allocation.devices, snapshot.allocation.memory) == (devices, memory)
    assert (frozenset[int](), frozenset[int]()) == (cpus.allocatable, cpus.exclusive)


def test_everything_is_read_back() -> None:
    allocation = everything().allocation
    assert allocation is not None

    assert (allocation.devices, allocation.cpus, allocation.memory) == read(
        to_builtins(write_stock(allocation)), StockRecord, read_stock
    )
