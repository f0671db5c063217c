"""NUMA nodes and sets of them, each with the CPUs and memory that belong only to it."""

from dataclasses import dataclass

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import Allocation, MemoryStock
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class Place:
    """One NUMA node, a set of several, or the empty set; with what sits there and nowhere else."""

    nodes: NumaNodes
    cpus: CpuSet
    memory: tuple[MemoryStock, ...]

    @property
    def name(self) -> str:
        """What to call it in a heading."""
        if not self.nodes:
            return "No NUMA node stated"
        return f"NUMA node{'s' if len(self.nodes) > 1 else ''} {format_cpuset(self.nodes)}"

    @property
    def identifier(self) -> str:
        """What to call it within the page; safe for an attribute."""
        return f"numa-{format_cpuset(self.nodes) or 'none'}"


def places(allocation: Allocation) -> tuple[Place, ...]:
    """
    Return the single nodes, ascending, then sets of several, then what is on no stated node.

    A node of the machine is there even if nothing is on it; CPUs are on one node or on no stated one.
    """
    topology = allocation.topology
    known = (allocation.cpus.allocatable or frozenset()) | allocation.cpus.exclusive
    if topology is not None:
        known |= topology.online
    cpus: dict[NumaNodes, CpuSet] = {}
    for node, held in topology.split(known) if topology else ((None, known),):
        cpus[frozenset() if node is None else frozenset({node})] = held
    sets = {stock.numa_nodes for stock in allocation.memory}
    sets |= {nodes for nodes, held in cpus.items() if held}
    sets |= {frozenset({node}) for node in topology.nodes} if topology else set()
    return tuple(
        Place(
            nodes,
            cpus.get(nodes, frozenset()),
            tuple(stock for stock in allocation.memory if stock.numa_nodes == nodes),
        )
        for nodes in sorted(sets, key=lambda each: (not each, len(each), sorted(each)))
    )
