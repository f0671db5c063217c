"""The machine's topology: which CPU is on which NUMA node, core and socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podres_exporter.cpuset import CpuSet


@dataclass(frozen=True, slots=True)
class Core:
    """
    Where a logical CPU sits; -1 where the kernel does not say (it writes -1 itself on some machines).

    *cache* is the number of its last-level cache, which several caches of one NUMA node differ by.
    """

    core: int
    socket: int
    cache: int = -1


@dataclass(frozen=True, slots=True)
class Topology:
    """
    CPUs by NUMA node, a node without CPUs included, and each CPU's core and socket.

    Source: /sys/devices/system/node/node*/cpulist and /sys/devices/system/cpu/cpu*/topology.
    """

    cpus_by_node: Mapping[int, CpuSet]
    core_by_cpu: Mapping[int, Core] = field(default_factory=dict)

    @property
    def nodes(self) -> frozenset[int]:
        """Numbers of the machine's NUMA nodes."""
        return frozenset(self.cpus_by_node)

    @property
    def online(self) -> CpuSet:
        """Every CPU that some node lists."""
        return frozenset[int]().union(*self.cpus_by_node.values())

    @property
    def threads_per_core(self) -> int:
        """How many CPUs a core has, as the kubelet reckons: all CPUs by all cores; 1 where the cores are not known."""
        cores = {(each.core, each.socket) for each in self.core_by_cpu.values()}
        if not cores or any(core < 0 for core, _ in cores):
            return 1
        return max(1, len(self.core_by_cpu) // len(cores))

    def siblings(self, cpus: CpuSet) -> CpuSet:
        """Return all CPUs of the cores that have one of *cpus*; *cpus* themselves where the cores are not known."""
        cores = {
            (core.core, core.socket)
            for cpu in cpus
            if (core := self.core_by_cpu.get(cpu)) is not None and core.core >= 0
        }
        return cpus | {cpu for cpu, core in self.core_by_cpu.items() if (core.core, core.socket) in cores}

    def nodes_of(self, cpus: CpuSet) -> frozenset[int]:
        """Return the nodes that hold at least one of *cpus*; a CPU that no node lists adds nothing."""
        return frozenset(node for node, held in self.cpus_by_node.items() if not held.isdisjoint(cpus))

    def split(self, cpus: CpuSet) -> tuple[tuple[int | None, CpuSet], ...]:
        """Return *cpus* by node, ascending, empty nodes left out; CPUs of no known node come first under None."""
        if not cpus:
            return ()
        for node, held in self.cpus_by_node.items():
            if cpus <= held:
                return ((node, cpus),)
        placed = [(node, cpus & self.cpus_by_node[node]) for node in sorted(self.cpus_by_node)]
        unplaced = cpus.difference(*(held for _, held in placed))
        rows: list[tuple[int | None, CpuSet]] = [(None, unplaced), *placed]
        return tuple((node, held) for node, held in rows if held)
