"""The machine's topology: which CPU is on which NUMA node, core and socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podres_exporter.cpuset import CpuSet


@dataclass(frozen=True, slots=True)
class Core:
    """
    The place of a logical CPU; -1 if the kernel does not state it (the kernel itself writes -1 on some machines).

    *cache* is a number that identifies its last-level cache; one NUMA node may have several.
    """

    core: int
    socket: int
    cache: int = -1


@dataclass(frozen=True, slots=True)
class Topology:
    """
    CPUs by NUMA node, including nodes without CPUs, and each CPU's core and socket.

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
        """Every CPU that belongs to a node."""
        return frozenset[int]().union(*self.cpus_by_node.values())

    @property
    def threads_per_core(self) -> int:
        """CPUs per core, as the kubelet computes it: all CPUs divided by all cores; 1 if the cores are not known."""
        cores = {(each.core, each.socket) for each in self.core_by_cpu.values()}
        if not cores or any(core < 0 for core, _ in cores):
            return 1
        return max(1, len(self.core_by_cpu) // len(cores))

    def siblings(self, cpus: CpuSet) -> CpuSet:
        """Return all CPUs of the cores that contain one of *cpus*; *cpus* themselves if the cores are not known."""
        cores = {
            (core.core, core.socket)
            for cpu in cpus
            if (core := self.core_by_cpu.get(cpu)) is not None and core.core >= 0
        }
        return cpus | {cpu for cpu, core in self.core_by_cpu.items() if (core.core, core.socket) in cores}

    def nodes_of(self, cpus: CpuSet) -> frozenset[int]:
        """Return the nodes that contain at least one of *cpus*; a CPU of no known node is ignored."""
        return frozenset(node for node, held in self.cpus_by_node.items() if not held.isdisjoint(cpus))

    def split(self, cpus: CpuSet) -> tuple[tuple[int | None, CpuSet], ...]:
        """Return *cpus* by node, ascending, without empty nodes; CPUs of no known node come first under None."""
        if not cpus:
            return ()
        for node, held in self.cpus_by_node.items():
            if cpus <= held:
                return ((node, cpus),)
        placed = [(node, cpus & self.cpus_by_node[node]) for node in sorted(self.cpus_by_node)]
        unplaced = cpus.difference(*(held for _, held in placed))
        rows: list[tuple[int | None, CpuSet]] = [(None, unplaced), *placed]
        return tuple((node, held) for node, held in rows if held)
