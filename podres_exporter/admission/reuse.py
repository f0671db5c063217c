"""Reuse of ended init containers' memory by later containers of the pod."""

from collections.abc import Mapping
from dataclasses import replace

from podres_exporter.admission.pods import ContainerRequest, Kind, PodRequest
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
