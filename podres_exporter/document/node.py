"""What the document says of the node as a whole: its topology, what it has and what is left, and running totals."""

from collections import defaultdict
from collections.abc import Collection, Mapping
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
    Total,
    doc,
    read_cpus,
    read_size,
    read_total,
    write_nodes,
)
from podres_exporter.model import Allocation, Core, CpuStock, DeviceStock, MemoryStock, Topology, Usage

Stock = tuple[tuple[DeviceStock, ...], CpuStock, tuple[MemoryStock, ...]]
Held = tuple[dict[tuple[str, str], int], dict[str, int]]
"""Devices by (namespace, resource) and exclusive CPUs by namespace."""

_NOT_STATED = -1


class NumaNodeRecord(Record, kw_only=True):
    """A NUMA node of the machine."""

    node: Annotated[Count, doc("The kernel's number of the NUMA node.")]
    cpus: Annotated[Cpus, doc("Its CPUs as a list such as 0-3,8; empty on a node of memory only.")]


class CoreRecord(Record, kw_only=True):
    """A physical core."""

    socket: Annotated[Count | None, doc("The socket that the core is on. Absent where the kernel states none.")] = None
    core: Annotated[
        Count | None,
        doc("The number of the core, unique within a socket. Absent where the kernel states none."),
    ] = None
    l3_cache: Annotated[
        Count | None,
        doc("The lowest CPU that shares the core's last-level cache. Absent where the kernel states none."),
    ] = None
    cpus: Annotated[Cpus, doc("The core's CPUs (hardware threads).")]


class TopologyRecord(Record, kw_only=True):
    """The NUMA nodes and cores of the machine."""

    nodes: Annotated[list[NumaNodeRecord], doc("The NUMA nodes, ascending.")]
    cores: Annotated[list[CoreRecord], doc("The physical cores, by socket and number.")]


AtLeast = Annotated[
    bool,
    doc(
        "true where more may be held than is known, so that it is not known what is free; allocatable is left out "
        "then, for nothing may be taken from it. Absent where all that is held is known."
    ),
]


class DeviceStockRecord(Record, kw_only=True):
    """The devices of one resource on one set of NUMA nodes."""

    resource: Annotated[str, doc("The extended resource.")]
    numa_nodes: Annotated[
        Nodes, doc("The NUMA nodes that these devices are near to. Absent where none is stated.")
    ] = []
    allocatable: Annotated[
        Ids | None,
        doc(
            "Ids of the devices that the kubelet reports as allocatable or that are held. Absent where the kubelet "
            "cannot be asked."
        ),
    ] = None
    held: Annotated[Ids, doc("Ids of the devices that containers hold.")]
    free: Annotated[
        Ids | None,
        doc("Ids of the devices that are reported and not held. Absent where the kubelet cannot be asked."),
    ] = None
    held_but_unallocatable: Annotated[
        Ids | None,
        doc(
            "Ids of the devices that are held and not reported: unhealthy, removed, plugin gone, or an empty topology. "
            "Absent where the kubelet cannot be asked."
        ),
    ] = None
    off_node: Annotated[
        Ids,
        doc(
            "Ids of reported devices that state a NUMA node which is none (-1), so that no node will do for them. "
            "Absent where there are none."
        ),
    ] = []
    held_by_dra: Annotated[
        Ids,
        doc("Ids of reported devices whose hardware a DRA claim has: not free. Absent where there are none."),
    ] = []
    held_unlisted: Annotated[
        Count,
        doc(
            "How many devices of the resource are held that the kubelet does not list; they may be any of free. Absent "
            "where there are none."
        ),
    ] = 0

    at_least: AtLeast = False
    reported: Annotated[
        Ids | None,
        doc(
            "With atLeast: ids of the devices that the kubelet reports as allocatable. Absent where it cannot be asked."
        ),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("resource", "numa_nodes")


class CpuStockRecord(Record, kw_only=True):
    """The CPUs of the node that can be granted exclusively."""

    allocatable: Annotated[
        Cpus | None,
        doc(
            "CPUs that may be granted exclusively, granted or not; empty unless the CPU manager's policy is static. "
            "Absent where the kubelet cannot be asked."
        ),
    ] = None
    exclusive: Annotated[Cpus, doc("CPUs that some pod or container holds exclusively.")]
    shared_pool: Annotated[
        Cpus | None,
        doc(
            "Allocatable CPUs that nobody is seen to hold; an upper bound of what is left to grant. Absent where the "
            "kubelet cannot be asked."
        ),
    ] = None
    held_unlisted: Annotated[
        Count,
        doc(
            "How many CPUs are held exclusively that the kubelet does not list; they may be any of sharedPool. Absent "
            "where there are none."
        ),
    ] = 0
    at_least: AtLeast = False
    reported: Annotated[
        Cpus | None,
        doc("With atLeast: CPUs that may be granted exclusively. Absent where the kubelet cannot be asked."),
    ] = None


class MemoryStockRecord(Record, kw_only=True):
    """The memory of one type on one set of NUMA nodes."""

    memory_type: Annotated[str, doc("memory, or huge pages such as hugepages-2Mi.")]
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes. Absent where none is stated.")] = []
    allocatable_bytes: Annotated[
        Size | None,
        doc(
            "What the kubelet may grant there, granted or not. Absent where it reports nothing for exactly these nodes."
        ),
    ] = None
    held_bytes: Annotated[Size, doc("What is granted to pods there, each block counted once.")]
    held_unlisted_bytes: Annotated[
        Size,
        doc(
            "What pods hold of this type, on any NUMA node, that the kubelet does not list. Absent where there is none."
        ),
    ] = 0
    at_least: AtLeast = False
    reported_bytes: Annotated[
        Size | None, doc("With atLeast: what the kubelet may grant there. Absent where it reports nothing.")
    ] = None

    key: ClassVar[tuple[str, ...]] = ("memory_type", "numa_nodes")


class StockRecord(Record, kw_only=True):
    """What the node has, what is held of it and what is left."""

    devices: Annotated[list[DeviceStockRecord], doc("Devices by resource and NUMA nodes.")]
    cpus: Annotated[CpuStockRecord, doc("The node's CPUs as far as they can be granted exclusively.")]
    memory: Annotated[
        list[MemoryStockRecord],
        doc("Memory and huge pages by type and NUMA nodes; a block over several nodes is a row of its own."),
    ]


class DeviceUsageRecord(Record, kw_only=True):
    """What a namespace holds, and has held, of one resource."""

    namespace: Annotated[str, doc("The namespace.")]
    resource: Annotated[str, doc("The extended resource.")]
    held: Annotated[
        Count | None,
        doc("Devices that its containers hold now. Absent where they hold none, or there is no allocation."),
    ] = None
    device_seconds: Annotated[
        Total | None,
        doc("Device-seconds held since the exporter started. Absent where nothing was counted yet."),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("namespace", "resource")


class CpuUsageRecord(Record, kw_only=True):
    """What a namespace holds, and has held, of exclusive CPUs."""

    namespace: Annotated[str, doc("The namespace.")]
    held: Annotated[
        Count | None,
        doc("Exclusive CPUs that its pods hold now. Absent where they hold none, or there is no allocation."),
    ] = None
    cpu_seconds: Annotated[
        Total | None,
        doc("Exclusive-CPU-seconds held since the exporter started. Absent where nothing was counted yet."),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("namespace",)


class WorkloadDeviceUsageRecord(Record, kw_only=True):
    """What a workload has held of one resource."""

    namespace: Annotated[str, doc("The namespace.")]
    workload_kind: Annotated[str, doc("The workload's kind, such as Deployment; empty where it is not known.")]
    workload_name: Annotated[str, doc("The workload's name; empty where it is not known.")]
    resource: Annotated[str, doc("The extended resource, or the driver of a DRA device.")]
    device_seconds: Annotated[Total, doc("Device-seconds held since the exporter started.")]

    key: ClassVar[tuple[str, ...]] = ("namespace", "workload_kind", "workload_name", "resource")


class WorkloadCpuUsageRecord(Record, kw_only=True):
    """What a workload has held of exclusive CPUs."""

    namespace: Annotated[str, doc("The namespace.")]
    workload_kind: Annotated[str, doc("The workload's kind, such as Deployment; empty where it is not known.")]
    workload_name: Annotated[str, doc("The workload's name; empty where it is not known.")]
    cpu_seconds: Annotated[Total, doc("Exclusive-CPU-seconds held since the exporter started.")]

    key: ClassVar[tuple[str, ...]] = ("namespace", "workload_kind", "workload_name")


class UsageRecord(Record, kw_only=True):
    """What namespaces hold, and running totals of it."""

    devices: Annotated[list[DeviceUsageRecord], doc("By namespace and resource.")]
    exclusive_cpus: Annotated[list[CpuUsageRecord], doc("By namespace.")]
    workload_devices: Annotated[
        list[WorkloadDeviceUsageRecord], doc("By workload and resource. Absent where nothing was counted yet.")
    ] = []
    workload_exclusive_cpus: Annotated[
        list[WorkloadCpuUsageRecord], doc("By workload. Absent where nothing was counted yet.")
    ] = []
    dropped_totals: Annotated[
        Count,
        doc("Totals that were removed after nothing had added to them for long. Absent where there are none."),
    ] = 0


def write_topology(topology: Topology) -> TopologyRecord:
    """Return the topology's record, everything ascending."""
    cpus_by_core: defaultdict[Core, list[int]] = defaultdict(list)
    for cpu, core in topology.core_by_cpu.items():
        cpus_by_core[core].append(cpu)
    return TopologyRecord(
        nodes=[
            NumaNodeRecord(node=node, cpus=format_cpuset(cpus)) for node, cpus in sorted(topology.cpus_by_node.items())
        ],
        cores=[
            CoreRecord(
                socket=_number(core.socket),
                core=_number(core.core),
                l3_cache=_number(core.cache),
                cpus=format_cpuset(cpus),
            )
            for core, cpus in sorted(cpus_by_core.items(), key=lambda row: (row[0].socket, row[0].core, row[0].cache))
        ],
    )


def read_topology(record: TopologyRecord) -> Topology:
    """Return the topology."""
    cores = {
        cpu: Core(*(_NOT_STATED if number is None else number for number in (row.core, row.socket, row.l3_cache)))
        for row in record.cores
        for cpu in parse_cpuset(row.cpus)
    }
    return Topology({row.node: parse_cpuset(row.cpus) for row in record.nodes}, cores)


def write_stock(allocation: Allocation) -> StockRecord:
    """Return the stock of devices, CPUs and memory; what is free, and the shared pool, are there for readers."""
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


def write_usage(usage: Usage, allocation: Allocation | None) -> UsageRecord:
    """Return a row per namespace and resource, and one per namespace that holds or has held CPUs."""
    devices: Mapping[tuple[str, str], int] = allocation.devices_by_namespace if allocation else {}
    cpus: Mapping[str, int] = allocation.cpus_by_namespace if allocation else {}
    return UsageRecord(
        devices=[
            DeviceUsageRecord(
                namespace=key[0],
                resource=key[1],
                held=devices.get(key),
                device_seconds=usage.device_seconds.get(key),
            )
            for key in sorted({*devices, *usage.device_seconds})
        ],
        exclusive_cpus=[
            CpuUsageRecord(namespace=key, held=cpus.get(key), cpu_seconds=usage.cpu_seconds.get(key))
            for key in sorted({*cpus, *usage.cpu_seconds})
        ],
        workload_devices=[
            WorkloadDeviceUsageRecord(
                namespace=key[0], workload_kind=key[1], workload_name=key[2], resource=key[3], device_seconds=seconds
            )
            for key, seconds in sorted(usage.workload_device_seconds.items())
        ],
        workload_exclusive_cpus=[
            WorkloadCpuUsageRecord(namespace=key[0], workload_kind=key[1], workload_name=key[2], cpu_seconds=seconds)
            for key, seconds in sorted(usage.workload_cpu_seconds.items())
        ],
        dropped_totals=usage.dropped,
    )


def read_usage(record: UsageRecord) -> tuple[Usage, Held]:
    """Return the running totals, and what is held now."""
    devices = {(row.namespace, row.resource): row for row in distinct(record.devices)}
    cpus = {row.namespace: row for row in distinct(record.exclusive_cpus)}
    usage = Usage(
        {key: read_total(row.device_seconds) for key, row in devices.items() if row.device_seconds is not None},
        {key: read_total(row.cpu_seconds) for key, row in cpus.items() if row.cpu_seconds is not None},
        {
            (row.namespace, row.workload_kind, row.workload_name, row.resource): read_total(row.device_seconds)
            for row in distinct(record.workload_devices)
        },
        {
            (row.namespace, row.workload_kind, row.workload_name): read_total(row.cpu_seconds)
            for row in distinct(record.workload_exclusive_cpus)
        },
        record.dropped_totals,
    )
    held_devices = {key: row.held for key, row in devices.items() if row.held is not None}
    held_cpus = {key: row.held for key, row in cpus.items() if row.held is not None}
    return usage, (held_devices, held_cpus)


def _number(number: int) -> int | None:
    """Return the number of a core or socket; None where the kernel states none."""
    return number if number >= 0 else None


def _read_device_stock(record: DeviceStockRecord) -> DeviceStock:
    """Return the stock; what the kubelet reports is what is allocatable without what is so only by being held."""
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
    return CpuStock(read_cpus(allocatable), parse_cpuset(record.exclusive), record.held_unlisted, not record.at_least)


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
