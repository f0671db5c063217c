"""The Static memory manager: a block of each memory type per container, reused after init containers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.admission.machine import (
    Machine,
    allocatable_bytes,
    free_bytes,
    give_back,
    group_is_usable,
    take,
    violates_groups,
)
from podres_exporter.admission.pods import ContainerRequest, Kind, PodRequest, Qos
from podres_exporter.admission.policy import Hint, ProviderHints, fitting_hints, narrowness
from podres_exporter.admission.rejection import AllocationError
from podres_exporter.model.allocation import MemoryBlock, NumaNodes

Blocks = tuple[MemoryBlock, ...]
"""One container's memory: a block per memory type."""

Held = Mapping[tuple[str, str], Blocks]
"""Blocks by (pod UID, container)."""


def reusable_memory(pod: PodRequest, held: Held) -> Mapping[tuple[NumaNodes, str], int]:
    """
    Return the memory that the init containers so far leave to the next container.

    Computed from the requests, because blocks of init containers shrink as they are reused. Of several init containers
    on one group the largest counts (kubelet: updatePodReusableMemory).
    """
    spare: dict[tuple[NumaNodes, str], int] = {}
    for container in pod.in_order:
        wanted = container.memory_by_type()
        for block in held.get((pod.uid, container.name), ()):
            key = (block.numa_nodes, block.memory_type)
            size = wanted.get(block.memory_type, 0)
            left = spare.get(key, 0)
            spare[key] = max(left, size) if container.kind is Kind.INIT else max(0, left - size)
    return spare


def less_reused(
    pod: PodRequest, container: ContainerRequest, blocks: Blocks, held: Held
) -> dict[tuple[str, str], Blocks]:
    """
    Return the holdings with the blocks of earlier init containers reduced by what *blocks* reused.

    Keeps the sum of a pod's blocks equal to its allocated memory (kubelet: updateInitContainersMemoryBlocks).
    """
    changed = dict(held)
    names = [other.name for other in pod.in_order]
    before = pod.in_order[: names.index(container.name)]
    keys = [(pod.uid, other.name) for other in before if other.kind is Kind.INIT and (pod.uid, other.name) in held]
    for block in blocks:
        rest = block.size_bytes
        for key in keys:
            kept: list[MemoryBlock] = []
            for earlier in changed[key]:
                same = (earlier.memory_type, earlier.numa_nodes) == (block.memory_type, block.numa_nodes)
                over = min(rest, earlier.size_bytes) if same else 0
                rest -= over
                kept.append(replace(earlier, size_bytes=earlier.size_bytes - over))
            changed[key] = tuple(kept)
    return changed


@dataclass(frozen=True, slots=True)
class MemoryManager:
    """
    The machine's memory, and the allocated blocks by (pod UID, container).

    The block of an init container shrinks, down to 0 bytes, by what later containers of its pod reuse.
    """

    machine: Machine
    held: Held = field(default_factory=dict)

    @property
    def allocatable(self) -> Blocks:
        """What GetAllocatableResources reports: one block per node and type, without empty ones."""
        return tuple(
            MemoryBlock(kind, frozenset([number]), table.allocatable)
            for number, node in sorted(self.machine.items())
            for kind, table in sorted(node.tables.items())
            if table.allocatable
        )

    def of(self, pod: PodRequest, container: ContainerRequest) -> Blocks:
        """Return the container's blocks, one per memory type; each names all nodes of its group and the total size."""
        return self.held.get((pod.uid, container.name), ())

    def container_hints(self, pod: PodRequest, container: ContainerRequest) -> ProviderHints:
        """Return the container's memory hints (GetTopologyHints)."""
        return self._provider_hints(pod, container.memory_by_type())

    def pod_hints(self, pod: PodRequest) -> ProviderHints:
        """Return the memory hints of the whole pod; types requested only by init containers are ignored."""
        types = {
            kind for container in pod.containers if container.kind is Kind.APP for kind in container.memory_by_type()
        }
        return self._provider_hints(pod, {kind: pod.total(_bytes_of(kind)) for kind in sorted(types)})

    def allocate(self, pod: PodRequest, container: ContainerRequest, hint: Hint) -> "MemoryManager":
        """
        Return the manager after allocating the container's blocks, all on one group of nodes.

        The group is the hint's, widened if it has too little free memory, or the manager's own choice if there is no
        hint. Memory of the pod's ended init containers on the same group is used first.

        Raises AllocationError if no group is suitable.

        Source: kubelet memorymanager policy_static.go, Allocate.
        """
        wanted = container.memory_by_type()
        if pod.qos is not Qos.GUARANTEED or not wanted:
            return self
        group = self._group(pod, wanted, hint)
        reusable = reusable_memory(pod, self.held)
        machine = self.machine
        blocks = tuple(MemoryBlock(kind, group, size) for kind, size in wanted.items())
        for block in blocks:
            spare = reusable.get((group, block.memory_type), 0)
            machine = take(machine, block, max(0, block.size_bytes - spare))
        held = {**less_reused(pod, container, blocks, self.held), (pod.uid, container.name): blocks}
        return MemoryManager(machine, held)

    def holding(self, pod_uid: str, container: str, blocks: Blocks) -> "MemoryManager":
        """Return the manager after adding blocks found on a node, not chosen here."""
        machine = self.machine
        for block in blocks:
            machine = take(machine, block, block.size_bytes)
        return MemoryManager(machine, {**self.held, (pod_uid, container): blocks})

    def release(self, pod_uid: str) -> "MemoryManager":
        """Return the manager after releasing the pod's memory."""
        return self._without({key for key in self.held if key[0] == pod_uid})

    def started(self, pod: PodRequest, container: ContainerRequest) -> "MemoryManager":
        """
        Return the manager once the container runs: memory still held by the init containers before it is released.

        The CPU manager has no such step, so CPUs of ended init containers stay allocated to the pod.

        Source: kubelet memorymanager AddContainer.
        """
        names = [other.name for other in pod.in_order]
        before = pod.in_order[: names.index(container.name)]
        return self._without({(pod.uid, other.name) for other in before if other.kind is Kind.INIT})

    def _without(self, keys: set[tuple[str, str]]) -> "MemoryManager":
        machine = self.machine
        for key in keys & self.held.keys():
            for block in self.held[key]:
                machine = give_back(machine, block)
        return MemoryManager(machine, {key: blocks for key, blocks in self.held.items() if key not in keys})

    def _provider_hints(self, pod: PodRequest, wanted: Mapping[str, int]) -> ProviderHints:
        """
        Return the same hints for every type; none at all if no group fits.

        Hence a pod that no group can serve passes the Topology Manager as if it had no preference, and fails in
        `allocate`.
        """
        if pod.qos is not Qos.GUARANTEED or not wanted:
            return {}
        hints = self._hints(pod, wanted)
        return dict.fromkeys(wanted, hints) if hints else {}

    def _hints(self, pod: PodRequest, wanted: Mapping[str, int]) -> tuple[Hint, ...]:
        """Return the groups that can hold every type now; preferred are the smallest that could (calculateHints)."""
        reusable = reusable_memory(pod, self.held)

        def could(mask: NumaNodes) -> bool:
            return all(allocatable_bytes(self.machine, mask, kind) >= size for kind, size in wanted.items())

        def can(mask: NumaNodes) -> bool:
            return (
                could(mask)
                and group_is_usable(self.machine, mask)
                and all(
                    free_bytes(self.machine, mask, kind) + reusable.get((mask, kind), 0) >= size
                    for kind, size in wanted.items()
                )
            )

        return fitting_hints(self.machine, could=could, can=can)

    def _group(self, pod: PodRequest, wanted: Mapping[str, int], hint: Hint) -> NumaNodes:
        """Return the nodes on which to place the blocks (getDefaultHint, extendTopologyManagerHint)."""
        best = hint.numa_nodes
        preferred = hint.preferred
        if best is None:
            chosen = _best(self._hints(pod, wanted))
            if chosen is None:
                raise AllocationError(
                    "[memorymanager] failed to get the default NUMA affinity, "
                    "no NUMA nodes with enough memory is available"
                )
            if preferred and not chosen.preferred:
                raise AllocationError("[memorymanager] failed to find the default preferred hint")
            best, preferred = chosen.numa_nodes or frozenset(), chosen.preferred
        if any(free_bytes(self.machine, best, kind) < size for kind, size in wanted.items()):
            wider = _best(
                tuple(other for other in self._hints(pod, wanted) if best <= (other.numa_nodes or frozenset()))
            )
            if wider is None:
                raise AllocationError("[memorymanager] failed to find NUMA nodes to extend the current topology hint")
            if preferred and not wider.preferred:
                raise AllocationError("[memorymanager] failed to find the extended preferred hint")
            best = wider.numa_nodes or frozenset()
        if violates_groups(self.machine, best):
            raise AllocationError("[memorymanager] preferred hint violates NUMA node allocation")
        return best


def _bytes_of(memory_type: str) -> Callable[[ContainerRequest], int]:
    return lambda container: container.memory_by_type().get(memory_type, 0)


def _best(hints: tuple[Hint, ...]) -> Hint | None:
    """Return the narrowest preferred hint, else the narrowest; None without hints (kubelet: findBestHint)."""
    return min(hints, key=lambda hint: (not hint.preferred, narrowness(hint.numa_nodes or frozenset())), default=None)
