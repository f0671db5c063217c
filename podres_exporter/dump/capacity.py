"""What each resource of the node has, how much is held and how much is free, by NUMA node."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.families.spec import by_node
from podres_exporter.model import Allocation, DeviceStock, DraDevice, DraKey, DraStock, MemoryStock, Topology
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.text.amounts import CPU, memory_order
from podres_exporter.text.words import ids_in_order


@dataclass(frozen=True, slots=True)
class Left:
    """
    One resource on one set of NUMA nodes, in CPUs, bytes or devices; None if unknown.

    *free* is certainly free. *free_ids* are the devices not listed as held (CPUs as one text), of which some may be
    held unlisted; with *is_choice*, only *free* of them fit at once. *unallocatable_ids* are held although not reported
    as allocatable.
    """

    resource: str
    numa_nodes: NumaNodes
    allocatable: int | None
    held: int
    free: int | None
    free_ids: tuple[str, ...] = ()
    unallocatable_ids: tuple[str, ...] | None = None
    is_bytes: bool = False
    is_choice: bool = False


def left(allocation: Allocation | None) -> list[Left]:
    """Return CPUs, memory and devices, in this order; nothing without an allocation."""
    if allocation is None:
        return []
    found = [*_cpus(allocation), *_memory(allocation.memory), *map(_devices, allocation.devices)]
    dra = allocation.dra
    return found if dra is None else [*found, *(row for stock in dra.stock for row in _claimable(stock, dra.devices()))]


def _claimable(stock: DraStock, devices: Mapping[DraKey, DraDevice]) -> Iterator[Left]:
    """
    Yield DRA devices of one driver and type by NUMA nodes; devices that an unknown claim may have are not free.
    Mutually exclusive partitions are in one row.
    """
    name = f"{stock.driver} ({stock.kind})" if stock.kind else stock.driver
    is_choice = stock.fitting < len(stock.available)
    groups: defaultdict[NumaNodes, set[tuple[str, str]]] = defaultdict(set)
    for item in stock.total:
        device = devices.get((stock.driver, *item))
        groups[frozenset() if device is None or is_choice else device.numa_nodes].add(item)
    for nodes, items in sorted(groups.items(), key=lambda row: sorted(row[0])):
        free = [f"{pool}/{device}" for pool, device in stock.available & items]
        fit = stock.fitting if is_choice else len(free)
        known = stock.is_known
        yield Left(
            name,
            nodes,
            len(items),
            len(stock.allocated & items),
            fit if known else None,
            tuple(ids_in_order(free)) if known and fit else (),
            is_choice=is_choice and known and fit > 0,
        )


def _cpus(allocation: Allocation) -> Iterator[Left]:
    """
    Yield the CPUs of each NUMA node; nothing if none can be granted.

    The free CPUs are the shared pool: an upper bound, because the kubelet does not list what only a finished init
    container held.
    """
    cpus, topology = allocation.cpus, allocation.topology
    if cpus.allocatable is None:
        for nodes, held in _placed(cpus.exclusive, topology):
            yield Left(CPU, nodes, None, len(held), None)
        if not cpus.exclusive:
            yield Left(CPU, frozenset(), None, 0, None)
        return
    for nodes, all_of_node in _placed(cpus.allocatable, topology):
        held = all_of_node & cpus.exclusive
        free = all_of_node - held
        ids = (format_cpuset(free),) if free else ()
        yield Left(
            CPU, nodes, len(all_of_node), len(held), max(0, len(free) - cpus.unlisted_at(min(nodes, default=None))), ids
        )


def _placed(cpus: CpuSet, topology: Topology | None) -> Iterator[tuple[NumaNodes, CpuSet]]:
    for node, held in by_node(cpus, topology):
        yield (frozenset([int(node)]) if node else frozenset()), held


def _memory(stocks: Iterable[MemoryStock]) -> Iterator[Left]:
    """
    Yield the memory of each NUMA node, and of groups of nodes spanned by blocks.

    The kubelet reports memory per node and grants blocks over several nodes without saying how they are split, so the
    free amount of such nodes is only known for the group.

    Source: kubelet memorymanager policy_static.go (groups of NUMA nodes).
    """
    by_type: defaultdict[str, list[MemoryStock]] = defaultdict(list)
    for stock in stocks:
        by_type[stock.memory_type].append(stock)
    for kind in sorted(by_type, key=memory_order):
        for group in _groups(by_type[kind]):
            nodes = frozenset[int]().union(*(stock.numa_nodes for stock in group))
            held = sum(stock.held_bytes for stock in group)
            told = frozenset[int]().union(*(each.numa_nodes for each in group if each.reported_bytes is not None))
            allocatable = sum(stock.reported_bytes or 0 for stock in group) if told and told == nodes else None
            unlisted = max(stock.unlisted_bytes for stock in group)
            free = None if allocatable is None else max(0, allocatable - held - unlisted)
            yield Left(kind, nodes, allocatable, held, free, is_bytes=True)


def _groups(stocks: Iterable[MemoryStock]) -> list[list[MemoryStock]]:
    """Return the rows grouped by common NUMA nodes, directly or through others."""
    groups: list[list[MemoryStock]] = []
    for stock in stocks:
        touching = [group for group in groups if any(stock.numa_nodes & each.numa_nodes for each in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([each for group in touching for each in group] + [stock])
    return sorted(groups, key=lambda group: min(min(each.numa_nodes, default=-1) for each in group))


def _devices(stock: DeviceStock) -> Left:
    allocatable, free, unallocatable = stock.allocatable, stock.free, stock.unallocatable_held
    return Left(
        stock.resource,
        stock.numa_nodes,
        None if allocatable is None else len(allocatable),
        len(stock.held),
        stock.surely_free,
        tuple(ids_in_order(free or ())),
        None if unallocatable is None else tuple(ids_in_order(unallocatable)),
    )
