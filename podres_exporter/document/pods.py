"""Pods in the document: those that the kubelet lists, and those that only the API server knows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.document.containers import (
    ContainerRecord,
    MemoryBlockRecord,
    read_block,
    read_container,
    write_block,
    write_container,
)
from podres_exporter.document.faults import distinct, shown
from podres_exporter.document.metadata import PodMetadataRecord, read_meta, write_meta
from podres_exporter.document.values import Count, Cpus, Nodes, Record, doc, write_nodes
from podres_exporter.errors import DocumentError
from podres_exporter.model import (
    Explanation,
    Mark,
    Metadata,
    Pod,
    PodKey,
    PodMeta,
    PodView,
    Request,
    Snapshot,
    Unlisted,
    UnlistedReason,
)


class PodLevelRecord(Record, kw_only=True):
    """What the kubelet lists for a pod as a whole."""

    exclusive_cpus: Annotated[Cpus, doc("The exclusive CPUs listed for the pod.")]
    memory: Annotated[list[MemoryBlockRecord], doc("The memory blocks listed for the pod.")]


class RequestRecord(Record, kw_only=True):
    """What a container requested and what the kubelet lists for it."""

    container: Annotated[str, doc("The container's name; init containers are included.")]
    resource: Annotated[str, doc("An extended resource, or cpu for exclusive CPUs.")]
    requested: Annotated[Count, doc("How many it requested.")]
    held: Annotated[Count, doc("How many the kubelet lists for it.")]
    missing: Annotated[Count | None, doc("How many of them are missing.")] = None
    explanation: Annotated[
        Explanation | None,
        doc(
            "Why that may be right: init_container (never listed), claim (a DRA driver serves the resource), "
            "not_listed (kubelets up to 1.29 list no sidecars), no_plugin (no device plugin serves the resource, only "
            "a scheduler counts it); unexplained needs a look. Absent if nothing is missing."
        ),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("container", "resource")


class UnlistedRecord(Record, kw_only=True):
    """What a pod is known to hold although the kubelet does not list it."""

    container: Annotated[str, doc("The container that got it.")]
    resource: Annotated[str, doc("An extended resource, cpu for exclusive CPUs, or a memory type.")]
    amount: Annotated[Count, doc("Devices, CPUs, or bytes. Which items they are is not known.")]
    reason: Annotated[
        UnlistedReason,
        doc(
            "init_container: what a plain init container held stays allocated until the pod ends. not_listed: "
            "kubelets up to 1.29 list no sidecars. unreadable: an item of the kubelet's answer could not be read. "
            "claim: a DRA driver chose CPUs for the container's claim."
        ),
    ]
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes where they are. Absent if that is not known.")] = []


class PodRecord(Record, kw_only=True):
    """A pod that the kubelet lists."""

    namespace: Annotated[str, doc("The pod's namespace.")]
    name: Annotated[str, doc("The pod's name.")]
    mark: Annotated[
        Mark,
        doc(
            "retained: the kubelet listed the pod before its restart and has not since; what it held counts as held. "
            "unconfirmed: the pod has changed, and the kubelet could not be queried about it since. Absent if it is "
            "current."
        ),
    ] = Mark.CURRENT
    metadata: Annotated[
        PodMetadataRecord | None,
        doc("Metadata from the API server. Absent if metadata is off or does not have the pod."),
    ] = None
    containers: Annotated[
        list[ContainerRecord], doc("The containers that the kubelet lists. Plain init containers never are.")
    ]
    pod_level: Annotated[
        PodLevelRecord | None,
        doc(
            "What the kubelet lists for the pod as a whole (from 1.37). It repeats what containers list, so take the "
            "union of the two and never the sum. Absent if it lists nothing."
        ),
    ] = None
    requests: Annotated[
        list[RequestRecord] | None,
        doc(
            "What the pod's containers requested and what is listed, in the order of the pod's spec. Absent without "
            "metadata."
        ),
    ] = None
    held_unlisted: Annotated[
        list[UnlistedRecord],
        doc("What the pod is known to hold although the kubelet does not list it. Absent if there is nothing."),
    ] = []

    key: ClassVar[tuple[str, ...]] = ("namespace", "name")


class OtherPodRecord(Record, kw_only=True):
    """A pod that the API server knows but the kubelet does not list."""

    namespace: Annotated[str, doc("The pod's namespace.")]
    name: Annotated[str, doc("The pod's name.")]
    metadata: Annotated[PodMetadataRecord, doc("Metadata from the API server.")]

    key: ClassVar[tuple[str, ...]] = ("namespace", "name")


def write_pod(view: PodView) -> PodRecord:
    """Return a pod that the kubelet lists; `metadata` and `requests` are absent without metadata."""
    requests = [_write_request(each) for each in view.requests]
    return PodRecord(
        namespace=view.pod.namespace,
        name=view.pod.name,
        mark=view.mark,
        metadata=write_meta(view.meta) if view.meta else None,
        containers=[write_container(each) for each in view.containers],
        pod_level=_write_pod_level(view.pod),
        requests=requests if requests or view.meta else None,
        held_unlisted=[
            UnlistedRecord(
                container=row.container,
                resource=row.resource,
                amount=row.amount,
                reason=row.reason,
                numa_nodes=write_nodes(row.numa_nodes),
            )
            for row in view.unlisted
        ],
    )


def read_pods(records: Sequence[PodRecord]) -> tuple[PodView, ...]:
    """Return the pods that the kubelet lists."""
    return tuple(map(_read_pod, distinct(records)))


def write_metas(metadata: Metadata, *, without: frozenset[PodKey] = frozenset()) -> list[OtherPodRecord]:
    """Return the pods of the metadata source, by namespace and name."""
    return [
        OtherPodRecord(namespace=key[0], name=key[1], metadata=write_meta(meta))
        for key, meta in sorted(metadata.pods.items(), key=lambda row: row[0])
        if key not in without
    ]


def read_metas(records: Sequence[OtherPodRecord]) -> dict[PodKey, PodMeta]:
    """Return the metadata of these pods."""
    return {(row.namespace, row.name): read_meta(row.metadata, (row.namespace, row.name)) for row in distinct(records)}


def write_other_pods(snapshot: Snapshot) -> list[OtherPodRecord] | None:
    """Return the pods that have metadata but are not in `pods`; None if metadata is off."""
    if snapshot.metadata is None:
        return None
    listed = snapshot.allocation.pods if snapshot.allocation else ()
    return write_metas(snapshot.metadata, without=frozenset(view.pod.key for view in listed))


def read_all_metas(others: Sequence[OtherPodRecord], listed: Sequence[PodView]) -> Mapping[PodKey, PodMeta]:
    """Return all pod metadata: of the pods in `otherPods` and of the listed ones."""
    listed_keys = {view.pod.key for view in listed}
    for index, row in enumerate(others):
        if (row.namespace, row.name) in listed_keys:
            problem = f"is {shown(row.name)}, a pod of {shown(row.namespace)} that is in pods too; remove one of them"
            raise DocumentError(f"otherPods[{index}].name", problem)
    return {view.pod.key: view.meta for view in listed if view.meta} | read_metas(others)


def _read_pod(record: PodRecord) -> PodView:
    key, level = (record.namespace, record.name), record.pod_level
    meta = read_meta(record.metadata, key) if record.metadata else None
    chosen = meta.chosen_devices if meta else ()
    views = tuple(read_container(each, chosen) for each in distinct(record.containers))
    pod = Pod(
        *key,
        containers=tuple(view.container for view in views),
        exclusive_cpus=parse_cpuset(level.exclusive_cpus) if level else frozenset(),
        memory=tuple(map(read_block, level.memory)) if level else (),
    )
    unlisted = tuple(
        Unlisted(row.container, row.resource, row.amount, row.reason, frozenset(row.numa_nodes))
        for row in record.held_unlisted
    )
    return PodView(pod, views, meta, tuple(map(_read_request, distinct(record.requests or ()))), unlisted, record.mark)


def _write_pod_level(pod: Pod) -> PodLevelRecord | None:
    """Return the pod-level lists of 1.37; None if both are empty, as on every older kubelet."""
    if not (pod.exclusive_cpus or pod.memory):
        return None
    return PodLevelRecord(
        exclusive_cpus=format_cpuset(pod.exclusive_cpus), memory=[write_block(each) for each in pod.memory]
    )


def _write_request(request: Request) -> RequestRecord:
    """Return the request; without missing items there is no explanation."""
    explained = request.missing or request.explanation is not Explanation.UNEXPLAINED
    return RequestRecord(
        container=request.container,
        resource=request.resource,
        requested=request.requested,
        held=request.held,
        missing=request.missing,
        explanation=request.explanation if explained else None,
    )


def _read_request(record: RequestRecord) -> Request:
    explanation = record.explanation or Explanation.UNEXPLAINED
    return Request(record.container, record.resource, record.requested, record.held, explanation)
