"""The machine of a scenario: its topology, what its kubelet can allocate, and whether it is consistent."""

from collections.abc import Hashable, Iterable

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import Core, MemoryBlock, Topology
from podres_exporter.scenario.records import KubeletSettings, NumaNode, Scenario
from podres_exporter.yamldoc.section import Problems


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


def check_machine(scenario: Scenario, problems: Problems) -> None:
    """Report contradictions in `numa`, `kubelet`, `resources` and `faults`."""
    for index, node in enumerate(scenario.numa):
        _check_numa_node(node, f"numa[{index}]", problems)
        for other_index, other in enumerate(scenario.numa[:index]):
            if node.cpus & other.cpus:
                both = format_cpuset(node.cpus & other.cpus)
                problems.add(
                    f"numa[{index}].cpus", f"CPUs {both} are also on numa[{other_index}]; give each CPU one node"
                )
    _check_unique((node.node for node in scenario.numa), "numa[{}].node", problems)
    _check_kubelet(scenario, problems)
    _check_unique((resource.name for resource in scenario.resources), "resources[{}].name", problems)
    for index, resource in enumerate(scenario.resources):
        ids = (spec.device_id for spec in resource.devices)
        _check_unique(ids, f"resources[{index}].devices[{{}}].id", problems)
    for index, fault in enumerate(scenario.faults):
        if fault.every_seconds is not None and fault.every_seconds < LEAST_SECONDS:
            problems.add(f"faults[{index}].every", f"is too often; write at least {LEAST_SECONDS:g} seconds")
        elif fault.every_seconds is not None and fault.every_seconds <= fault.duration_seconds:
            sentence = f"repeats before the fault is over; write more than {fault.duration_seconds:g} seconds"
            problems.add(f"faults[{index}].every", sentence)


LEAST_SECONDS = 0.1
"""Minimum period of a repetition; shorter ones would only keep the CPUs busy."""
MOST_MEMORY_BYTES = 1 << 50
"""1 PiB per NUMA node: larger amounts are typing errors, and amounts beyond int64 are capped."""


def _check_numa_node(node: NumaNode, path: str, problems: Problems) -> None:
    if node.memory_bytes > MOST_MEMORY_BYTES:
        problems.add(f"{path}.memory", "is more than any machine has; write at most 1Pi")
    if node.threads_per_core < 1 or len(node.cpus) % node.threads_per_core:
        sentence = f"{node.threads_per_core} does not divide {len(node.cpus)} CPUs; write the hardware threads per core"
        problems.add(f"{path}.threads_per_core", sentence)
    if sum(node.hugepage_bytes.values()) > node.memory_bytes:
        problems.add(f"{path}.hugepages", "exceed the node's memory, of which they are a part; use less")


MOST_NUMA_NODES = 12
"""The simulated managers try every set of nodes, 2^n for each pod, so n is limited."""


def _check_numa_count(scenario: Scenario, problems: Problems) -> None:
    """
    Report more NUMA nodes than the kubelet starts with, or than the managers are simulated for.

    Source: kubelet topologymanager NewManager ("unsupported on machines with more than %v NUMA Nodes").
    """
    kubelet, count = scenario.kubelet, len(scenario.numa)
    if kubelet.topology_policy != "none" and count > kubelet.max_numa_nodes:
        problems.add(
            "kubelet.topology_manager.policy",
            f"a kubelet does not start with policy {kubelet.topology_policy} on {count} NUMA nodes, more than "
            f"max_allowable_numa_nodes ({kubelet.max_numa_nodes}); write none, or a larger max_allowable_numa_nodes",
        )
    if count > MOST_NUMA_NODES and (kubelet.topology_policy != "none" or kubelet.static_memory):
        problems.add(
            "numa",
            f"{count} NUMA nodes exceed the {MOST_NUMA_NODES} supported by the simulated managers; any number is "
            "possible with topology_manager policy none and memory_manager policy None",
        )


def _check_kubelet(scenario: Scenario, problems: Problems) -> None:
    _check_numa_count(scenario, problems)
    kubelet = scenario.kubelet
    foreign = kubelet.reserved_cpus.difference(*(node.cpus for node in scenario.numa))
    if foreign:
        problems.add(
            "kubelet.cpu_manager.reserved", f"CPUs {format_cpuset(foreign)} are not on the node; choose from numa"
        )
    memory_by_node = {node.node: node.memory_bytes - sum(node.hugepage_bytes.values()) for node in scenario.numa}
    for node, size in kubelet.reserved_memory_bytes.items():
        path = f'kubelet.memory_manager.reserved["{node}"]'
        if node not in memory_by_node:
            problems.add(path, "unknown NUMA node; choose one of numa")
        elif size > memory_by_node[node]:
            problems.add(path, f"is more than the {memory_by_node[node]} bytes besides huge pages; use less")


def _check_unique(names: Iterable[Hashable], path: str, problems: Problems) -> None:
    """Report each duplicate; *path* has a placeholder for its index."""
    seen: dict[Hashable, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            problems.add(path.format(index), f"{name!r} is already at index {seen[name]}; remove or rename one")
        seen.setdefault(name, index)
