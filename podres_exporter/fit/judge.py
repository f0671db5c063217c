"""Would this node admit such a pod now?"""

from dataclasses import replace

from podres_exporter.admission import PodRequest, Policy, Qos, Scope, release
from podres_exporter.fit.answer import Answer, Fits, Outcome, Place
from podres_exporter.fit.ask import Ask, pod_request
from podres_exporter.fit.holders import holders, nearest_node, would_free
from podres_exporter.fit.hurdles import Hurdle, Obstacle, hurdles
from podres_exporter.fit.node import NodeNow, node_now, uid_of
from podres_exporter.fit.notes import MOST_NODES, notes
from podres_exporter.fit.room import CPU, Room, amounts, rooms
from podres_exporter.fit.walk import Walk, walk
from podres_exporter.join.numa import Capacity, container_alignment, node_capacity
from podres_exporter.model import Allocatable, Allocation, MemoryBlock, PodKey, Snapshot
from podres_exporter.model.allocation import NumaNodes

_WHOLE_NODE = frozenset({Obstacle.ABSENT, Obstacle.TOO_FEW, Obstacle.HELD})


def fit(
    snapshot: Snapshot,
    ask: Ask,
    policy: Policy | None = None,
    scope: Scope = Scope.CONTAINER,
    *,
    without: PodKey | None = None,
) -> Answer:
    """
    Return whether the node would admit such a pod now, where it would sit, and if not, what is in the way.

    From the outside a kubelet's Topology Manager policy is not known: with *policy* None all four are judged. *without*
    is a pod that is taken for gone, with all that it holds. The judgement is the simulated kubelet's: the same managers
    and the same policies, given what this node holds.
    """
    pod = pod_request(ask)
    policies = tuple(Policy) if policy is None else (policy,)
    limits = notes(snapshot, ask, pod, scope)
    allocation = snapshot.allocation
    if allocation is None:
        outcomes = tuple(Outcome(each, Fits.UNKNOWN) for each in policies)
        return Answer(snapshot.node, ask, scope, outcomes, notes=limits)
    now = node_now(allocation, (resource for each in ask.containers for resource, _ in each.devices))
    if without is not None:
        now = replace(now, managers=release(now.managers, uid_of(without)))
    found = rooms(now, amounts(now, pod), cpus_are_placed=allocation.topology is not None)
    return Answer(
        snapshot.node,
        ask,
        scope,
        tuple(_outcome(allocation, now, pod, each, scope, found, without) for each in policies),
        () if allocation.cpus.allocatable is None else found,
        _fitting_nodes(found),
        limits,
    )


def _outcome(
    allocation: Allocation,
    now: NodeNow,
    pod: PodRequest,
    policy: Policy,
    scope: Scope,
    found: tuple[Room, ...],
    without: PodKey | None,
) -> Outcome:
    if _is_out_of_reach(allocation, pod, policy):
        return Outcome(policy, Fits.UNKNOWN)
    way = walk(now, pod, policy, scope)
    if way.rejection is None:
        places = () if policy is Policy.NONE else _places(allocation, way)
        nodes = frozenset[int]().union(*(place.numa_nodes for place in places))
        return Outcome(policy, Fits.YES, places, _slack(found, nodes))
    blocked = hurdles(now, pod, way, policy, cpus_are_placed=allocation.topology is not None)
    everywhere = any(hurdle.obstacle in _WHOLE_NODE for hurdle in blocked)
    nearest = None if everywhere else nearest_node(found)
    held = [
        holder
        for holder in holders(allocation, _short(found, blocked, nearest), nearest)
        if (holder.namespace, holder.name) != without
    ]
    return Outcome(
        policy,
        Fits.NO,
        rejection=way.rejection,
        hurdles=blocked,
        nearest=nearest,
        holders=tuple(held),
        freeing=would_free(now, pod, policy, scope, ((each.namespace, each.name) for each in held)),
    )


def _is_out_of_reach(allocation: Allocation, pod: PodRequest, policy: Policy) -> bool:
    """
    Tell whether the kubelet's answers do not suffice to judge: allocatable unknown, CPUs without topology, or a machine
    with more nodes than are judged.
    """
    wants_cpus = any(pod.exclusive_cpus(each) for each in pod.containers)
    wants_memory = pod.qos is Qos.GUARANTEED
    wants_devices = any(count for each in pod.containers for count in each.devices.values())
    if allocation.cpus.allocatable is None:
        return wants_cpus or wants_memory or wants_devices
    if allocation.topology is None:
        return policy is not Policy.NONE and wants_cpus and bool(allocation.cpus.allocatable)
    many = len(allocation.topology.nodes) > MOST_NODES
    return many and (
        policy is not Policy.NONE or (wants_memory and any(row.reported_bytes for row in allocation.memory))
    )


def _short(found: tuple[Room, ...], blocked: tuple[Hurdle, ...], nearest: int | None) -> tuple[str, ...]:
    """Return the resources to name holders of: those short on the nearest node, else those in the way."""
    if nearest is not None:
        short = tuple(room.resource for room in found if room.is_placed and room.free_on(nearest) < room.asked)
        if short:
            return short
    return tuple(hurdle.room.resource for hurdle in blocked if hurdle.room is not None)


def _places(allocation: Allocation, way: Walk) -> tuple[Place, ...]:
    """Return where each container came to sit, by the judgement that running containers get."""
    capacity = _capacity(allocation)
    placed = []
    for assignment in way.assignments:
        alignment = container_alignment(assignment.granted, allocation.topology, capacity)
        placed.append(Place(assignment.request.name, alignment.numa_nodes, alignment.verdict))
    return tuple(placed)


def _capacity(allocation: Allocation) -> Capacity | None:
    if allocation.topology is None:
        return None
    blocks = (MemoryBlock(row.memory_type, row.numa_nodes, row.reported_bytes or 0) for row in allocation.memory)
    reported = Allocatable((), frozenset(), tuple(block for block in blocks if len(block.numa_nodes) == 1))
    return node_capacity(reported, allocation.cpus, allocation.devices, allocation.topology)


def _fitting_nodes(found: tuple[Room, ...]) -> NumaNodes | None:
    """Return the NUMA nodes with room for all of it by themselves; None where nothing has a node, or CPUs have none."""
    placed = [room for room in found if room.is_placed]
    if not placed or any(room.resource == CPU and not room.by_node for room in found):
        return None
    nodes = {node for room in placed for node in room.by_node}
    return frozenset(node for node in nodes if all(room.free_on(node) >= room.asked for room in placed))


def _slack(found: tuple[Room, ...], nodes: NumaNodes) -> float:
    """Return which share of what is free where the pod would sit stays free, mean of the resources; 0 is tight."""
    left = []
    for room in found:
        near = [room.free_on(node) for node in nodes] if room.is_placed else []
        free = min(sum(near), room.free) if near else room.free
        left.append(1 - room.asked / free if free > room.asked else 0.0)
    return sum(left) / len(left) if left else 1.0
