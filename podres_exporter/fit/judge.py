"""Judge whether a node would admit a pod now, under each Topology Manager policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podres_exporter.admission import TOPOLOGY_AFFINITY, PodRequest, Policy, Qos, Scope, release
from podres_exporter.fit.answer import Answer, Fits, Outcome, Place
from podres_exporter.fit.ask import Ask, pod_request
from podres_exporter.fit.dra import DraRooms, dra_rooms, is_driver, without_dra
from podres_exporter.fit.holders import holders, nearest_node, would_free
from podres_exporter.fit.hurdles import WHOLE_NODE, Hurdle, Obstacle, hurdles, shortage_error, shortages
from podres_exporter.fit.node import NodeNow, node_now, uid_of
from podres_exporter.fit.notes import CAPACITY, MOST_NODES, SICK, incomplete_note, notes, unlisted_note
from podres_exporter.fit.options import KubeletOptions, learned
from podres_exporter.fit.requests import Budget, budgets, is_about_requests, over_budget
from podres_exporter.fit.room import CPU, Room, amounts, rooms
from podres_exporter.fit.unlisted import cases, incomplete_resources, unlisted_amounts
from podres_exporter.fit.walk import Walk, walk
from podres_exporter.join.numa import Capacity, container_alignment, node_capacity
from podres_exporter.model import Allocatable, Allocation, MemoryBlock, PodKey, Snapshot
from podres_exporter.model.allocation import NumaNodes


def is_out_of_reach(allocation: Allocation, pod: PodRequest, policy: Policy) -> bool:
    """
    Return whether the kubelet's answers are insufficient: allocatable unknown, CPUs without topology, or hints over too
    many NUMA nodes.
    """
    wants_cpus = any(pod.exclusive_cpus(each) for each in pod.containers)
    wants_memory = pod.qos is Qos.GUARANTEED
    wanted = {resource for each in pod.containers for resource, count in each.devices.items() if count}
    if allocation.cpus.allocatable is None:
        return wants_cpus or wants_memory or bool(wanted)
    if allocation.topology is None:
        return policy is not Policy.NONE and wants_cpus and bool(allocation.cpus.by_kubelet)
    memory = {node for row in allocation.memory for node in row.numa_nodes}
    if wants_memory and len(memory) > MOST_NODES:
        return True
    if policy is Policy.NONE:
        return False
    with_cpus = [node for node, cpus in allocation.topology.cpus_by_node.items() if cpus]
    near = {node for row in allocation.devices if row.resource in wanted for node in row.numa_nodes}
    return (wants_cpus and len(with_cpus) > MOST_NODES) or len(near) > MOST_NODES


def may_have_more(allocation: Allocation, hurdle: Hurdle) -> bool:
    """
    Return whether the node may have more of a device than the kubelet reports.

    The kubelet omits devices with an empty topology, all or some of a resource's. Their existence shows if none is
    reported at all, or if reported devices state NUMA nodes and a held, unreported one states none.

    Source: kubelet cm/container_manager.go containerDevicesFromResourceDeviceInstances; measured on 1.27 and 1.36.
    """
    if hurdle.obstacle not in WHOLE_NODE or hurdle.room is None or "/" not in hurdle.room.resource:
        return False
    rows = [row for row in allocation.devices if row.resource == hurdle.room.resource]
    if not any(row.reported for row in rows):
        return True
    placed = all(row.numa_nodes for row in rows if row.reported)
    return placed and any(row.unallocatable_held and not row.numa_nodes for row in rows)


@dataclass(frozen=True, slots=True)
class _Question:
    """Everything an outcome depends on except the policy: the node, the pod, and what is free."""

    snapshot: Snapshot
    allocation: Allocation
    now: NodeNow
    pod: PodRequest
    scope: Scope
    found: tuple[Room, ...]
    budgets: tuple[Budget, ...]
    unlisted: Mapping[str, int]
    incomplete: frozenset[str]
    without: PodKey | None

    @property
    def cpus_are_placed(self) -> bool:
        return self.allocation.topology is not None


def fit(
    snapshot: Snapshot,
    ask: Ask,
    policy: Policy | None = None,
    scope: Scope = Scope.CONTAINER,
    *,
    without: PodKey | None = None,
    options: KubeletOptions | None = None,
) -> Answer:
    """
    Return whether the node would admit such a pod now, where, and if not, why.

    A kubelet does not report its Topology Manager policy: with *policy* None all four are judged. *without* is a pod
    that is assumed gone, with everything it holds. *options* are other unreported settings; they are also derived from
    the kubelet's rejections of pods. The judgement is that of the simulated kubelet: the same managers and policies
    with this node's state, and then the kubelet's count of requests.
    """
    pod = pod_request(without_dra(ask))
    policies = tuple(Policy) if policy is None else (policy,)
    known = learned(options or KubeletOptions(), snapshot.metadata)
    limits = notes(snapshot, ask, pod, scope, known)
    allocation = snapshot.allocation
    if allocation is None:
        outcomes = tuple(Outcome(each, Fits.UNKNOWN) for each in policies)
        return Answer(snapshot.node, ask, scope, outcomes, notes=limits)
    now = node_now(
        allocation,
        (resource for each in ask.containers for resource, _ in each.devices if not is_driver(resource)),
        full_pcpus_only=bool(known.full_pcpus_only),
    )
    if without is not None:
        now = replace(now, managers=release(now.managers, uid_of(without)))
    asked = amounts(now, pod)
    found = rooms(now, asked, cpus_are_placed=allocation.topology is not None)
    counted = budgets(snapshot, ask, pod, known, without)
    unlisted = unlisted_amounts(allocation, asked, without)
    incomplete = incomplete_resources(allocation, asked)
    question = _Question(snapshot, allocation, now, pod, scope, found, counted, unlisted, incomplete, without)
    claimed = dra_rooms(allocation, ask)
    outcomes = tuple(_with_claims(_outcome(question, each), claimed) for each in policies)
    refused = {hurdle.room.resource for each in outcomes for hurdle in each.hurdles if hurdle.room}
    limits = (*incomplete_note(snapshot, incomplete), *unlisted_note(allocation, unlisted), *limits)
    if any(each.fits is Fits.UNKNOWN and is_about_requests(each) for each in outcomes):
        limits = (CAPACITY, *limits)
    if any(each.policy is Policy.RESTRICTED and len(each.numa_nodes) > 1 for each in outcomes):
        limits = (*limits, SICK)
    shown = tuple(each.room for each in counted if each.resource in refused)
    return Answer(
        snapshot.node,
        ask,
        scope,
        outcomes,
        (
            *(r for r in found if r.resource not in incomplete and allocation.cpus.allocatable is not None),
            *(claimed.rooms if allocation.dra else ()),
            *(shown if allocation.cpus.allocatable is not None else ()),
        ),
        _fitting_nodes(found),
        limits,
    )


def _outcome(question: _Question, policy: Policy) -> Outcome:
    """Return the outcome under one policy: by the managers, then by the count of requests."""
    allocation, pod = question.allocation, question.pod
    if is_out_of_reach(allocation, pod, policy):
        short = () if allocation.cpus.allocatable is None else shortages(question.found)
        if not short:
            return Outcome(policy, Fits.UNKNOWN)
        return _refused(question, policy, Walk(question.now.managers, (), shortage_error(short).rejection), short)
    way = walk(question.now, pod, policy, question.scope)
    if way.rejection is not None:
        blocked = hurdles(question.now, pod, way, policy, cpus_are_placed=question.cpus_are_placed)
        return _refused(question, policy, way, blocked)
    return (
        _doubted(question, policy, way)
        or over_budget(question.snapshot, question.budgets, policy, question.without)
        or _admitted(question, policy, way)
    )


def _with_claims(outcome: Outcome, claimed: DraRooms) -> Outcome:
    """Return the managers' outcome combined with DRA: either can prevent admission."""
    if claimed.short and outcome.fits is not Fits.NO:
        return Outcome(outcome.policy, Fits.NO, hurdles=claimed.short)
    if claimed.unsure and outcome.fits is Fits.YES:
        return replace(outcome, fits=Fits.UNKNOWN, hurdles=claimed.unsure)
    return outcome


def _admitted(question: _Question, policy: Policy, way: Walk) -> Outcome:
    places = () if policy is Policy.NONE else _places(question.allocation, way)
    nodes = frozenset[int]().union(*(place.numa_nodes for place in places))
    return Outcome(policy, Fits.YES, places, _slack(question.found, nodes))


def _refused(question: _Question, policy: Policy, way: Walk, blocked: tuple[Hurdle, ...]) -> Outcome:
    """Return the outcome of a pod that the managers reject: no, or unknown if the rejection rests on missing data."""
    everywhere = any(hurdle.obstacle in WHOLE_NODE for hurdle in blocked)
    nearest = None if everywhere else nearest_node(question.found)
    held = [
        holder
        for holder in holders(question.allocation, _short(question.found, blocked, nearest), nearest)
        if (holder.namespace, holder.name) != question.without
    ]
    if any(may_have_more(question.allocation, hurdle) for hurdle in blocked):
        return Outcome(policy, Fits.UNKNOWN, hurdles=blocked, holders=tuple(held))
    candidates = ((each.namespace, each.name) for each in held)
    reachable = not is_out_of_reach(question.allocation, question.pod, policy)
    return Outcome(
        policy,
        Fits.NO,
        rejection=way.rejection,
        hurdles=blocked,
        nearest=nearest,
        holders=tuple(held),
        freeing=would_free(question.now, question.pod, policy, question.scope, candidates) if reachable else (),
    )


def _doubted(question: _Question, policy: Policy, way: Walk) -> Outcome | None:
    """
    Return the outcome if unlisted holdings decide: no if too little can be free, unknown if it depends on which items
    are held; None if it fits in any case.
    """
    if question.incomplete:
        unsure = tuple(
            Hurdle(Obstacle.UNLISTED, "", room) for room in question.found if room.resource in question.incomplete
        )
        return Outcome(policy, Fits.UNKNOWN, hurdles=unsure)
    if not question.unlisted:
        return None
    nodes, are_all = cases(question.now, question.unlisted)
    refused = [walk(node, question.pod, policy, question.scope).rejection is not None for node in nodes]
    if not any(refused):
        return None
    less = tuple(
        replace(room, free=max(0, room.free - question.unlisted.get(room.resource, 0))) for room in question.found
    )
    blocked = tuple(replace(hurdle, obstacle=Obstacle.UNLISTED) for hurdle in shortages(less))
    doubtful = blocked or tuple(
        Hurdle(Obstacle.UNLISTED, "", room) for room in less if room.resource in question.unlisted
    )
    if blocked or (are_all and all(refused)):
        held = holders(question.allocation, [each.room.resource for each in doubtful if each.room], None)
        error = shortage_error(doubtful) if blocked else None
        rejection = error.rejection if error else TOPOLOGY_AFFINITY
        return Outcome(policy, Fits.NO, rejection=rejection, hurdles=doubtful, holders=held)
    return Outcome(policy, Fits.UNKNOWN, _places(question.allocation, way), hurdles=doubtful)


def _short(found: tuple[Room, ...], blocked: tuple[Hurdle, ...], nearest: int | None) -> tuple[str, ...]:
    """Return the resources whose holders to name: those short on the nearest node, else the obstacles."""
    if nearest is not None:
        short = tuple(room.resource for room in found if room.is_placed and room.free_on(nearest) < room.asked)
        if short:
            return short
    return tuple(hurdle.room.resource for hurdle in blocked if hurdle.room is not None)


def _places(allocation: Allocation, way: Walk) -> tuple[Place, ...]:
    """Return where each container was placed, judged like running containers."""
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
    """Return the NUMA nodes with room for everything; None if nothing has NUMA nodes, or CPUs have none."""
    placed = [room for room in found if room.is_placed]
    if not placed or any(room.resource == CPU and not room.by_node for room in found):
        return None
    nodes = {node for room in placed for node in room.by_node}
    return frozenset(node for node in nodes if all(room.free_on(node) >= room.asked for room in placed))


def _slack(found: tuple[Room, ...], nodes: NumaNodes) -> float:
    """
    Return the fraction of the free amount that remains where the pod would be placed, averaged over resources; 0 is
    tight.
    """
    left = []
    for room in found:
        near = [room.free_on(node) for node in nodes] if room.is_placed else []
        free = min(sum(near), room.free) if near else room.free
        left.append(1 - room.asked / free if free > room.asked else 0.0)
    return sum(left) / len(left) if left else 1.0
