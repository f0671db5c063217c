"""What the node has, what is held of it and what is left: by sets of ids, never by subtracting counts."""

from collections import Counter
from collections.abc import Iterable, Mapping

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import (
    Allocatable,
    CpuStock,
    Device,
    DeviceStock,
    MemoryBlock,
    MemoryStock,
    Pod,
    PodKey,
    PodMeta,
)

NameAndNodes = tuple[str, frozenset[int]]


def device_stock(pods: Iterable[Pod], allocatable: Allocatable | None) -> tuple[DeviceStock, ...]:
    """
    Return the devices by (resource, NUMA nodes), sorted.

    A device's nodes are those of the allocatable answer, which is live; those of a held device were frozen when it was
    granted, and count where it is not reported (unhealthy, plugin gone, empty topology).

    Source: kubelet devicemanager GetAllocatableDevices and GetDevices (checkpoint).
    """
    held = {(device.resource, device.device_id): device for pod in pods for c in pod.containers for device in c.devices}
    reported = (
        {} if allocatable is None else {(device.resource, device.device_id): device for device in allocatable.devices}
    )
    groups: dict[NameAndNodes, tuple[set[str], set[str]]] = {}
    for key in held.keys() | reported.keys():
        nodes = _nodes(reported.get(key), held.get(key))
        reported_ids, held_ids = groups.setdefault((key[0], nodes), (set(), set()))
        if key in reported:
            reported_ids.add(key[1])
        if key in held:
            held_ids.add(key[1])
    return tuple(
        DeviceStock(resource, nodes, None if allocatable is None else frozenset(reported_ids), frozenset(held_ids))
        for (resource, nodes), (reported_ids, held_ids) in sorted(groups.items(), key=lambda row: _order(row[0]))
    )


def _nodes(reported: Device | None, held: Device | None) -> frozenset[int]:
    """Return the nodes of the report if it states any, else those the device was granted with."""
    for device in (reported, held):
        if device is not None and device.numa_nodes:
            return device.numa_nodes
    return frozenset()


def cpu_stock(pods: Iterable[Pod], allocatable: Allocatable | None) -> CpuStock:
    """
    Return the node's CPUs; what is held counts as allocatable.

    Before the patches of November 2022 the kubelet left out CPUs that were exclusive when it started.

    Source: kubernetes #112913 (fixed in 1.26, 1.25.4, 1.24.8, 1.23.14).
    """
    exclusive: CpuSet = frozenset[int]().union(*(pod.all_exclusive_cpus() for pod in pods))
    return CpuStock(None if allocatable is None else allocatable.cpus | exclusive, exclusive)


def memory_stock(
    pods: Iterable[Pod], allocatable: Allocatable | None, metas: Mapping[PodKey, PodMeta] | None = None
) -> tuple[MemoryStock, ...]:
    """
    Return bytes by (memory type, NUMA nodes), sorted; a block over several nodes is a row of its own.

    The kubelet reports allocatable memory one node at a time, so a row of several nodes has no report, and what is left
    can be told exactly only on nodes that no such block touches.
    """
    held: Counter[NameAndNodes] = Counter()
    for pod in pods:
        for block in pod_memory(pod, metas.get(pod.key) if metas else None):
            held[block.memory_type, block.numa_nodes] += block.size_bytes
    reported: Counter[NameAndNodes] = Counter()
    for block in allocatable.memory if allocatable else ():
        reported[block.memory_type, block.numa_nodes] += block.size_bytes
    return tuple(
        MemoryStock(*key, reported.get(key), held[key]) for key in sorted(held.keys() | reported.keys(), key=_order)
    )


def pod_memory(pod: Pod, meta: PodMeta | None = None) -> tuple[MemoryBlock, ...]:
    """
    Return the pod's memory blocks, each once, though several lists may repeat them.

    1.37 lists the pod's blocks beside its containers', overlapping on purpose: the pod's list is then the whole. 1.36
    has no such list and repeats the pod's shared block, like its shared CPUs, on every container that shares: equal
    blocks on containers of a pod with pod-level resources are one. Where the pod's spec is not known, equal blocks on
    containers with equal, non-empty CPU sets are.

    Source: KEP-5526, kubernetes #138738; measured on 1.36.3 (PodLevelResourceManagers).
    """
    pod_level = {block.memory_type for block in pod.memory}
    shares_by_spec = meta is not None and meta.has_pod_resources
    blocks = list(pod.memory)
    seen: set[tuple[CpuSet, MemoryBlock]] = set()
    for container in pod.containers:
        group = frozenset[int]() if shares_by_spec else container.exclusive_cpus
        for block in container.memory:
            repeated = (group or shares_by_spec) and (group, block) in seen
            if not repeated and block.memory_type not in pod_level:
                blocks.append(block)
        seen.update((group, block) for block in container.memory)
    return tuple(blocks)


def _order(key: NameAndNodes) -> tuple[str, list[int]]:
    """Return the sort key of a (name, nodes) pair; a set has no order of its own."""
    return (key[0], sorted(key[1]))
