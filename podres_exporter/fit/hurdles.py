"""Find the obstacles to a rejected pod, resource by resource."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from podres_exporter.admission import (
    SMT_ALIGNMENT,
    TOPOLOGY_AFFINITY,
    AllocationError,
    Hint,
    Kind,
    NodeManagers,
    PodRequest,
    Policy,
    release,
)
from podres_exporter.fit.node import NodeNow
from podres_exporter.fit.room import CPU, Room, amounts, rooms
from podres_exporter.fit.walk import Walk
from podres_exporter.model.allocation import NumaNodes


class Obstacle(StrEnum):
    """
    Why a resource prevents admission.

    ABSENT: the node is not known to have any. TOO_FEW: it has less than requested, held or not. HELD: it has enough,
    but not enough is free. TOO_WIDE: enough is free, but no NUMA node has that much at all. SCATTERED: enough is free,
    but not on as few NUMA nodes as the policy requires. GROUPED: existing memory blocks that span nodes, or do not,
    conflict with it. APART: each resource fits, but not all on the same nodes. REQUESTED: all pods' requests leave too
    little. WHOLE_CORES: the CPU manager allocates whole cores only. UNLISTED: enough is listed as free, but some of it
    is held without being listed. CLAIMS: what DRA claims would get is unknown. OTHER: any other message of a manager.
    """

    ABSENT = "absent"
    TOO_FEW = "too_few"
    HELD = "held"
    TOO_WIDE = "too_wide"
    SCATTERED = "scattered"
    GROUPED = "grouped"
    APART = "apart"
    REQUESTED = "requested"
    WHOLE_CORES = "whole_cores"
    UNLISTED = "unlisted"
    CLAIMS = "claims"
    OTHER = "other"


WHOLE_NODE = frozenset({Obstacle.ABSENT, Obstacle.TOO_FEW, Obstacle.HELD, Obstacle.WHOLE_CORES})
"""Obstacles that apply to the whole node, whichever NUMA node is considered."""


@dataclass(frozen=True, slots=True)
class Hurdle:
    """
    One obstacle: *room* is the resource as the rejected container found it, None for OTHER.

    *container* is the rejected container, empty if the pod was rejected as a whole. *numa_nodes*, for APART, are the
    sets of nodes on which the resource would fit.
    """

    obstacle: Obstacle
    container: str = ""
    room: Room | None = None
    numa_nodes: tuple[NumaNodes, ...] = ()


def hurdles(now: NodeNow, pod: PodRequest, walk: Walk, policy: Policy, *, cpus_are_placed: bool) -> tuple[Hurdle, ...]:
    """
    Return the obstacles of a pod that was rejected; never empty.

    Shortages of the whole node are returned alone, because no policy could help. The others follow from the hints that
    the managers gave to the Topology Manager.
    """
    then = NodeNow(walk.managers, now.offers)
    name = walk.container.name if walk.container and len(pod.containers) > 1 else ""
    asked = amounts(then, pod, walk.container)
    found = rooms(_inits_ended(then, pod, walk), asked, cpus_are_placed=cpus_are_placed)
    short = shortages(found, name)
    if short:
        return short
    if walk.rejection is not None and walk.rejection.reason == SMT_ALIGNMENT:
        return tuple(Hurdle(Obstacle.WHOLE_CORES, name, room) for room in found if room.resource == CPU)
    if walk.rejection != TOPOLOGY_AFFINITY:
        grouped = [Hurdle(Obstacle.GROUPED, name, room) for room in found if room.resource in _memory_types(pod)]
        return tuple(grouped) or (Hurdle(Obstacle.OTHER, name),)
    fitting = _fitting(then, pod, walk, policy)
    astray = [
        Hurdle(_misfit(room, policy), name, room)
        for room in found
        if room.resource in fitting and not fitting[room.resource]
    ]
    apart = [Hurdle(Obstacle.APART, name, room, fitting[room.resource]) for room in found if fitting.get(room.resource)]
    return tuple(astray or apart) or (Hurdle(Obstacle.OTHER, name),)


def shortages(found: Iterable[Room], container: str = "") -> tuple[Hurdle, ...]:
    """Return what is short on the whole node, so that no policy could help."""
    return tuple(Hurdle(_shortage(room), container, room) for room in found if room.free < room.asked)


def _shortage(room: Room) -> Obstacle:
    if not room.allocatable:
        return Obstacle.ABSENT
    return Obstacle.TOO_FEW if room.allocatable < room.asked else Obstacle.HELD


def _misfit(room: Room, policy: Policy) -> Obstacle:
    """Return why the resource fits no set of nodes that the policy accepts, although enough is free in total."""
    if policy is Policy.SINGLE_NUMA_NODE and 0 < room.most_on_one_node + room.unplaced < room.asked:
        return Obstacle.TOO_WIDE
    is_memory = room.resource != CPU and "/" not in room.resource
    if is_memory and any(room.free_on(node) >= room.asked for node in room.by_node):
        return Obstacle.GROUPED
    return Obstacle.SCATTERED


def _inits_ended(then: NodeNow, pod: PodRequest, walk: Walk) -> NodeNow:
    """Return the node without what the pod's init containers held, because a later container may reuse it."""
    managers = release(then.managers, pod.uid)
    for given in (each for each in walk.assignments if each.request.kind is not Kind.INIT):
        key, held = (pod.uid, given.request.name), given.granted
        devices = managers.devices.allocate(pod, given.request, held.devices)
        cpus = managers.cpus and replace(managers.cpus, held={**managers.cpus.held, key: held.exclusive_cpus})
        memory = managers.memory and managers.memory.holding(*key, held.memory)
        managers = NodeManagers(managers.numa_nodes, devices, cpus, memory)
    return NodeNow(managers, then.offers)


def _memory_types(pod: PodRequest) -> frozenset[str]:
    return frozenset(kind for container in pod.containers for kind in container.memory_by_type())


def _fitting(then: NodeNow, pod: PodRequest, walk: Walk, policy: Policy) -> Mapping[str, tuple[NumaNodes, ...]]:
    """Return the sets of nodes that the policy would accept for each resource with hints."""
    managers, container = then.managers, walk.container
    placed = [manager for manager in (managers.cpus, managers.memory) if manager is not None]
    if container is None:
        given = [managers.devices.pod_hints(pod, then.offers), *(manager.pod_hints(pod) for manager in placed)]
    else:
        given = [managers.devices.container_hints(pod, container, then.offers)]
        given += [manager.container_hints(pod, container) for manager in placed]
    return {
        resource: tuple(_taken(hints, policy))
        for hint in given
        for resource, hints in hint.items()
        if hints is not None
    }


def _taken(hints: Iterable[Hint], policy: Policy) -> Iterable[NumaNodes]:
    """Yield the nodes of the hints that the policy would accept if this were the only resource."""
    for hint in hints:
        narrow = policy is not Policy.SINGLE_NUMA_NODE or len(hint.numa_nodes or ()) == 1
        if hint.numa_nodes is not None and hint.preferred and narrow:
            yield hint.numa_nodes


def shortage_error(short: tuple[Hurdle, ...]) -> AllocationError:
    """Return the managers' error for what is short on the whole node."""
    rooms_short = [hurdle.room for hurdle in short if hurdle.room]
    first = next((room for room in rooms_short if "/" in room.resource), rooms_short[0])
    if "/" not in first.resource:
        problem = f"not enough {first.resource} available: requested={first.asked}, available={first.free}"
        return AllocationError(problem)
    problem = f"requested number of devices unavailable for {first.resource}"
    return AllocationError(f"{problem}. Requested: {first.asked}, Available: {first.free}")
