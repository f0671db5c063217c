"""Metrics of NUMA alignment: of each container, and of the largest request that one NUMA node can serve now."""

from collections.abc import Collection

from podres_exporter.families.spec import Concern, ContainerFamily, Kind, NodeFamily, Row
from podres_exporter.model import Allocation, ContainerView, DeviceStock, Topology, Verdict


def _numa_nodes(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    nodes = view.alignment.numa_nodes
    return [(len(nodes),)] if nodes else ()


def _aligned(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    """Return 1 or 0; no row for a container that needs more than one node has."""
    match view.alignment.verdict:
        case Verdict.ALIGNED:
            return [(1,)]
        case Verdict.MISALIGNED:
            return [(0,)]
        case _:
            return ()


def _devices(allocation: Allocation) -> Collection[Row]:
    """Return (resource, count), without resources whose free amount is unknown."""
    stocks: dict[str, list[DeviceStock]] = {}
    for stock in allocation.devices:
        stocks.setdefault(stock.resource, []).append(stock)
    rows = [(resource, largest_aligned_devices(every)) for resource, every in stocks.items()]
    return [(resource, most) for resource, most in rows if most is not None]


def largest_aligned_devices(stocks: Collection[DeviceStock]) -> int | None:
    """
    Return the most devices that are certainly free near one NUMA node; all of them if none states a node.

    As in the kubelet's hints: once any device of a resource states a node, devices that state none are near no node.
    """
    if any(stock.free is None for stock in stocks):
        return None
    unlisted = max(stock.unlisted for stock in stocks)
    nodes = frozenset[int]().union(*(stock.numa_nodes for stock in stocks))
    if not nodes and not any(stock.off_node for stock in stocks):
        return max(0, sum(len(stock.free or ()) for stock in stocks) - unlisted)
    near = [sum(len(stock.free or ()) for stock in stocks if node in stock.numa_nodes) for node in nodes]
    return max(0, max(near, default=0) - unlisted)


def largest_aligned_cpus(allocation: Allocation) -> int | None:
    """Return the most CPUs of one node that can be granted; None if the policy is not static, or the nodes unknown."""
    pool, topology = allocation.cpus.shared_pool, allocation.topology
    if pool is None or topology is None or not allocation.cpus.allocatable:
        return None
    near = [len(pool & held) - allocation.cpus.unlisted_at(node) for node, held in topology.cpus_by_node.items()]
    return max(0, *near) if near else 0


def _cpus(allocation: Allocation) -> Collection[Row]:
    most = largest_aligned_cpus(allocation)
    return [] if most is None else [(most,)]


FAMILIES = (
    ContainerFamily(
        name="podres_container_numa_nodes",
        kind=Kind.GAUGE,
        help="How many NUMA nodes the container's exclusive CPUs, memory blocks and devices span; a device "
        "that is near several nodes counts for one of them. Absent if nothing it holds has a stated NUMA"
        " node. Computed.",
        labels=(),
        collector="alignment",
        rows=_numa_nodes,
        concern=Concern.ANYTHING,
    ),
    ContainerFamily(
        name="podres_container_numa_aligned",
        kind=Kind.GAUGE,
        help="1 if one NUMA node serves everything the container holds, 0 if it is misaligned: no node does "
        "though one could have. Absent if nothing has a stated NUMA node, and if no single node is large"
        " enough. Computed.",
        labels=(),
        collector="alignment",
        rows=_aligned,
        concern=Concern.ANYTHING,
    ),
)

NODE_FAMILIES = (
    NodeFamily(
        name="podres_node_largest_aligned_devices",
        kind=Kind.GAUGE,
        help="The most devices of the resource that one container could get near a single NUMA node now, "
        "which is what policy single-numa-node admits; all free ones if no device states a node. Absent "
        "while it is not known what is free.",
        labels=("resource",),
        collector="node-devices",
        rows=_devices,
    ),
    NodeFamily(
        name="podres_node_largest_aligned_cpus",
        kind=Kind.GAUGE,
        help="The most exclusive CPUs that a container could get on one NUMA node now. Absent if nothing "
        "grants any (the CPU manager's policy is not static, no DRA driver does), and while it is not known what "
        "is free.",
        labels=(),
        collector="node-cpus",
        rows=_cpus,
    ),
)
