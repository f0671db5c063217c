"""What the node has, what is held of it and what is left."""

from collections.abc import Collection

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated, write_nodes
from podres_exporter.model import Allocation, CpuStock, DeviceStock, MemoryStock

Stock = tuple[tuple[DeviceStock, ...], CpuStock, tuple[MemoryStock, ...]]


def write_stock(allocation: Allocation) -> Fields:
    """Return the stock of devices, CPUs and memory; what is free, and the shared pool, are there for readers."""
    cpus = allocation.cpus
    return {
        "devices": [_write_devices(stock) for stock in allocation.devices],
        "cpus": stated(
            {
                "allocatable": _cpus(cpus.allocatable),
                "exclusive": _cpus(cpus.exclusive),
                "sharedPool": _cpus(cpus.shared_pool),
                "heldUnlisted": cpus.unlisted or None,
            }
        ),
        "memory": [_write_memory(stock) for stock in allocation.memory],
    }


def read_stock(reader: Reader) -> Stock:
    """Return the stock that `write_stock` wrote."""
    return (
        tuple(_read_devices(row) for row in reader.distinct("devices", "resource", "numaNodes")),
        _read_cpus(reader.below("cpus")),
        tuple(_read_memory(row) for row in reader.distinct("memory", "memoryType", "numaNodes")),
    )


def _write_devices(stock: DeviceStock) -> Fields:
    return stated(
        {
            "resource": stock.resource,
            "numaNodes": write_nodes(stock.numa_nodes),
            "allocatable": _ids(stock.allocatable),
            "held": _ids(stock.held),
            "free": _ids(stock.free),
            "heldButUnallocatable": _ids(stock.unallocatable_held),
            "offNode": _ids(stock.off_node) or None,
            "heldUnlisted": stock.unlisted or None,
        }
    )


def _read_devices(reader: Reader) -> DeviceStock:
    """Return the stock; what the kubelet reports is what is allocatable without what is so only by being held."""
    reported = None
    if reader.has("allocatable"):
        reported = frozenset(reader.texts("allocatable")) - frozenset(reader.texts("heldButUnallocatable", ()))
    return DeviceStock(
        reader.text("resource"),
        reader.nodes("numaNodes"),
        reported,
        frozenset(reader.texts("held")),
        frozenset(reader.texts("offNode", ())),
        reader.count("heldUnlisted", 0),
    )


def _read_cpus(reader: Reader) -> CpuStock:
    allocatable = reader.cpus("allocatable") if reader.has("allocatable") else None
    return CpuStock(allocatable, reader.cpus("exclusive"), reader.count("heldUnlisted", 0))


def _write_memory(stock: MemoryStock) -> Fields:
    return stated(
        {
            "memoryType": stock.memory_type,
            "numaNodes": write_nodes(stock.numa_nodes),
            "allocatableBytes": stock.reported_bytes,
            "heldBytes": stock.held_bytes,
            "heldUnlistedBytes": stock.unlisted_bytes or None,
        }
    )


def _read_memory(reader: Reader) -> MemoryStock:
    reported = reader.size("allocatableBytes") if reader.has("allocatableBytes") else None
    return MemoryStock(
        reader.text("memoryType"),
        reader.nodes("numaNodes"),
        reported,
        reader.size("heldBytes"),
        reader.count("heldUnlistedBytes", 0),
    )


def _ids(ids: Collection[str] | None) -> list[str] | None:
    return None if ids is None else sorted(ids)


def _cpus(cpus: CpuSet | None) -> str | None:
    return None if cpus is None else format_cpuset(cpus)
