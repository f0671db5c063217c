"""Stock in the document: what the node has of each resource, what is held and what is free."""

from collections.abc import Collection
from typing import Annotated, ClassVar

from podres_exporter.cpuset import CpuSet, format_cpuset, parse_cpuset
from podres_exporter.document.faults import distinct
from podres_exporter.document.values import (
    Count,
    Cpus,
    Ids,
    Nodes,
    Record,
    Size,
    doc,
    read_cpus,
    read_size,
    write_nodes,
)
from podres_exporter.model import Allocation, CpuStock, DeviceStock, MemoryStock

Stock = tuple[tuple[DeviceStock, ...], CpuStock, tuple[MemoryStock, ...]]


AtLeast = Annotated[
    bool,
    doc(
        "true if more may be held than is known, so that the free amount is unknown; allocatable is then absent, so "
        "that nothing is subtracted from it. Absent if everything held is known."
    ),
]


class DeviceStockRecord(Record, kw_only=True):
    """The devices of one resource on one set of NUMA nodes."""

    resource: Annotated[str, doc("The extended resource.")]
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes of these devices. Absent if none is stated.")] = []
    allocatable: Annotated[
        Ids | None,
        doc(
            "Ids of the devices that the kubelet reports as allocatable or that are held. Absent if the kubelet does "
            "not report it."
        ),
    ] = None
    held: Annotated[Ids, doc("Ids of the devices that containers hold.")]
    free: Annotated[
        Ids | None,
        doc("Ids of the devices that are reported and not held. Absent if the kubelet does not report it."),
    ] = None
    held_but_unallocatable: Annotated[
        Ids | None,
        doc(
            "Ids of the devices that are held and not reported: unhealthy, removed, plugin gone, or an empty topology. "
            "Absent if the kubelet does not report it."
        ),
    ] = None
    off_node: Annotated[
        Ids,
        doc(
            "Ids of reported devices that state an invalid NUMA node (-1), so that no node suits them. Absent if "
            "there are none."
        ),
    ] = []
    held_by_dra: Annotated[
        Ids,
        doc("Ids of reported devices whose hardware belongs to a DRA claim: not free. Absent if there are none."),
    ] = []
    held_unlisted: Annotated[
        Count,
        doc(
            "The number of held devices of the resource that the kubelet does not list; they may be any of free. "
            "Absent if there are none."
        ),
    ] = 0

    at_least: AtLeast = False
    reported: Annotated[
        Ids | None,
        doc("With atLeast: ids of the devices that the kubelet reports as allocatable. Absent if it cannot be asked."),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("resource", "numa_nodes")


class UnlistedOnRecord(Record, kw_only=True):
    """CPUs that are held unlisted on a NUMA node."""

    numa_node: Annotated[Count, doc("The NUMA node.")]
    cpus: Annotated[Count, doc("How many CPUs.")]


class CpuStockRecord(Record, kw_only=True):
    """The CPUs of the node that can be granted exclusively."""

    allocatable: Annotated[
        Cpus | None,
        doc(
            "CPUs that may be granted exclusively, granted or not; empty unless the CPU manager's policy is static or "
            "a DRA driver allocates individual CPUs. Absent if the kubelet does not report it."
        ),
    ] = None
    exclusive: Annotated[Cpus, doc("CPUs that some pod or container holds exclusively.")]
    shared_pool: Annotated[
        Cpus | None,
        doc(
            "Allocatable CPUs that no pod is known to hold; an upper bound of what can still be granted. Absent if "
            "the kubelet does not report it."
        ),
    ] = None
    held_unlisted: Annotated[
        Count,
        doc(
            "The number of exclusively held CPUs that the kubelet does not list; they may be any of sharedPool. "
            "Absent if there are none."
        ),
    ] = 0
    held_unlisted_on: Annotated[
        list[UnlistedOnRecord], doc("Those of heldUnlisted whose NUMA node is known. Absent if there are none.")
    ] = []
    by_driver: Annotated[
        Cpus, doc("Those of allocatable that a DRA driver hands out, and not the kubelet. Absent if there are none.")
    ] = ""
    at_least: AtLeast = False
    reported: Annotated[
        Cpus | None,
        doc("With atLeast: CPUs that may be granted exclusively. Absent if the kubelet does not report it."),
    ] = None


class MemoryStockRecord(Record, kw_only=True):
    """The memory of one type on one set of NUMA nodes."""

    memory_type: Annotated[str, doc("memory, or huge pages such as hugepages-2Mi.")]
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes. Absent if none is stated.")] = []
    allocatable_bytes: Annotated[
        Size | None,
        doc("What the kubelet may grant there, granted or not. Absent if it reports nothing for exactly these nodes."),
    ] = None
    held_bytes: Annotated[Size, doc("What is granted to pods there, each block counted once.")]
    held_unlisted_bytes: Annotated[
        Size,
        doc(
            "Memory of this type that pods hold, on any NUMA node, but the kubelet does not list. Absent if there is "
            "none."
        ),
    ] = 0
    at_least: AtLeast = False
    reported_bytes: Annotated[
        Size | None, doc("With atLeast: what the kubelet may grant there. Absent if it reports nothing.")
    ] = None

    key: ClassVar[tuple[str, ...]] = ("memory_type", "numa_nodes")


class StockRecord(Record, kw_only=True):
    """What the node has, what is held and what is free."""

    devices: Annotated[list[DeviceStockRecord], doc("Devices by resource and NUMA nodes.")]
    cpus: Annotated[CpuStockRecord, doc("The node's CPUs that can be granted exclusively.")]
    memory: Annotated[
        list[MemoryStockRecord],
        doc("Memory and huge pages by type and NUMA nodes; a block over several nodes is a row of its own."),
    ]


def write_stock(allocation: Allocation) -> StockRecord:
    """Return the stock of devices, CPUs and memory; `free` and `sharedPool` are derived, for readers."""
    cpus = allocation.cpus
    return StockRecord(
        devices=[
            DeviceStockRecord(
                resource=stock.resource,
                numa_nodes=write_nodes(stock.numa_nodes),
                allocatable=_ids(stock.allocatable if stock.is_complete else None),
                held=sorted(stock.held),
                free=_ids(stock.free),
                held_but_unallocatable=_ids(stock.unallocatable_held if stock.is_complete else None),
                at_least=not stock.is_complete,
                reported=_ids(None if stock.is_complete else stock.reported),
                off_node=sorted(stock.off_node),
                held_unlisted=stock.unlisted,
                held_by_dra=sorted(stock.held_by_dra),
            )
            for stock in allocation.devices
        ],
        cpus=CpuStockRecord(
            allocatable=_cpus(cpus.allocatable if cpus.is_complete else None),
            at_least=not cpus.is_complete,
            reported=_cpus(None if cpus.is_complete else cpus.allocatable),
            exclusive=format_cpuset(cpus.exclusive),
            shared_pool=_cpus(cpus.shared_pool),
            held_unlisted=cpus.unlisted,
            held_unlisted_on=[UnlistedOnRecord(numa_node=node, cpus=count) for node, count in cpus.unlisted_on],
            by_driver=format_cpuset(cpus.by_driver),
        ),
        memory=[
            MemoryStockRecord(
                memory_type=stock.memory_type,
                numa_nodes=write_nodes(stock.numa_nodes),
                allocatable_bytes=stock.reported_bytes if stock.is_complete else None,
                at_least=not stock.is_complete,
                reported_bytes=None if stock.is_complete else stock.reported_bytes,
                held_bytes=stock.held_bytes,
                held_unlisted_bytes=stock.unlisted_bytes,
            )
            for stock in allocation.memory
        ],
    )


def read_stock(record: StockRecord) -> Stock:
    """Return the stock of devices, CPUs and memory."""
    return (
        tuple(map(_read_device_stock, distinct(record.devices))),
        _read_cpu_stock(record.cpus),
        tuple(map(_read_memory_stock, distinct(record.memory))),
    )


def _read_device_stock(record: DeviceStockRecord) -> DeviceStock:
    """Return the stock; reported are the allocatable devices except those that are only held."""
    reported = None
    if record.allocatable is not None:
        reported = frozenset(record.allocatable) - frozenset(record.held_but_unallocatable or ())
    if record.reported is not None:
        reported = frozenset(record.reported)
    return DeviceStock(
        record.resource,
        frozenset(record.numa_nodes),
        reported,
        frozenset(record.held),
        frozenset(record.off_node),
        record.held_unlisted,
        not record.at_least,
        frozenset(record.held_by_dra),
    )


def _read_cpu_stock(record: CpuStockRecord) -> CpuStock:
    allocatable = record.reported if record.at_least else record.allocatable
    return CpuStock(
        read_cpus(allocatable),
        parse_cpuset(record.exclusive),
        record.held_unlisted,
        not record.at_least,
        parse_cpuset(record.by_driver),
        tuple((row.numa_node, row.cpus) for row in record.held_unlisted_on),
    )


def _read_memory_stock(record: MemoryStockRecord) -> MemoryStock:
    stated = record.reported_bytes if record.at_least else record.allocatable_bytes
    reported = None if stated is None else read_size(stated)
    return MemoryStock(
        record.memory_type,
        frozenset(record.numa_nodes),
        reported,
        read_size(record.held_bytes),
        read_size(record.held_unlisted_bytes),
        not record.at_least,
    )


def _ids(ids: Collection[str] | None) -> list[str] | None:
    return None if ids is None else sorted(ids)


def _cpus(cpus: CpuSet | None) -> str | None:
    return None if cpus is None else format_cpuset(cpus)
