"""Join the kubelet's answers with metadata, topology and DRA into an Allocation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from podres_exporter.join.claimed_cpus import claimed_cpus
from podres_exporter.join.claims import claim_uses, device_health, with_claim_names
from podres_exporter.join.dra import DraFacts, claimed_devices, dra_facts, dra_node
from podres_exporter.join.hardware import hardware_of, without_claimed
from podres_exporter.join.numa import Capacity, container_alignment, node_capacity
from podres_exporter.join.requests import requests_against_held
from podres_exporter.join.stock import DeviceReport, cpu_stock, device_report, device_stock, memory_stock
from podres_exporter.join.unlisted import CPU, Managed, totals, unlisted_holdings
from podres_exporter.model import (
    Allocatable,
    Allocation,
    Belief,
    Container,
    ContainerView,
    Dra,
    Listing,
    Malformed,
    Mark,
    Metadata,
    Pod,
    PodMeta,
    PodView,
    Topology,
    Unlisted,
    count_by_resource,
)

_POD_PATH = "pod_resources["
SURE = Belief()


@dataclass(frozen=True, slots=True)
class _Context:
    """Everything a pod's view depends on besides the pod; a view is reused as long as both are unchanged."""

    topology: Topology | None
    capacity: Capacity | None
    managed: Managed
    knows_plugins: bool
    legacy: bool
    dra: DraFacts


@dataclass(frozen=True, slots=True)
class _Joined:
    """The inputs of the last join and its result."""

    inputs: tuple[object, ...]
    allocatable: Allocatable | None
    report: DeviceReport
    context: _Context
    allocation: Allocation


class Joiner:
    """Joins answers into an Allocation; remembers the last result, so that unchanged pods are not processed again."""

    def __init__(self) -> None:
        """Start without a previous result."""
        self._last: _Joined | None = None
        self._plugin_resources: frozenset[str] = frozenset()

    def join(
        self,
        listing: Listing,
        allocatable: Allocatable | None,
        topology: Topology | None,
        metadata: Metadata | None = None,
        *,
        dra: Dra | None = None,
        legacy: bool = False,
        belief: Belief = SURE,
    ) -> Allocation:
        """
        Return who holds what on the node, and what is free.

        *allocatable* is None if the kubelet does not report it (1.20, or disabled): the free amounts are then unknown.
        *metadata* decorates the pods. *belief* says how certain the listing is, and which of its pods have ended
        (kubelets up to 1.33 still list them with what they held); if it does not say, synced *metadata* decides.
        *legacy* marks a kubelet of 1.20 to 1.22. Equal inputs give an equal result; the memory only saves work, except
        that it keeps the extended resources that a device plugin has ever had.

        Source: kubernetes #119423, #132020, #132028.
        """
        metas = metadata.pods if metadata else {}
        synced = metadata is not None and metadata.synced
        damaged = _damaged_pods(listing.malformed)
        inputs = (listing.pods, listing.merged_pods, damaged, allocatable, topology, metas, synced, legacy, dra, belief)
        last = self._last
        if last is not None and last.inputs == inputs:
            return last.allocation
        skipped = {"duplicate_name": listing.merged_pods}
        pods = listing.pods
        finished, unknown = belief.finished, belief.unknown
        if finished is None and synced:
            finished = frozenset(pod.key for pod in pods if _is_terminal(metas.get(pod.key)))
        if finished is not None and synced:
            pods = tuple(pod for pod in pods if pod.key not in finished)
            skipped["terminal"] = len(listing.pods) - len(pods)
        report = last.report if last and last.allocatable is allocatable else device_report(allocatable)
        managed = self._managed(pods, allocatable, report)
        unlisted = {
            pod.key: rows
            for pod in pods
            if (rows := unlisted_holdings(pod, metas.get(pod.key), managed, damaged=_name(pod) in damaged))
        }
        claimed = claimed_cpus(pods, metas.values() if synced else (), dra)
        pods = claimed.pods
        for key, rows in claimed.unlisted.items():
            unlisted[key] = (*unlisted.get(key, ()), *rows)
        every = [row for rows in unlisted.values() for row in rows]
        more = totals(every)
        devices = device_stock(pods, allocatable, report, more)
        cpus = cpu_stock(pods, allocatable, every, claimed.claimed, claimed.offered)
        capacity = None
        if allocatable is not None and topology is not None:
            capacity = node_capacity(allocatable, cpus, devices, topology, dra.pools if dra else ())
        context = _Context(topology, capacity, managed, allocatable is not None, legacy, dra_facts(dra))
        remembered = {id(view.pod): view for view in last.allocation.pods} if last and last.context == context else {}
        views = tuple(
            _view(
                pod,
                with_claim_names(metas.get(pod.key), pod),
                _Extras(unlisted.get(pod.key, ()), belief.marks.get(pod.key, Mark.CURRENT)),
                context,
                remembered.get(id(pod)),
            )
            for pod in pods
        )
        if dra is not None and dra.pools:
            devices = without_claimed(devices, hardware_of(dra.pools), claimed_devices(dra, views, metas.values()))
        allocation = Allocation(
            pods=views,
            devices=tuple(
                replace(each, is_complete=False) if unknown.covers(each.resource) else each for each in devices
            ),
            cpus=replace(cpus, is_complete=claimed.is_known and not unknown.covers(CPU)),
            memory=tuple(
                replace(each, is_complete=False) if unknown.covers(each.memory_type) else each
                for each in memory_stock(pods, allocatable, metas, more)
            ),
            topology=topology,
            skipped_pods=skipped,
            devices_by_namespace=_devices_by_namespace(pods),
            cpus_by_namespace=_cpus_by_namespace(pods),
            dra=dra_node(dra, views, metas.values(), unknown),
            unlisted_pods=belief.unlisted,
            given_up_pods=belief.given_up,
            doubles=belief.doubles,
        )
        self._last = _Joined(inputs, allocatable, report, context, allocation)
        return allocation

    def _managed(self, pods: Sequence[Pod], allocatable: Allocatable | None, report: DeviceReport) -> Managed:
        """
        Return what the kubelet manages; a resource that a plugin once served stays managed while the plugin is gone.
        """
        held = {name for pod in pods for each in pod.containers for name, _ in count_by_resource(each.devices)}
        self._plugin_resources |= held | {resource for resource, _ in report}
        return Managed(
            self._plugin_resources,
            bool(allocatable and allocatable.cpus) or any(pod.all_exclusive_cpus() for pod in pods),
            frozenset(block.memory_type for block in allocatable.memory) if allocatable else frozenset(),
        )


def _damaged_pods(malformed: Iterable[Malformed]) -> frozenset[str]:
    """Return `namespace/name` of the pods with unreadable items."""
    paths = (fault.path for fault in malformed)
    names = {path.removeprefix(_POD_PATH).partition("]")[0] for path in paths if path.startswith(_POD_PATH)}
    return frozenset(name for name in names if "/" in name)


def _name(pod: Pod) -> str:
    return f"{pod.namespace}/{pod.name}"


def _is_terminal(meta: PodMeta | None) -> bool:
    """Return whether the pod has finished according to its metadata."""
    return meta is not None and meta.is_terminal


@dataclass(frozen=True, slots=True)
class _Extras:
    """What is known of a pod besides its rows: unlisted holdings, and how the rows are known."""

    unlisted: tuple[Unlisted, ...]
    mark: Mark


def _view(pod: Pod, meta: PodMeta | None, told: _Extras, context: _Context, remembered: PodView | None) -> PodView:
    """Return the view of a pod with its containers judged; *remembered* if nothing has changed for it."""
    if remembered is not None and remembered.meta == meta and remembered.unlisted == told.unlisted:
        return remembered if remembered.mark is told.mark else replace(remembered, mark=told.mark)
    containers = tuple([_judged(pod.namespace, container, meta, context) for container in pod.containers])
    managed = context.managed
    plugins = managed.plugin_resources if context.knows_plugins else None
    requests = (
        requests_against_held(pod, meta, static_cpus=managed.static_cpus, plugin_resources=plugins) if meta else ()
    )
    return PodView(pod, containers, meta, requests, told.unlisted, told.mark)


def _judged(namespace: str, container: Container, meta: PodMeta | None, context: _Context) -> ContainerView:
    """Return the view of one container."""
    if meta is None and not container.claims:
        alignment = container_alignment(container, context.topology, context.capacity, legacy=context.legacy)
        return ContainerView(container, alignment)
    spec = next((spec for spec in meta.containers if spec.name == container.name), None) if meta else None
    uses, health = claim_uses(container, spec, meta, context.dra.of(namespace)), device_health(container, spec, meta)
    alignment = container_alignment(
        container, context.topology, context.capacity, legacy=context.legacy, claims=context.dra.places(uses)
    )
    return ContainerView(container, alignment, uses, health, meta.chosen_devices if meta else ())


def _devices_by_namespace(pods: Iterable[Pod]) -> dict[tuple[str, str], int]:
    """Return how many devices each namespace holds, by (namespace, resource)."""
    counts: Counter[tuple[str, str]] = Counter()
    for pod in pods:
        for container in pod.containers:
            for resource, count in count_by_resource(container.devices):
                counts[pod.namespace, resource] += count
    return dict(counts)


def _cpus_by_namespace(pods: Iterable[Pod]) -> dict[str, int]:
    """Return how many exclusive CPUs the pods of each namespace hold."""
    counts: Counter[str] = Counter()
    for pod in pods:
        counts[pod.namespace] += len(pod.all_exclusive_cpus())
    return {namespace: count for namespace, count in counts.items() if count}
