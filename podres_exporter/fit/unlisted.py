"""Enumerate where unlisted holdings may be, as far as it makes a difference to the managers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product

from podres_exporter.admission import NodeManagers
from podres_exporter.fit.node import NodeNow
from podres_exporter.join.unlisted import CPU, totals
from podres_exporter.model import Allocation, Device, MemoryBlock, PodKey
from podres_exporter.model.allocation import NumaNodes

MOST_WAYS = 64
"""The maximum number of cases to enumerate; beyond it, the worst case is used."""
_UID = "?/?"
"""The placeholder for pods that hold unlisted items; no pod has this name."""

Way = Mapping[str, Mapping[NumaNodes, int]]
"""How much of each resource is held on each set of NUMA nodes."""


def unlisted_amounts(allocation: Allocation, asked: Iterable[str], without: PodKey | None) -> Mapping[str, int]:
    """Return how much of each requested resource is held without being listed."""
    found = totals([row for view in allocation.pods if view.pod.key != without for row in view.unlisted])
    return {resource: found[resource] for resource in asked if found.get(resource)}


def incomplete_resources(allocation: Allocation, asked: Iterable[str]) -> frozenset[str]:
    """Return the requested resources of which an unknown amount more may be held."""
    stocks = {
        *(row.resource for row in allocation.devices if not row.is_complete),
        *(row.memory_type for row in allocation.memory if not row.is_complete),
        *(() if allocation.cpus.is_complete else (CPU,)),
    }
    return frozenset(stocks).intersection(asked)


def cases(now: NodeNow, amounts: Mapping[str, int]) -> tuple[tuple[NodeNow, ...], bool]:
    """
    Return the node in each possible case of unlisted holdings, and whether these are all.

    If there are too many cases, there is one node, with everything held on every set of NUMA nodes: a pod admitted by
    it is admitted in any case, but one rejected by it might still fit.
    """
    free = {resource: _free(now, resource) for resource in amounts}
    parts = [
        [(resource, way) for way in islice(_ways(resource, free[resource], amount), MOST_WAYS + 1)]
        for resource, amount in amounts.items()
    ]
    ways = list(islice(product(*parts), MOST_WAYS + 1))
    if len(ways) <= MOST_WAYS:
        return tuple(_held(now, dict(way)) for way in ways), True
    everywhere = {
        resource: {place: min(amount, free[resource][place]) for place in free[resource]}
        for resource, amount in amounts.items()
    }
    return (_held(now, everywhere),), False


def _free(now: NodeNow, resource: str) -> Mapping[NumaNodes, int]:
    """Return the free amount on each set of NUMA nodes that the managers distinguish."""
    managers = now.managers
    if resource == CPU:
        cpus = managers.cpus
        nodes = cpus.topology.cpus_by_node.items() if cpus else ()
        return {frozenset([node]): len(own & cpus.available) for node, own in nodes if cpus and own & cpus.available}
    if managers.memory is not None and "/" not in resource:
        tables = {node: own.tables.get(resource) for node, own in managers.memory.machine.items()}
        return {frozenset([node]): table.free for node, table in tables.items() if table and table.free > 0}
    return {place: len(ids) for place, ids in _free_devices(now, resource).items()}


def _free_devices(now: NodeNow, resource: str) -> Mapping[NumaNodes, list[str]]:
    held = now.managers.devices.held.values()
    taken = {each.device_id for devices in held for each in devices if each.resource == resource}
    found: dict[NumaNodes, list[str]] = {}
    for device in now.offers.get(resource, ()):
        if device.healthy and device.device_id not in taken:
            found.setdefault(device.numa_nodes, []).append(device.device_id)
    return found


def _ways(resource: str, free: Mapping[NumaNodes, int], amount: int) -> Iterator[Mapping[NumaNodes, int]]:
    """
    Yield the ways to hold *amount* of what is free; memory blocks lie on one node as a whole.

    If less is free than held, all of it is held.
    """
    places = sorted(free, key=sorted)
    if resource != CPU and "/" not in resource:
        yield from ({place: min(amount, free[place])} for place in places)
        return
    amount = min(amount, sum(free.values()))

    def split(index: int, left: int) -> Iterator[dict[NumaNodes, int]]:
        if index == len(places):
            if not left:
                yield {}
            return
        place = places[index]
        for count in range(min(left, free[place]) + 1):
            yield from ({place: count, **rest} for rest in split(index + 1, left - count))

    yield from split(0, amount)


def _held(now: NodeNow, way: Way) -> NodeNow:
    """Return the node with that much held."""
    managers = now.managers
    devices, cpus, memory = managers.devices, managers.cpus, managers.memory
    for resource, amounts in way.items():
        if resource == CPU and cpus is not None:
            own = cpus.topology.cpus_by_node
            more = [sorted(own[min(place)] & cpus.available)[:count] for place, count in amounts.items()]
            cpus = replace(cpus, held={**cpus.held, (_UID, CPU): frozenset(cpu for each in more for cpu in each)})
        elif memory is not None and "/" not in resource:
            for place, size in amounts.items():
                memory = memory.holding(_UID, f"{resource}/{min(place)}", (MemoryBlock(resource, place, size),))
        else:
            ids = _free_devices(now, resource)
            taken = [device_id for place, count in amounts.items() for device_id in ids[place][:count]]
            held = frozenset(Device(resource, device_id, frozenset()) for device_id in taken)
            devices = replace(devices, held={**devices.held, (_UID, resource): held})
    return replace(now, managers=NodeManagers(managers.numa_nodes, devices, cpus, memory))
