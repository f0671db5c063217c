"""The limits of an answer: what is unknown, and what the answer depends on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.admission import PodRequest, Qos, Scope
from podres_exporter.fit.ask import Ask
from podres_exporter.fit.options import KubeletOptions
from podres_exporter.join.hardware import twins
from podres_exporter.model import Allocation, Snapshot, UnlistedReason, Verdict
from podres_exporter.text.amounts import resource_amount, thing
from podres_exporter.text.words import joined

MOST_NODES = 8
"""
The number of NUMA nodes that a Topology Manager accepts without max-allowable-numa-nodes, and the maximum for one
resource here; hints double with every node.
"""

UNLISTED = {
    UnlistedReason.INIT_CONTAINER: "left over from an init container",
    UnlistedReason.NOT_LISTED: "kubelets up to 1.29 list no sidecars",
    UnlistedReason.UNREADABLE: "an item of its answer could not be read",
    UnlistedReason.CLAIM: "a DRA driver chose them for its claim",
}


class Caveat(StrEnum):
    """What limits an answer; the values are stable and part of the JSON."""

    NO_ALLOCATION = "no_allocation"
    STALE = "stale"
    HELD_BACK = "held_back"
    NO_ALLOCATABLE = "no_allocatable"
    NO_TOPOLOGY = "no_topology"
    TOO_MANY_NODES = "too_many_nodes"
    LEGACY = "legacy"
    CPUS_NOT_STATIC = "cpus_not_static"
    CPUS_SHARED = "cpus_shared"
    MEMORY_NOT_GIVEN = "memory_not_given"
    MEMORY_NOT_MANAGED = "memory_not_managed"
    MEMORY_SPANS = "memory_spans"
    POD_RESOURCES = "pod_resources"
    INIT_CPUS = "init_cpus"
    UNPLACED = "unplaced"
    UNALLOCATABLE = "unallocatable"
    NOT_REPORTED = "not_reported"
    CLAIMS = "claims"
    SCOPE = "scope"
    SCHEDULER = "scheduler"
    WHOLE_CORES = "whole_cores"
    REQUESTS_UNKNOWN = "requests_unknown"
    UNLISTED = "unlisted"
    SICK = "sick"
    CAPACITY = "capacity"
    TWO_NAMES = "two_names"


@dataclass(frozen=True, slots=True)
class Note:
    """One limit of an answer, with a sentence about it."""

    caveat: Caveat
    text: str


def notes(
    snapshot: Snapshot, ask: Ask, pod: PodRequest, scope: Scope, options: KubeletOptions | None = None
) -> tuple[Note, ...]:
    """Return the limits of an answer, the most important first."""
    found = [*_of_snapshot(snapshot)]
    if snapshot.allocation is not None:
        found += [
            *_of_cpus(snapshot, snapshot.allocation, pod),
            *_of_cores(snapshot.allocation, pod, options or KubeletOptions()),
            *_of_memory(snapshot.allocation, pod),
            *_of_devices(snapshot.allocation, ask),
        ]
    if ask.has_pod_resources:
        found.append(Note(Caveat.POD_RESOURCES, "The pod has pod-level resources, which are not judged."))
    elif pod.qos is not Qos.GUARANTEED and any(each.requests.cpu_millicores >= 1000 for each in pod.containers):
        sentence = "The pod is not Guaranteed, so it gets no exclusive CPUs and no memory blocks"
        without_memory = not any(each.requests.memory_bytes for each in pod.containers)
        remedy = "; request memory as well to get them." if without_memory else "."
        found.append(Note(Caveat.MEMORY_NOT_GIVEN, sentence + remedy))
    if len(pod.containers) > 1:
        other = Scope.POD if scope is Scope.CONTAINER else Scope.CONTAINER
        found.append(Note(Caveat.SCOPE, f"Judged for Topology Manager scope {scope}; scope {other} may differ."))
    metadata = snapshot.metadata
    if snapshot.allocation is not None and (metadata is None or not metadata.synced):
        sentence = (
            "Without metadata, requests of pods in the shared pool are unknown and not counted: the kubelet may still "
            "reject the pod with OutOfcpu, OutOfmemory or OutOfpods."
        )
        found.append(Note(Caveat.REQUESTS_UNKNOWN, sentence))
    return (*found, Note(Caveat.SCHEDULER, "Not judged: taints, affinity and other scheduling rules."))


def _of_snapshot(snapshot: Snapshot) -> Iterator[Note]:
    allocation = snapshot.allocation
    if allocation is None:
        yield Note(Caveat.NO_ALLOCATION, "Nothing is known about the node: there is no usable answer of its kubelet.")
        return
    if any(part.held for part in snapshot.parts):
        yield Note(Caveat.HELD_BACK, "The kubelet has just restarted: this is what the node held before.")
    elif any(part.stale for part in snapshot.parts):
        yield Note(Caveat.STALE, "The kubelet did not answer last time: this is what the node held before.")
    if allocation.cpus.allocatable is None:
        yield Note(
            Caveat.NO_ALLOCATABLE,
            "The kubelet does not serve GetAllocatableResources (needs 1.23, or its feature gate): free amounts are "
            "unknown.",
        )
    if allocation.topology is None:
        yield Note(Caveat.NO_TOPOLOGY, "The NUMA nodes of the CPUs are not known: /sys could not be read.")
    elif len(allocation.topology.nodes) > MOST_NODES:
        yield Note(
            Caveat.TOO_MANY_NODES,
            f"The machine has {len(allocation.topology.nodes)} NUMA nodes: its kubelet supports policies other than "
            "none only with max-allowable-numa-nodes. Counts are judged, and hints if a resource is on at most "
            f"{MOST_NODES} of the nodes.",
        )
    if any(each.alignment.verdict is Verdict.UNSUPPORTED for view in allocation.pods for each in view.containers):
        yield Note(Caveat.LEGACY, "Kubelets before 1.23 report devices without a NUMA node as if on node 0.")


def _of_cpus(snapshot: Snapshot, allocation: Allocation, pod: PodRequest) -> Iterator[Note]:
    asks = any(pod.exclusive_cpus(each) for each in pod.containers)
    if asks and allocation.cpus.by_kubelet == frozenset():
        yield Note(
            Caveat.CPUS_NOT_STATIC,
            "The CPU manager's policy is not static: there are no exclusive CPUs here, so CPUs are no constraint.",
        )
    elif asks and _may_hide_cpus(snapshot):
        yield Note(
            Caveat.INIT_CPUS,
            "CPUs that only a finished init container held remain allocated until its pod ends. The kubelet does not "
            "list them, so they count as free.",
        )
    if pod.qos is Qos.GUARANTEED and any(each.requests.cpu_millicores % 1000 for each in pod.containers):
        yield Note(Caveat.CPUS_SHARED, "A fraction of a CPU comes from the shared pool, which has no NUMA node.")


def _of_cores(allocation: Allocation, pod: PodRequest, options: KubeletOptions) -> Iterator[Note]:
    topology = allocation.topology
    threads = topology.threads_per_core if topology is not None else 1
    odd = [each for each in pod.containers if pod.exclusive_cpus(each) % threads]
    if odd and allocation.cpus.by_kubelet and options.full_pcpus_only is None:
        yield Note(
            Caveat.WHOLE_CORES,
            f"A core has {threads} threads here. With the CPU manager option full-pcpus-only, which the kubelet does "
            f"not report, it allocates whole cores only and rejects anything but multiples of {threads} "
            "(SMTAlignmentError): use --full-pcpus-only in that case.",
        )


def _may_hide_cpus(snapshot: Snapshot) -> bool:
    """Return whether some pod's init container may still hold CPUs that are not counted, for lack of metadata."""
    metadata = snapshot.metadata
    return (
        (metadata is None or not metadata.synced)
        and snapshot.allocation is not None
        and bool(snapshot.allocation.cpus.exclusive)
    )


def _of_memory(allocation: Allocation, pod: PodRequest) -> Iterator[Note]:
    if pod.qos is not Qos.GUARANTEED:
        return
    if allocation.cpus.allocatable is not None and not any(row.reported_bytes for row in allocation.memory):
        yield Note(
            Caveat.MEMORY_NOT_MANAGED,
            "No allocatable memory is reported: the memory manager's policy is None, so memory has no NUMA node.",
        )
    elif any(len(row.numa_nodes) > 1 for row in allocation.memory):
        yield Note(
            Caveat.MEMORY_SPANS,
            "Some memory blocks span NUMA nodes. Their split is not reported, so the free amount there is an estimate.",
        )


def _of_devices(allocation: Allocation, ask: Ask) -> Iterator[Note]:
    wanted = sorted({resource for spec in ask.containers for resource, _ in spec.devices})
    rows = {name: [row for row in allocation.devices if row.resource == name] for name in wanted}
    for name in wanted:
        if "/" not in name:
            continue
        if not any(row.reported for row in rows[name]):
            if allocation.cpus.allocatable is not None:
                yield Note(
                    Caveat.NOT_REPORTED,
                    f"The kubelet reports no {name}: there is no such plugin, it is gone, all its devices are "
                    "unhealthy, they state an empty topology, or a DRA driver serves it.",
                )
        elif all(not row.numa_nodes for row in rows[name]):
            yield Note(
                Caveat.UNPLACED, f"No {name} states a NUMA node, so any can be used, wherever the rest is placed."
            )
        broken = sum(len(row.unallocatable_held or ()) for row in rows[name])
        if broken:
            yield Note(
                Caveat.UNALLOCATABLE,
                f"{broken} {name} held but no longer allocatable (unhealthy, or the plugin is gone): not free even if "
                "the holder ends.",
            )
    for each in twins(allocation):
        if each.resource in wanted:
            yield Note(
                Caveat.TWO_NAMES,
                f"{each.resource} {each.device_id} counts as free, but {each.namespace}/{each.pod} holds it as "
                f"{each.held_as} {each.held_id}: the kubelet would allocate it a second time.",
            )
    yield from _of_claims(ask, wanted)


def _of_claims(ask: Ask, wanted: Iterable[str]) -> Iterator[Note]:
    """Yield what is not judged about DRA."""
    if any(spec.claims for spec in ask.containers):
        yield Note(
            Caveat.CLAIMS,
            "The pod's DRA claims are not judged: their selectors and tolerations are in the API server. Request "
            "devices of a driver instead: --device gpu.example.com=2.",
        )
    drivers = [name for name in wanted if "/" not in name]
    if drivers:
        yield Note(
            Caveat.CLAIMS,
            f"{joined(drivers)}: counted from ResourceSlices and the claims of pods here; selection by attributes, "
            "and claims that no pod uses yet, are not considered.",
        )


def unlisted_note(allocation: Allocation, asked: Iterable[str]) -> Iterator[Note]:
    """Yield which pods hold requested resources without being listed with them."""
    wanted = set(asked)
    for view in allocation.pods:
        for row in view.unlisted:
            if row.resource in wanted:
                amount = resource_amount(row.resource, row.amount)
                yield Note(
                    Caveat.UNLISTED,
                    f"{view.pod.namespace}/{view.pod.name} {row.container} holds {amount} {thing(row.resource)} that "
                    f"the kubelet does not list ({UNLISTED[row.reason]}): so much of what counts as free is not.",
                )


def incomplete_note(snapshot: Snapshot, resources: Iterable[str]) -> Iterator[Note]:
    """Yield which held amounts are unknown."""
    names = sorted(map(thing, resources))
    if names:
        pods = snapshot.allocation.unlisted_pods if snapshot.allocation else ()
        who = f" ({', '.join('/'.join(key) for key in pods[:3])} may)" if pods else ""
        yield Note(
            Caveat.UNLISTED,
            f"More of {', '.join(names)} may be held than the kubelet reports{who}: the free amount is unknown.",
        )


SICK = Note(
    Caveat.SICK,
    "An unhealthy device that is not held is in no answer of the kubelet, but counts in its hints: under restricted "
    "the kubelet may therefore reject a request that spans NUMA nodes.",
)
CAPACITY = Note(
    Caveat.CAPACITY,
    "The kubelet does not report the exact allocatable CPU of the node, nor its maximum number of pods: set them with "
    "--allocatable, as `kubectl describe node` shows them.",
)
