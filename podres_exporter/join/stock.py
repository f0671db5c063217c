"""Compute what the node has, what is held and what is free, from sets of ids and never by subtracting counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

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
    Unlisted,
    ids_by_resource,
)

NameAndNodes = tuple[str, frozenset[int]]
_NO_IDS = frozenset[str]()


DeviceReport = Mapping[NameAndNodes, frozenset[str]]
"""The allocatable ids by resource and place."""


def device_report(allocatable: Allocatable | None) -> DeviceReport:
    """Return the ids an answer reports (empty for None); worth caching, because it hardly ever changes."""
    places = _ids_by_place(allocatable.devices if allocatable else ())
    return {place: frozenset(ids) for place, ids in places.items()}


def _ids_by_place(devices: Iterable[Device]) -> dict[NameAndNodes, list[str]]:
    """Return the ids of devices by resource and NUMA nodes: a node has thousands of devices in a handful of places."""
    places: dict[NameAndNodes, list[str]] = {}
    for device in devices:
        place = (device.resource, device.numa_nodes)
        ids = places.get(place)
        if ids is None:
            places[place] = [device.device_id]
        else:
            ids.append(device.device_id)
    return places


def device_stock(
    pods: Sequence[Pod],
    allocatable: Allocatable | None,
    report: DeviceReport | None = None,
    unlisted: Mapping[str, int] | None = None,
) -> tuple[DeviceStock, ...]:
    """
    Return the devices by (resource, NUMA nodes), sorted; *report* is that of *allocatable*, if already computed.

    *unlisted* is the number of held devices by resource that no answer lists.

    A device's nodes are taken from the allocatable answer, which is live. The nodes listed with a held device date from
    its allocation and are used only if it is not reported (unhealthy, plugin gone, empty topology).

    Source: kubelet devicemanager GetAllocatableDevices and GetDevices (checkpoint).
    """
    report = device_report(allocatable) if report is None else report
    held = _held_ids(pods)
    groups = {place: (ids, ids & held.get(place[0], _NO_IDS)) for place, ids in report.items()}
    unplaced = {
        resource: ids.difference(*[reported for place, reported in report.items() if place[0] == resource])
        for resource, ids in held.items()
    }
    for (resource, nodes), (_, held_ids) in groups.items():
        if not nodes:
            unplaced[resource] = unplaced.get(resource, _NO_IDS) | held_ids
    if any(unplaced.values()):
        groups = _placed_as_granted(groups, unplaced, pods)
    off_node = ids_by_name(allocatable.off_node) if allocatable and allocatable.off_node else {}
    more = unlisted or {}
    return tuple(
        DeviceStock(
            resource,
            nodes,
            None if allocatable is None else reported_ids,
            held_ids,
            reported_ids & off_node[resource] if not nodes and resource in off_node else _NO_IDS,
            more.get(resource, 0),
        )
        for (resource, nodes), (reported_ids, held_ids) in sorted(groups.items(), key=lambda row: _order(row[0]))
    )


def ids_by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Return the ids of (resource, id) pairs by resource."""
    found: dict[str, set[str]] = {}
    for resource, device_id in pairs:
        found.setdefault(resource, set()).add(device_id)
    return {resource: frozenset(ids) for resource, ids in found.items()}


def _held_ids(pods: Iterable[Pod]) -> dict[str, frozenset[str]]:
    """Return the ids held by containers, by resource."""
    held: dict[str, set[str]] = {}
    for pod in pods:
        for container in pod.containers:
            if container.devices:
                for resource, ids in ids_by_resource(container.devices):
                    held.setdefault(resource, set()).update(ids)
    return {resource: frozenset(ids) for resource, ids in held.items()}


def _placed_as_granted(
    groups: Mapping[NameAndNodes, tuple[frozenset[str], frozenset[str]]],
    unplaced: Mapping[str, frozenset[str]],
    pods: Iterable[Pod],
) -> dict[NameAndNodes, tuple[frozenset[str], frozenset[str]]]:
    """Return the groups of (reported, held) ids; held ones that are not reported are placed where they were granted."""
    places = {
        (device.resource, device.device_id): device.numa_nodes
        for pod in pods
        for container in pod.containers
        for device in container.devices
        if device.device_id in unplaced.get(device.resource, _NO_IDS)
    }
    moved: dict[NameAndNodes, tuple[set[str], set[str]]] = {}
    for (resource, device_id), nodes in places.items():
        reported_ids, held_ids = moved.setdefault((resource, nodes), (set(), set()))
        held_ids.add(device_id)
        if device_id in groups.get((resource, frozenset()), (_NO_IDS, _NO_IDS))[0]:
            reported_ids.add(device_id)
    result = {}
    for place in groups.keys() | moved.keys():
        reported, held = groups.get(place, (_NO_IDS, _NO_IDS))
        if not place[1]:
            held, reported = _NO_IDS, reported - unplaced.get(place[0], _NO_IDS)
        more_reported, more_held = moved.get(place, (set(), set()))
        if reported or held or more_held:
            result[place] = (reported | more_reported, held | more_held)
    return result


def cpu_stock(
    pods: Iterable[Pod],
    allocatable: Allocatable | None,
    unlisted: Sequence[Unlisted] = (),
    claimed: CpuSet = frozenset(),
    offered: CpuSet = frozenset(),
) -> CpuStock:
    """
    Return the node's CPUs; held ones count as allocatable.

    *unlisted* are rows of what is held unlisted, of any resource. *claimed* are CPUs that containers have by a claim,
    and *offered* those that its driver grants.

    Kubelets before the patches of November 2022 do not report CPUs that were exclusive when they started.

    Source: kubernetes #112913 (fixed in 1.26, 1.25.4, 1.24.8, 1.23.14).
    """
    exclusive: CpuSet = frozenset[int]().union(*(pod.all_exclusive_cpus() for pod in pods))
    rows = [row for row in unlisted if row.is_cpus]
    placed: Counter[int] = Counter()
    for row in rows:
        if len(row.numa_nodes) == 1:
            placed[min(row.numa_nodes)] += row.amount
    granted = (allocatable.cpus if allocatable else frozenset()) | (exclusive - claimed)
    return CpuStock(
        None if allocatable is None else granted | exclusive | offered,
        exclusive,
        sum(row.amount for row in rows),
        by_driver=frozenset() if allocatable is None else (claimed | offered) - granted,
        unlisted_on=tuple(sorted(placed.items())),
    )


def memory_stock(
    pods: Iterable[Pod],
    allocatable: Allocatable | None,
    metas: Mapping[PodKey, PodMeta] | None = None,
    unlisted: Mapping[str, int] | None = None,
) -> tuple[MemoryStock, ...]:
    """
    Return bytes by (memory type, NUMA nodes), sorted; a block over several nodes is a row of its own.

    The kubelet reports allocatable memory per node, so a row of several nodes has no reported amount, and the free
    amount is exact only on nodes without such a block.
    """
    held: Counter[NameAndNodes] = Counter()
    for pod in pods:
        for block in pod_memory(pod, metas.get(pod.key) if metas else None):
            held[block.memory_type, block.numa_nodes] += block.size_bytes
    reported: Counter[NameAndNodes] = Counter()
    for block in allocatable.memory if allocatable else ():
        reported[block.memory_type, block.numa_nodes] += block.size_bytes
    return tuple(
        MemoryStock(*key, reported.get(key), held[key], (unlisted or {}).get(key[0], 0))
        for key in sorted(held.keys() | reported.keys(), key=_order)
    )


def pod_memory(pod: Pod, meta: PodMeta | None = None) -> tuple[MemoryBlock, ...]:
    """
    Return the pod's memory blocks without the duplicates that several lists may contain.

    1.37 lists the pod's blocks in addition to its containers', overlapping on purpose: the pod's list is then complete.
    1.36 has no such list and repeats the pod's shared block, like its shared CPUs, on every container that shares it:
    equal blocks on containers of a pod with pod-level resources are one block. If the pod's spec is not known, the same
    holds for equal blocks on containers with equal, non-empty CPU sets.

    Source: KEP-5526, kubernetes #138738; measured on 1.36.3 (PodLevelResourceManagers).
    """
    holders = [container for container in pod.containers if container.memory]
    if not holders or (len(holders) == 1 and not pod.memory):
        return holders[0].memory if holders else pod.memory
    pod_level = {block.memory_type for block in pod.memory}
    shares_by_spec = meta is not None and meta.has_pod_resources
    blocks = list(pod.memory)
    seen: set[tuple[CpuSet, MemoryBlock]] = set()
    for container in holders:
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
