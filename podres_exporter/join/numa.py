"""Judge whether a container is aligned with one NUMA node, and if not, whether it could have been."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import (
    Alignment,
    Allocatable,
    Constraint,
    Container,
    CpuStock,
    DeviceStock,
    DraPool,
    NumaNodes,
    Topology,
    Verdict,
)

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Capacity:
    """The capacity of each NUMA node, used or not: CPUs by node, bytes by (type, node), devices by (resource, node)."""

    cpus: Mapping[int, int]
    memory_bytes: Mapping[tuple[str, int], int]
    devices: Mapping[tuple[str, int], int]


NOTHING_TO_ALIGN = Alignment(Verdict.NOT_APPLICABLE)


def node_capacity(
    allocatable: Allocatable,
    cpu_stock: CpuStock,
    device_stock: Iterable[DeviceStock],
    topology: Topology,
    pools: Iterable[DraPool] = (),
) -> Capacity:
    """
    Return what each node could grant if nothing were held; held but unreported items count too.

    Devices of DRA *pools* are counted under their driver's name.
    """
    devices: Counter[tuple[str, int]] = Counter()
    for row in device_stock:
        for node in row.numa_nodes:
            devices[row.resource, node] += len(row.allocatable or row.held)
    for pool in pools:
        for device in pool.devices:
            for node in device.numa_nodes:
                devices[pool.driver, node] += 1
    memory: Counter[tuple[str, int]] = Counter()
    for block in allocatable.memory:
        for node in block.numa_nodes:
            memory[block.memory_type, node] += block.size_bytes
    granted = cpu_stock.allocatable or cpu_stock.exclusive
    cpus = {node: len(cpus & granted) for node, cpus in topology.cpus_by_node.items()}
    return Capacity(cpus, dict(memory), dict(devices))


def container_alignment(
    container: Container,
    topology: Topology | None,
    capacity: Capacity | None,
    *,
    legacy: bool = False,
    claims: Sequence[tuple[str, NumaNodes]] = (),
) -> Alignment:
    """
    Return the container's alignment with its reasons.

    CPUs and memory need all of their nodes; a device is near if any of its nodes is chosen. With *legacy*, the kubelet
    reports unknown locality as node 0 (1.20 to 1.22), so nothing can be judged. Without *capacity*, a container that
    one node does not serve is misaligned. *claims* are the drivers and nodes of the DRA devices that it uses.

    Unknown does not mean aligned: without *topology* nothing is judged. If the node of a CPU is not known, one node for
    the rest is no verdict either; several nodes are, because they remain several.

    Source: kubelet topology manager (a device satisfies a mask by AnySet; a preferred hint has as few nodes as the
    request could fit in) and test/e2e_node/numa_alignment.go.
    """
    if container.holds_nothing:
        return NOTHING_TO_ALIGN
    constraints, unplaced, in_doubt = _constraints(container, topology, claims)
    if legacy and (constraints or unplaced):
        return Alignment(Verdict.UNSUPPORTED, constraints=constraints, unplaced=unplaced)
    if not constraints or topology is None:
        verdict = Verdict.UNKNOWN if unplaced or constraints else Verdict.NOT_APPLICABLE
        return Alignment(verdict, constraints=constraints, unplaced=unplaced)
    nodes = _fewest_nodes(constraints)
    if len(nodes) == 1:
        verdict = Verdict.UNKNOWN if in_doubt else Verdict.ALIGNED
    elif _joined_a_memory_group(constraints) or not _one_node_could(container, constraints, capacity):
        verdict = Verdict.SPANS
    else:
        verdict = Verdict.MISALIGNED
    return Alignment(verdict, nodes, constraints, unplaced)


def _constraints(
    container: Container, topology: Topology | None, claims: Sequence[tuple[str, NumaNodes]]
) -> tuple[tuple[Constraint, ...], int, bool]:
    """
    Return the container's constraints on nodes, grouped, and how many CPUs and devices have no known place.

    The third value says whether that leaves the verdict in doubt: a CPU has a place even if unknown, while a device
    without one (or on node -1) is near to none.

    Whether that leaves the verdict in doubt comes third: a CPU has a place, known or not, while a device without one
    (or on node -1) is near to none.
    """
    cpus, unplaced_cpus = _of_cpus(container.exclusive_cpus, topology) if container.exclusive_cpus else ([], 0)
    placed = [(device.resource, device.numa_nodes) for device in container.devices]
    devices, unplaced_devices = _of_devices([*placed, *claims], topology) if placed or claims else ([], 0)
    constraints = cpus + devices
    if container.memory:
        blocks = _totals([((block.memory_type, block.numa_nodes), 1) for block in container.memory if block.numa_nodes])
        constraints += [Constraint(kind, nodes, count, every=True) for (kind, nodes), count in blocks.items()]
    if len(constraints) > 1:
        constraints.sort(key=lambda c: (c.resource, sorted(c.numa_nodes)))
    return tuple(constraints), unplaced_cpus + unplaced_devices, unplaced_cpus > 0


def _of_cpus(cpus: CpuSet, topology: Topology | None) -> tuple[list[Constraint], int]:
    """Return a constraint per node, and how many CPUs have no known node."""
    if topology is None:
        return [], len(cpus)
    split = topology.split(cpus)
    constraints = [
        Constraint("cpu", frozenset([node]), len(held), every=True) for node, held in split if node is not None
    ]
    return constraints, sum([len(held) for node, held in split if node is None])


def _of_devices(devices: Iterable[tuple[str, NumaNodes]], topology: Topology | None) -> tuple[list[Constraint], int]:
    """Return a constraint per place, without nodes that the machine lacks, and how many devices have no place."""
    places = _totals([(place, 1) for place in devices])
    if topology is not None:
        known = topology.cpus_by_node.keys()
        places = _totals(
            [((resource, nodes.intersection(known)), count) for (resource, nodes), count in places.items()]
        )
    constraints = [Constraint(*place, count, every=False) for place, count in places.items() if place[1]]
    return constraints, sum([count for place, count in places.items() if not place[1]])


def _totals(amounts: Iterable[tuple[K, int]]) -> dict[K, int]:
    """Return the amounts added up by key; a Counter is several times slower for two of them."""
    totals: dict[K, int] = {}
    for key, amount in amounts:
        totals[key] = totals.get(key, 0) + amount
    return totals


def _fewest_nodes(constraints: Sequence[Constraint]) -> frozenset[int]:
    """
    Return the nodes that CPUs and memory need, and the few more needed to be near every device.

    Greedy, starting with the node that is near to most groups of devices: exact whenever one node is enough.
    """
    nodes: set[int] = set()
    for constraint in constraints:
        if constraint.every:
            nodes |= constraint.numa_nodes
    if not nodes and len(constraints) == 1:
        return frozenset([min(constraints[0].numa_nodes)])
    far = [c.numa_nodes for c in constraints if not c.every and nodes.isdisjoint(c.numa_nodes)]
    while far:
        near = _totals([(node, 1) for wanted in far for node in wanted])
        best = min(near, key=lambda node: (-near[node], node))
        nodes.add(best)
        far = [wanted for wanted in far if best not in wanted]
    return frozenset(nodes)


def _joined_a_memory_group(constraints: Iterable[Constraint]) -> bool:
    """
    Return whether the container spans nodes only because of memory blocks that span a group of nodes.

    Once a block spans a group of nodes, the memory manager gives later containers on them the whole group, however
    little they request; that is not misalignment.

    Source: kubelet memorymanager policy_static.go (groups of NUMA nodes); measured on 1.36.3.
    """
    groups = [c.numa_nodes for c in constraints if c.every and len(c.numa_nodes) > 1]
    if not groups:
        return False
    rest = [c.numa_nodes for c in constraints if not (c.every and len(c.numa_nodes) > 1)]
    shared = frozenset.intersection(*groups)
    return any(all(node in nodes for nodes in rest) for node in shared)


def _one_node_could(container: Container, constraints: Iterable[Constraint], capacity: Capacity | None) -> bool:
    """
    Return whether some node has enough of everything with locality that the container holds; True if capacity is
    unknown.
    """
    if capacity is None:
        return True
    wanted = [(c.resource, c.count) for c in constraints if not c.every]
    if len(wanted) > 1:
        wanted = list(_totals(wanted).items())
    memory = [(block.memory_type, block.size_bytes) for block in container.memory]
    if len(memory) > 1:
        memory = list(_totals(memory).items())
    for node, cpus in capacity.cpus.items():
        if (
            cpus >= len(container.exclusive_cpus)
            and _has(capacity.devices, node, wanted)
            and _has(capacity.memory_bytes, node, memory)
        ):
            return True
    return False


def _has(capacity: Mapping[tuple[str, int], int], node: int, wanted: Iterable[tuple[str, int]]) -> bool:
    """Return whether the node has enough of each kind."""
    for kind, amount in wanted:  # noqa: SIM110 - `all` with a generator costs twice as much, thousands of times
        if capacity.get((kind, node), 0) < amount:
            return False
    return True
