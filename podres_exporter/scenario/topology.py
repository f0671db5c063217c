"""The topology of a scenario's machine, and what its kubelet can allocate."""

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Core, MemoryBlock, Topology
from podres_exporter.scenario.records import KubeletSettings, NumaNode


def topology_of(numa: tuple[NumaNode, ...]) -> Topology:
    """Return CPUs by NUMA node, with core numbers that are unique within each socket."""
    cores: dict[int, Core] = {}
    used: dict[int, int] = {}
    for node in numa:
        first = used.get(node.socket, 0)
        per_thread = len(node.cpus) // node.threads_per_core
        for index, cpu in enumerate(sorted(node.cpus)):
            place = index // node.threads_per_core if node.adjacent_threads else index % per_thread
            cores[cpu] = Core(core=first + place, socket=node.socket)
        used[node.socket] = first + per_thread
    return Topology({node.node: node.cpus for node in numa}, cores)


def allocatable_cpus(kubelet: KubeletSettings, numa: tuple[NumaNode, ...]) -> CpuSet:
    """
    Return the online CPUs that are not reserved; none without the static CPU manager.

    Source: kubelet cpumanager, GetAllocatableCPUs (policy_static.go, policy_none.go).
    """
    online = frozenset[int]().union(*(node.cpus for node in numa))
    return online - kubelet.reserved_cpus if kubelet.static_cpus else frozenset()


def allocatable_memory(kubelet: KubeletSettings, numa: tuple[NumaNode, ...]) -> tuple[MemoryBlock, ...]:
    """
    Return one block per node and type, without empty ones; none without the static memory manager.

    Plain memory is what remains after the reservation and huge pages.

    Source: kubelet memorymanager, policy_static.go getDefaultMachineState and GetAllocatableMemory.
    """
    if not kubelet.static_memory:
        return ()
    blocks = [block for node in numa for block in _node_memory(kubelet, node) if block.size_bytes > 0]
    return tuple(sorted(blocks, key=lambda block: (block.memory_type, sorted(block.numa_nodes))))


def _node_memory(kubelet: KubeletSettings, node: NumaNode) -> list[MemoryBlock]:
    here = frozenset({node.node})
    taken = kubelet.reserved_memory_bytes.get(node.node, 0) + sum(node.hugepage_bytes.values())
    pages = [MemoryBlock(f"hugepages-{page}", here, size) for page, size in node.hugepage_bytes.items()]
    return [MemoryBlock("memory", here, node.memory_bytes - taken), *pages]
