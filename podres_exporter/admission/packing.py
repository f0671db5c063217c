"""Choose CPUs so that as much as possible stays whole: sockets, NUMA nodes and cores (the CPU manager's packing)."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from podres_exporter.admission.rejection import AllocationError
from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Topology

Path = tuple[int, ...]
"""The location of a CPU, from the widest unit to its core."""


def take_packed(topology: Topology, available: CpuSet, count: int) -> CpuSet:
    """
    Return *count* of the *available* CPUs.

    Whole NUMA nodes, sockets and cores first, each only if all its CPUs are available and needed; then single threads.
    Among equals the unit with the fewest available CPUs goes first, then the lowest number, so that partly used units
    are used up first.

    Raises AllocationError if there are fewer than *count*.

    Source: kubelet cpumanager takeByTopologyNUMAPacked. It recognises a whole core by the machine's average of threads
    per core, which is wrong if cores differ; here a unit is whole if all its own CPUs are available.
    """
    if count > len(available):
        raise AllocationError(
            f"not enough cpus available to satisfy request: requested={count}, available={len(available)}"
        )
    paths = _paths(topology)
    taken: CpuSet = frozenset()
    for depth in (1, 2, 3):
        for unit in _units(paths, available - taken, depth):
            if len(unit) <= count - len(taken) and unit <= available:
                taken |= unit
    left = available - taken
    weights = _weights(paths, left)
    singles = sorted(left, key=lambda cpu: (*_order(weights, paths[cpu]), cpu))
    return taken | frozenset(singles[: count - len(taken)])


def _paths(topology: Topology) -> Mapping[int, Path]:
    """
    Return each CPU's (NUMA node, socket, core), or (socket, NUMA node, core) if sockets contain several nodes.

    Cores are identified by their lowest CPU, because core numbers repeat on every socket. A CPU without a stated core
    is a core of its own; one without a stated socket uses its node's number as its socket.
    """
    sockets: dict[int, int] = {}
    nodes: dict[int, int] = {}
    cores: dict[tuple[int, int], set[int]] = defaultdict(set)
    for node, cpus in topology.cpus_by_node.items():
        for cpu in cpus:
            place = topology.core_by_cpu.get(cpu)
            nodes[cpu] = node
            sockets[cpu] = place.socket if place is not None and place.socket >= 0 else node
            known = place is not None and place.core >= 0
            cores[(sockets[cpu], place.core) if place is not None and known else (-1, cpu)].add(cpu)
    core_of = {cpu: min(threads) for threads in cores.values() for cpu in threads}
    if len(set(sockets.values())) >= len(set(nodes.values())):
        return {cpu: (nodes[cpu], sockets[cpu], core_of[cpu]) for cpu in nodes}
    return {cpu: (sockets[cpu], nodes[cpu], core_of[cpu]) for cpu in nodes}


def _weights(paths: Mapping[int, Path], available: CpuSet) -> Counter[Path]:
    """Return the number of available CPUs of each unit, by its path."""
    return Counter(paths[cpu][:depth] for cpu in available for depth in (1, 2, 3))


def _order(weights: Counter[Path], unit: Path) -> Path:
    """Return the sort key: fewest available CPUs first, then lowest number, from the widest unit to the core."""
    return tuple(part for depth in range(1, len(unit) + 1) for part in (weights[unit[:depth]], unit[depth - 1]))


def _units(paths: Mapping[int, Path], available: CpuSet, depth: int) -> list[CpuSet]:
    """Return all CPUs, available or not, of each unit at *depth* that has an available one, in order of use."""
    weights = _weights(paths, available)
    cpus: dict[Path, set[int]] = defaultdict(set)
    for cpu, path in paths.items():
        cpus[path[:depth]].add(cpu)
    return [frozenset(cpus[unit]) for unit in sorted((u for u in cpus if weights[u]), key=lambda u: _order(weights, u))]
