"""
The kubelet's check of all pods' requests against the node's allocatable resources, including pods in the shared pool.

After its managers, the kubelet admits a pod only if the requests of all pods are within the node's allocatable CPU,
memory and number of pods; otherwise it rejects it with OutOfcpu, OutOfmemory or OutOfpods.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from podres_exporter.admission import PodRequest, Policy, Rejection, out_of
from podres_exporter.fit.answer import Fits, Outcome
from podres_exporter.fit.ask import MEMORY, Ask
from podres_exporter.fit.holders import MOST_TRIED, Holder, ending_text
from podres_exporter.fit.hurdles import Hurdle, Obstacle
from podres_exporter.fit.options import KubeletOptions
from podres_exporter.fit.room import Room
from podres_exporter.model import Allocation, PodKey, PodMeta, Snapshot

CPU_REQUESTS, MEMORY_REQUESTS, PODS = "requests.cpu", "requests.memory", "pods"
"""The resource names used by Kubernetes' quotas."""
DEFAULT_MAX_PODS = 110
"""Source: kubelet `maxPods`."""


@dataclass(frozen=True, slots=True)
class Budget:
    """
    One resource whose requests are counted.

    *asked* by the pod, *used* by the others; the node's allocatable is between *least* and *most*, None if unknown.
    """

    resource: str
    asked: int
    used: int
    least: int | None
    most: int | None

    @property
    def is_over(self) -> bool:
        """Whether the kubelet certainly rejects the pod."""
        return self.most is not None and self.used + self.asked > self.most

    @property
    def may_be_over(self) -> bool:
        """Whether the kubelet may reject the pod, within the bounds."""
        return self.least is not None and self.used + self.asked > self.least

    @property
    def room(self) -> Room:
        """The resource as shown in an answer."""
        capacity = self.most if self.is_over else self.least
        return Room(self.resource, self.asked, max(0, (capacity or 0) - self.used), capacity or 0, {})

    @property
    def rejection(self) -> Rejection:
        """The kubelet's rejection."""
        resource = self.resource.removeprefix("requests.")
        return out_of(resource, self.asked, self.used, self.most or self.least or 0)


def amount_of(resource: str, meta: PodMeta) -> int:
    """Return how much of the resource a pod of the node requests."""
    match resource:
        case "requests.cpu":
            return meta.cpu_millicores
        case "requests.memory":
            return meta.memory_bytes
        case _:
            return 1


def counted_pods(snapshot: Snapshot, without: PodKey | None) -> list[PodMeta]:
    """Return the pods whose requests count: all of this node that have not ended."""
    metadata = snapshot.metadata
    if metadata is None or not metadata.synced:
        return []
    return [meta for key, meta in sorted(metadata.pods.items()) if key != without and not meta.is_terminal]


def budgets(
    snapshot: Snapshot, ask: Ask, pod: PodRequest, options: KubeletOptions, without: PodKey | None
) -> tuple[Budget, ...]:
    """Return the count of requests including this pod; nothing without followed metadata."""
    allocation, metadata = snapshot.allocation, snapshot.metadata
    if allocation is None or metadata is None or not metadata.synced:
        return ()
    pods = counted_pods(snapshot, without)
    cpu = ask.cpu_millicores or pod.total(lambda each: each.requests.cpu_millicores)
    memory = ask.memory_bytes or pod.total(lambda each: each.requests.memory_bytes)
    found = []
    for resource, asked in ((CPU_REQUESTS, cpu), (MEMORY_REQUESTS, memory), (PODS, 1)):
        if asked:
            used = sum(amount_of(resource, meta) for meta in pods)
            found.append(Budget(resource, asked, used, *_bounds(resource, allocation, options, used)))
    return tuple(found)


def _bounds(resource: str, allocation: Allocation, options: KubeletOptions, used: int) -> tuple[int | None, int | None]:
    """Return the bounds of the node's allocatable amount."""
    told = options.capacities.get(resource.removeprefix("requests."))
    match resource:
        case "requests.cpu":
            return told or _cpu_bounds(allocation)
        case "requests.memory":
            return told or _memory_bounds(allocation)
        case _:
            return told or (max(DEFAULT_MAX_PODS, used), None)


def _cpu_bounds(allocation: Allocation) -> tuple[int | None, int | None]:
    """
    Return the bounds in millicores.

    Under the static policy the allocatable whole CPUs are the node's allocatable, rounded down: a reservation of 500m
    takes a whole CPU. Otherwise the number of online CPUs is the upper bound.

    Source: kubelet cpumanager NewStaticPolicy (ceil of the reservation); cm/node_container_manager GetNodeAllocatable.
    """
    allocatable, topology = allocation.cpus.by_kubelet, allocation.topology
    if allocatable:
        return len(allocatable) * 1000, len(allocatable) * 1000 + 999
    return None, len(topology.online) * 1000 if topology is not None else None


def _memory_bounds(allocation: Allocation) -> tuple[int | None, int | None]:
    """
    Return the bounds in bytes: under the Static memory manager the reservations of all NUMA nodes equal the node's.

    Source: kubelet memorymanager validateReservedMemory.
    """
    rows = [row.reported_bytes for row in allocation.memory if row.memory_type == MEMORY and row.reported_bytes]
    return (sum(rows), sum(rows)) if rows else (None, None)


def whose(snapshot: Snapshot, budget: Budget, without: PodKey | None) -> Iterator[tuple[PodMeta, int]]:
    """Yield the pods that request the resource, largest first, with the amounts."""
    if budget.resource == PODS:
        return
    rows = [(meta, amount_of(budget.resource, meta)) for meta in counted_pods(snapshot, without)]
    yield from sorted(((meta, amount) for meta, amount in rows if amount), key=lambda row: (-row[1], row[0].key))


def over_budget(
    snapshot: Snapshot, counted: Sequence[Budget], policy: Policy, without: PodKey | None
) -> Outcome | None:
    """Return the outcome if the requests of all pods decide; None if they leave enough, or are unknown."""
    over = [each for each in counted if each.is_over]
    unsure = [each for each in counted if each.may_be_over]
    if not (over or unsure):
        return None
    blocked = tuple(Hurdle(Obstacle.REQUESTED, "", each.room) for each in over or unsure)
    held = tuple(
        Holder(*meta.key, each.resource, amount, ending_text(meta))
        for each in over or unsure
        for meta, amount in whose(snapshot, each, without)
    )
    if not over:
        return Outcome(policy, Fits.UNKNOWN, hurdles=blocked, holders=held)
    needed = {each.resource: each.used + each.asked - (each.least or 0) for each in over}
    given = {key: {row.resource: row.amount for row in held if (row.namespace, row.name) == key} for key in _keys(held)}
    freeing = [key for key, own in given.items() if all(own.get(name, 0) >= size for name, size in needed.items())]
    return Outcome(policy, Fits.NO, rejection=over[0].rejection, hurdles=blocked, holders=held, freeing=tuple(freeing))


def _keys(held: Iterable[Holder]) -> list[PodKey]:
    """Return the first holders, as many as are ever tried."""
    return list(dict.fromkeys((each.namespace, each.name) for each in held))[:MOST_TRIED]


def is_about_requests(outcome: Outcome) -> bool:
    """Return whether requests are, or may be, the obstacle."""
    return any(hurdle.obstacle is Obstacle.REQUESTED for hurdle in outcome.hurdles)
