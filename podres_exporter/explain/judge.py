"""Explain why a pod has the CPUs, memory and devices it has, or why the kubelet does not list it."""

from collections.abc import Iterator
from dataclasses import replace

from podres_exporter.admission import SMT_ALIGNMENT, TOPOLOGY_AFFINITY
from podres_exporter.cpuset import CpuSet
from podres_exporter.explain.account import Account, ContainerAccount, State
from podres_exporter.explain.claims import claim_faults
from podres_exporter.explain.find import find_container, find_pod
from podres_exporter.explain.holdings import holdings
from podres_exporter.explain.neighbours import neighbours
from podres_exporter.explain.state import state_of
from podres_exporter.fit import Answer, Fits, Policy, ask_of, fit
from podres_exporter.model import (
    Allocation,
    ContainerView,
    CpusetDrift,
    DoubleHeld,
    PodKey,
    PodMeta,
    PodView,
    Snapshot,
    Topology,
    Verdict,
)
from podres_exporter.printable import printable
from podres_exporter.text.availability import capital, origin_name

_JUDGED = frozenset(
    {TOPOLOGY_AFFINITY.reason, SMT_ALIGNMENT, "UnexpectedAdmissionError", "OutOfcpu", "OutOfmemory", "OutOfpods"}
)
"""Rejection reasons that `fit` can judge; any other stays whatever is free."""


def explain(snapshot: Snapshot, namespace: str | None, pod_name: str, container: str | None = None) -> Account:
    """
    Explain a pod's placement, or why the kubelet does not list it.

    Without *namespace* the pod may be in any; *container* restricts the account to one of its containers. Unknown facts
    are left out and named in the notes.

    Raises NotFoundError if no pod or container, or more than one pod, has that name.
    """
    key = find_pod(snapshot, namespace, pod_name)
    allocation = snapshot.allocation
    view = next((view for view in allocation.pods if view.pod.key == key), None) if allocation else None
    meta = _meta(snapshot, key, view)
    state = state_of(snapshot, view, meta)
    containers = _containers(allocation, view, meta)
    if container is not None:
        find_container([each.name for each in containers], container, key)
        containers = tuple(each for each in containers if each.name == container)
    return Account(
        snapshot.node,
        *key,
        state,
        meta,
        containers,
        allocation.topology.nodes if allocation and allocation.topology else frozenset(),
        _fit(snapshot, view, meta, state),
        tuple(_notes(snapshot, meta, state)),
    )


def _meta(snapshot: Snapshot, key: PodKey, view: PodView | None) -> PodMeta | None:
    if view is not None and view.meta is not None:
        return view.meta
    return snapshot.metadata.pods.get(key) if snapshot.metadata else None


def _containers(
    allocation: Allocation | None, view: PodView | None, meta: PodMeta | None
) -> tuple[ContainerAccount, ...]:
    """Return the containers in the order of the pod's spec, else of the kubelet, including unlisted ones."""
    specs = {spec.name: spec for spec in meta.containers} if meta else {}
    views = {each.container.name: each for each in view.containers} if view else {}
    requests = view.requests if view else ()
    found = []
    for name in dict.fromkeys([*specs, *views]):
        missing = tuple(each for each in requests if each.container == name and each.missing)
        unlisted = tuple(row for row in view.unlisted if row.container == name) if view else ()
        each = views.get(name)
        if allocation is None or view is None or each is None:
            account = ContainerAccount(name, specs.get(name), is_listed=False, missing=missing, unlisted=unlisted)
        else:
            account = _listed(allocation, view, each, ContainerAccount(name, specs.get(name), missing=missing))
            account = replace(account, unlisted=unlisted)
        found.append(account)
    return tuple(found)


def _listed(allocation: Allocation, pod: PodView, view: ContainerView, account: ContainerAccount) -> ContainerAccount:
    """Return the account of a listed container."""
    own = view.container.exclusive_cpus
    manages = bool(allocation.cpus.allocatable or allocation.cpus.exclusive)
    return replace(
        account,
        alignment=view.alignment,
        holdings=holdings(view, allocation.topology, allocation.dra.devices() if allocation.dra else {}),
        claim_faults=claim_faults(view, allocation),
        pool=frozenset() if own else (allocation.cpus.shared_pool if manages else None),
        runs_in_pool=not own,
        reserved=_reserved(allocation),
        health=view.health,
        unallocatable=_unallocatable(allocation, view),
        neighbours=neighbours(allocation, pod, view),
        doubles=_doubles(allocation, pod, view.container.name),
        chosen_by=pod.meta.chosen_by if pod.meta and view.container.devices else "",
        chosen_devices=view.chosen_devices,
        caches=_caches(allocation.topology, own),
        drift=_drift(allocation, (pod.pod.key, view.container.name)),
    )


def _reserved(allocation: Allocation) -> CpuSet:
    """Return the CPUs reserved for the system: online, but never granted exclusively; empty if unknown."""
    topology, allocatable = allocation.topology, allocation.cpus.allocatable
    return topology.online - allocatable if topology is not None and allocatable else frozenset()


def _caches(topology: Topology | None, cpus: CpuSet) -> tuple[tuple[int, tuple[CpuSet, ...]], ...]:
    """Return the NUMA nodes on which the CPUs span several last-level caches, with the CPUs of each cache."""
    found = []
    for node, held in topology.split(cpus) if topology else ():
        parts: dict[int, set[int]] = {}
        for cpu in held:
            core = topology.core_by_cpu.get(cpu) if topology else None
            parts.setdefault(core.cache if core else -1, set()).add(cpu)
        if node is not None and len(parts) > 1 and -1 not in parts:
            found.append((node, tuple(frozenset(parts[cache]) for cache in sorted(parts))))
    return tuple(found)


def _unallocatable(allocation: Allocation, view: ContainerView) -> tuple[str, ...]:
    """Return the held devices that the kubelet no longer reports as allocatable."""
    gone = {(stock.resource, device_id) for stock in allocation.devices for device_id in stock.unallocatable_held or ()}
    return tuple(each.device_id for each in view.container.devices if (each.resource, each.device_id) in gone)


def _doubles(allocation: Allocation, pod: PodView, container: str) -> tuple[DoubleHeld, ...]:
    """Return what the container, or its pod as a whole, holds together with another pod."""
    return tuple(
        each
        for each in allocation.doubles or ()
        if any(holder.pod_key == pod.pod.key and holder.container in {container, ""} for holder in each.holders)
    )


def _drift(allocation: Allocation, container: tuple[PodKey, str]) -> CpusetDrift | None:
    """Return how the container's cgroup differs from its exclusive CPUs."""
    compared = allocation.drift.containers if allocation.drift else ()
    return next((each for each in compared if each.differs and each.container.key == container), None)


def _fit(snapshot: Snapshot, view: PodView | None, meta: PodMeta | None, state: State) -> Answer | None:
    """Return whether the node would admit the pod now, if it is not listed or is misaligned."""
    if meta is None or not meta.containers or state in {State.FINISHED, State.UNTOLD}:
        return None
    if view is None:
        answer = fit(snapshot, ask_of(meta), without=None if state is State.REJECTED else meta.key)
        return _under_refusal(answer, meta) if state is State.REJECTED else answer
    sits_badly = any(each.alignment.verdict is Verdict.MISALIGNED for each in view.containers)
    return fit(snapshot, ask_of(meta), without=view.pod.key) if sits_badly else None


def _under_refusal(answer: Answer, meta: PodMeta) -> Answer:
    """
    Return the answer, restricted by the kubelet's own rejection of the pod.

    Policies under which the kubelet would not have given this rejection are left out; if the rejection is about
    something that is not judged, the answer is never yes.
    """
    outcomes = answer.outcomes
    if meta.reason == TOPOLOGY_AFFINITY.reason:
        outcomes = tuple(each for each in outcomes if each.policy not in {Policy.NONE, Policy.BEST_EFFORT})
    if meta.reason not in _JUDGED:
        outcomes = tuple(
            replace(each, fits=Fits.UNKNOWN, places=()) if each.fits is Fits.YES else each for each in outcomes
        )
    return replace(answer, outcomes=outcomes)


def _notes(snapshot: Snapshot, meta: PodMeta | None, state: State) -> Iterator[str]:
    """Yield the limits of the explanation."""
    metadata = snapshot.metadata
    if any(part.held for part in snapshot.parts):
        yield "The kubelet has just restarted: this is what the node held before."
    elif any(part.stale for part in snapshot.parts):
        yield "The kubelet did not answer last time: this is what the node held before."
    if metadata is None:
        yield "Metadata is off: the pod's requests, its owner and the health of its devices are unknown."
    elif meta is None:
        reason = "does not know this pod" if metadata.synced else "has not reported the node's pods yet"
        yield f"{capital(origin_name(metadata))} {reason}: its requests and its owner are unknown."
    elif not metadata.synced:
        yield f"{capital(origin_name(metadata))} is not followed at the moment: the pod's metadata may be outdated."
    if snapshot.allocation is not None and snapshot.allocation.topology is None:
        yield "The NUMA nodes of the CPUs are not known: /sys could not be read."
    if meta is not None and meta.resize:
        yield f"A resize is pending ({printable(meta.resize)}): the requests shown are those that the kubelet admitted."
    if meta is not None and meta.has_pod_resources and state is State.LISTED:
        yield "The pod has pod-level resources: its containers may share CPUs and memory."
