"""The memory of each NUMA node: free bytes by type, and groups of nodes used together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from podres_exporter.model.allocation import MemoryBlock, NumaNodes


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """Bytes of one memory type on one node: allocatable and allocated."""

    allocatable: int
    reserved: int = 0

    @property
    def free(self) -> int:
        """Allocatable and not allocated."""
        return self.allocatable - self.reserved


@dataclass(frozen=True, slots=True)
class NodeMemory:
    """
    One NUMA node: its *tables* by memory type, the number of blocks on it, and the *group* of nodes used by them.

    Source: kubelet memorymanager state.NUMANodeState (`memoryMap`, `numberOfAssignments`, `cells`).
    """

    tables: Mapping[str, MemoryTable]
    group: NumaNodes
    assignments: int = 0


Machine = Mapping[int, NodeMemory]
"""The node's memory by NUMA node."""


def new_machine(
    total_bytes: Mapping[int, int],
    hugepage_bytes: Mapping[int, Mapping[str, int]],
    reserved_bytes: Mapping[int, Mapping[str, int]],
) -> Machine:
    """
    Return the idle machine, given memory by node, huge pages by node and type, and what the system reserves of each.

    Huge pages are subtracted from the node's `memory` (kubelet: getDefaultMachineState).
    """
    machine: dict[int, NodeMemory] = {}
    for node, total in total_bytes.items():
        pages = hugepage_bytes.get(node, {})
        kept = reserved_bytes.get(node, {})
        tables = {kind: MemoryTable(size - kept.get(kind, 0)) for kind, size in pages.items()}
        tables["memory"] = MemoryTable(total - kept.get("memory", 0) - sum(pages.values()))
        machine[node] = NodeMemory(tables, frozenset([node]))
    return machine


def free_bytes(machine: Machine, numa_nodes: Iterable[int], memory_type: str) -> int:
    """Return the free bytes of the type on all these nodes together; 0 if the machine has none of it."""
    return sum(table.free for table in _tables(machine, numa_nodes, memory_type))


def allocatable_bytes(machine: Machine, numa_nodes: Iterable[int], memory_type: str) -> int:
    """Return the allocatable bytes of the type on all these nodes together."""
    return sum(table.allocatable for table in _tables(machine, numa_nodes, memory_type))


def group_is_usable(machine: Machine, numa_nodes: NumaNodes) -> bool:
    """
    Return whether a block may be placed on exactly these nodes.

    A node serves either single-node blocks or blocks of one group of nodes, never both at a time.

    Source: kubelet memorymanager calculateHints; Kubernetes blog 2021-08-11, "single vs cross NUMA node allocation".
    """
    if len(numa_nodes) == 1:
        return all(len(machine[node].group) == 1 for node in numa_nodes)
    return all(not machine[node].assignments or machine[node].group == numa_nodes for node in numa_nodes)


def violates_groups(machine: Machine, numa_nodes: NumaNodes) -> bool:
    """
    Return whether a hint violates that rule; a single node never does (kubelet: isAffinityViolatingNUMAAllocations).
    """
    return len(numa_nodes) > 1 and not group_is_usable(machine, numa_nodes)


def take(machine: Machine, block: MemoryBlock, size_bytes: int) -> Machine:
    """
    Return the machine with *size_bytes* allocated for the block, lowest node first; less if part of it is reused.

    Source: kubelet memorymanager updateMachineState.
    """
    changed = dict(machine)
    for number in sorted(block.numa_nodes):
        node = machine[number]
        given = min(size_bytes, free_bytes(machine, [number], block.memory_type))
        size_bytes -= given
        changed[number] = replace(
            _moved(node, block.memory_type, given), assignments=node.assignments + 1, group=block.numa_nodes
        )
    return changed


def give_back(machine: Machine, block: MemoryBlock) -> Machine:
    """
    Return the machine without the block; a node without blocks is a group of its own again.

    How a spanning block was split is not recorded: the lowest node is freed first (kubelet: RemoveContainer).
    """
    changed = dict(machine)
    size_bytes = block.size_bytes
    for number in sorted(block.numa_nodes):
        node = machine[number]
        table = node.tables.get(block.memory_type)
        freed = min(size_bytes, table.reserved) if table else 0
        size_bytes -= freed
        left = node.assignments - 1
        group = node.group if left else frozenset([number])
        changed[number] = replace(_moved(node, block.memory_type, -freed), assignments=left, group=group)
    return changed


def _tables(machine: Machine, numa_nodes: Iterable[int], memory_type: str) -> Iterable[MemoryTable]:
    return [machine[node].tables[memory_type] for node in numa_nodes if memory_type in machine[node].tables]


def _moved(node: NodeMemory, memory_type: str, size_bytes: int) -> NodeMemory:
    """Return the node with that much more of the type allocated."""
    if not size_bytes:
        return node
    table = node.tables[memory_type]
    return replace(node, tables={**node.tables, memory_type: replace(table, reserved=table.reserved + size_bytes)})
