"""Metrics of exclusive CPUs of containers and pods, and of the node's shared pool."""

from collections.abc import Collection

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.families.spec import (
    Concern,
    ContainerFamily,
    Kind,
    NodeFamily,
    PodFamily,
    Row,
    by_node,
)
from podres_exporter.model import Allocation, ContainerView, Core, PodView, Thing, Topology


def _container_cpus(view: ContainerView, topology: Topology | None) -> Collection[Row]:
    return [(node, len(cpus)) for node, cpus in by_node(view.container.exclusive_cpus, topology)]


def _container_cpuset(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    cpus = view.container.exclusive_cpus
    return [(format_cpuset(cpus), 1)] if cpus else ()


def _pod_cpus(view: PodView, topology: Topology | None) -> Collection[Row]:
    return [(node, len(cpus)) for node, cpus in by_node(view.pod.all_exclusive_cpus(), topology)]


def _cpu_infos(view: ContainerView, topology: Topology | None) -> Collection[Row]:
    cores = topology.core_by_cpu if topology else {}
    places = [
        (cpu, node, cores.get(cpu, Core(-1, -1)))
        for node, cpus in by_node(view.container.exclusive_cpus, topology)
        for cpu in sorted(cpus)
    ]
    return [
        (str(cpu), node, _stated(place.core), _stated(place.socket), _stated(place.cache), 1)
        for cpu, node, place in places
    ]


def _stated(number: int) -> str:
    """Return the number as label text; empty if the kernel does not state it."""
    return str(number) if number >= 0 else ""


def _per_node(allocation: Allocation, cpus: CpuSet | None) -> Collection[Row]:
    """
    Return how many of *cpus* each NUMA node has, including nodes with 0.

    Empty if the node has no allocatable CPUs at all: the CPU manager's policy is then not static.
    """
    if cpus is None or not (allocation.cpus.allocatable or allocation.cpus.exclusive):
        return []
    counts = (
        {} if allocation.topology is None else {str(n): 0 for n, c in allocation.topology.cpus_by_node.items() if c}
    )
    counts.update((node, len(held)) for node, held in by_node(cpus, allocation.topology))
    return sorted(counts.items() or [("", 0)])


def _allocatable(allocation: Allocation) -> Collection[Row]:
    return _per_node(allocation, allocation.cpus.allocatable)


def _exclusive(allocation: Allocation) -> Collection[Row]:
    return _per_node(allocation, allocation.cpus.exclusive) if allocation.cpus.is_complete else ()


def _shared_pool(allocation: Allocation) -> Collection[Row]:
    """Return the certain remainder of the pool on each node, whichever CPUs the unlisted ones are."""
    rows = _per_node(allocation, allocation.cpus.shared_pool)
    cpus = allocation.cpus
    return [(node, max(0, int(count) - cpus.unlisted_at(int(node) if node else None))) for node, count in rows]


def _pools(allocation: Allocation) -> Collection[Row]:
    cpus = allocation.cpus
    if not (cpus.allocatable or cpus.exclusive):
        return []
    shared = None if cpus.unlisted else cpus.shared_pool
    exclusive = cpus.exclusive if cpus.is_complete else None
    pools = {"allocatable": cpus.allocatable, "exclusive": exclusive, "shared": shared}
    return [(pool, format_cpuset(held), 1) for pool, held in pools.items() if held is not None]


def _double_held(allocation: Allocation) -> Collection[Row]:
    if allocation.doubles is None:
        return []
    return _per_node(allocation, frozenset(int(each.item) for each in allocation.doubles if each.thing is Thing.CPU))


FAMILIES = (
    ContainerFamily(
        name="podres_container_exclusive_cpus",
        kind=Kind.GAUGE,
        help="CPUs granted exclusively to the container, by the kubelet or by a DRA driver whose ResourceSlices say "
        "which, by NUMA node; absent while it runs in the shared pool. "
        "Containers of a pod with pod-level resources may list the same CPUs: see podres_pod_exclusive_cpus.",
        labels=("numa_node",),
        collector="cpus",
        rows=_container_cpus,
        concern=Concern.CPUS,
    ),
    ContainerFamily(
        name="podres_container_cpuset_info",
        kind=Kind.INFO,
        help="The container's exclusive CPUs as a list such as 2-5,66-69; absent while it runs in the shared pool.",
        labels=("cpus",),
        collector="cpus",
        rows=_container_cpuset,
        concern=Concern.CPUS,
    ),
    PodFamily(
        name="podres_pod_exclusive_cpus",
        kind=Kind.GAUGE,
        help="CPUs granted exclusively to the pod or one of its containers, by NUMA node, each counted once.",
        labels=("numa_node",),
        collector="cpus",
        rows=_pod_cpus,
        concern=Concern.CPUS,
    ),
    ContainerFamily(
        name="podres_cpu_info",
        kind=Kind.INFO,
        help="One per exclusive CPU of the container; joins with node_cpu_seconds_total on the label cpu. l3_cache is "
        "the lowest CPU that shares its last-level cache, empty if the kernel states none.",
        labels=("cpu", "numa_node", "core", "socket", "l3_cache"),
        collector="cpu-info",
        rows=_cpu_infos,
        concern=Concern.CPUS,
    ),
    NodeFamily(
        name="podres_node_allocatable_cpus",
        kind=Kind.GAUGE,
        help="CPUs that the kubelet, or a DRA driver one by one, may grant exclusively, granted or not, by NUMA "
        "node. Absent if neither does: unless the CPU manager's policy is static, the kubelet does not.",
        labels=("numa_node",),
        collector="node-cpus",
        rows=_allocatable,
    ),
    NodeFamily(
        name="podres_node_exclusive_cpus",
        kind=Kind.GAUGE,
        help="CPUs that a pod or container holds exclusively, by NUMA node, each counted once. Absent while "
        "more may be held than is known.",
        labels=("numa_node",),
        collector="node-cpus",
        rows=_exclusive,
    ),
    NodeFamily(
        name="podres_node_double_held_cpus",
        kind=Kind.GAUGE,
        help="CPUs that two running pods hold exclusively at the same time, by NUMA node. Should be 0. "
        "Confirmed by two observations at least two seconds apart. Absent if it is not known which pods "
        "still run.",
        labels=("numa_node",),
        collector="node-cpus",
        rows=_double_held,
    ),
    NodeFamily(
        name="podres_node_shared_pool_cpus",
        kind=Kind.GAUGE,
        help="Allocatable CPUs that no pod is known to hold exclusively, by NUMA node; computed. The CPUs of "
        "podres_node_unlisted_exclusive_cpus are subtracted on each node where they may be. Without metadata an upper "
        "bound, as the kubelet does not list CPUs that only a finished init container held. Absent while"
        " more may be held than is known.",
        labels=("numa_node",),
        collector="node-cpus",
        rows=_shared_pool,
    ),
    NodeFamily(
        name="podres_node_cpuset_info",
        kind=Kind.INFO,
        help="The node's CPUs as a list, by pool: allocatable, exclusive, shared (not while CPUs are held unlisted).",
        labels=("pool", "cpus"),
        collector="node-cpus",
        rows=_pools,
    ),
)
