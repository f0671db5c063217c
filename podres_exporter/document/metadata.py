"""Pod metadata in the document: identity, owner, and what the containers request."""

from typing import Annotated, ClassVar

from podres_exporter.document.faults import distinct
from podres_exporter.document.values import Count, Moment, Record, doc
from podres_exporter.model import ContainerKind, ContainerSpec, PodKey, PodMeta, ResourceHealth
from podres_exporter.moment import read_moment, write_moment


class ObjectRecord(Record, kw_only=True):
    """A reference to a Kubernetes object."""

    kind: Annotated[str, doc("The object's kind, such as Deployment.")] = ""
    name: Annotated[str, doc("The object's name.")] = ""


class ExtendedRequestRecord(Record, kw_only=True):
    """A container's request that is served by the claim for extended resources."""

    container: Annotated[str, doc("The container's name.")]
    resource: Annotated[str, doc("The requested extended resource.")]


class ExtendedResourceClaimRecord(Record, kw_only=True):
    """The claim that serves extended resources by DRA."""

    name: Annotated[str, doc("The name of the ResourceClaim.")] = ""
    requests: Annotated[list[ExtendedRequestRecord], doc("The requests of containers that it serves.")] = []


class PodRequestsRecord(Record, kw_only=True):
    """The requests of the whole pod."""

    cpu_millicores: Annotated[
        Count, doc("Thousandths of a CPU, with the sandbox's overhead. Absent if there are none.")
    ] = 0
    memory_bytes: Annotated[Count, doc("Bytes of memory, with the sandbox's overhead. Absent if there are none.")] = 0


class ChosenDevicesRecord(Record, kw_only=True):
    """The devices that a scheduler has chosen for a pod."""

    annotation: Annotated[str, doc("The annotation that names them, such as hami.io/vgpu-devices-allocated.")]
    devices: Annotated[list[str], doc("The devices as the annotation names them.")]


class ClaimReferenceRecord(Record, kw_only=True):
    """A container's reference to a claim of its pod."""

    name: Annotated[str, doc("The pod's own name for the claim.")]
    request: Annotated[str, doc("The request of the claim that the container uses. Absent if it uses all of them.")] = (
        ""
    )


class ResourceHealthRecord(Record, kw_only=True):
    """The health of a device, in the terms of the pod's status."""

    name: Annotated[
        str, doc("An extended resource, or claim:NAME or claim:NAME/REQUEST with the pod's own name for the claim.")
    ]
    resource_id: Annotated[str, doc("A device id; for claims a CDI name or driver/pool/device.")]
    health: Annotated[str, doc("Healthy, Unhealthy or Unknown.")]
    message: Annotated[str, doc("The message of the plugin or driver.")] = ""


class ContainerSpecRecord(Record, kw_only=True):
    """The requests of a container."""

    name: Annotated[str, doc("The container's name.")]
    kind: Annotated[
        ContainerKind,
        doc("app: of spec.containers. init: ends before they start. sidecar: an init container that keeps running."),
    ]
    devices: Annotated[
        dict[str, Count],
        doc("The requested devices by extended resource. Absent if there are none."),
    ] = {}
    cpu_millicores: Annotated[Count, doc("The requested CPU in millicores. Absent if there is none.")] = 0
    memory_bytes: Annotated[
        dict[str, Count],
        doc("The requested bytes by memory type (memory, hugepages-2Mi). Absent if there are none."),
    ] = {}
    claims: Annotated[list[ClaimReferenceRecord], doc("The claims it refers to. Absent if there are none.")] = []
    device_health: Annotated[
        list[ResourceHealthRecord],
        doc(
            "The health of its devices according to the pod's status, as the kubelet spells it. Absent if not reported."
        ),
    ] = []

    key: ClassVar[tuple[str, ...]] = ("name",)


class PodMetadataRecord(Record, kw_only=True):
    """Pod metadata from the API server."""

    uid: Annotated[str, doc("The pod's UID.")]
    phase: Annotated[str, doc("Pending, Running, Succeeded or Failed.")] = ""
    reason: Annotated[
        str,
        doc(
            "Why the pod is in its phase, such as TopologyAffinityError or UnexpectedAdmissionError for a rejected one."
        ),
    ] = ""
    message: Annotated[str, doc("The reason in the kubelet's words, at most 1024 characters.")] = ""
    qos_class: Annotated[str, doc("Guaranteed, Burstable or BestEffort.")] = ""
    priority_class: Annotated[str, doc("The name of the pod's priority class.")] = ""
    owner: Annotated[ObjectRecord | None, doc("The object that controls the pod. Absent if there is none.")] = None
    workload: Annotated[
        ObjectRecord | None,
        doc(
            "The top-level owner: the Deployment of a ReplicaSet, the CronJob of a Job, else the owner. Derived from "
            "names."
        ),
    ] = None
    labels: Annotated[
        dict[str, str],
        doc("The allowed labels (--metadata.pod-labels-allowlist), such as app.kubernetes.io/name."),
    ] = {}
    terminal: Annotated[bool, doc("Whether the pod has finished and none of its containers runs.")]
    deleting: Annotated[bool, doc("Whether the pod is being deleted.")]
    started: Annotated[bool, doc("Whether a kubelet has admitted or rejected it.")]
    started_at: Annotated[Moment | None, doc("When the kubelet accepted it. Absent if that is not known.")] = None
    mirror: Annotated[bool, doc("Whether it is the API server's copy of a static pod. Absent if it is not.")] = False
    pod_level_resources: Annotated[bool, doc("Whether the pod has pod-level resources.")]
    claims: Annotated[dict[str, str], doc("The names of its ResourceClaims, by the pod's own name for each.")] = {}
    extended_resource_claim: Annotated[
        ExtendedResourceClaimRecord | None,
        doc(
            "The claim that the scheduler created for extended resources served by a DRA driver. Absent if there is "
            "none."
        ),
    ] = None
    requests: Annotated[
        PodRequestsRecord | None,
        doc("The whole pod's requests as the kubelet counts them when it admits others. Absent if there are none."),
    ] = None
    pending_resize: Annotated[
        str,
        doc(
            "Why an in-place resize is pending: Deferred or Infeasible, with the kubelet's message. Absent if none is."
        ),
    ] = ""
    chosen_devices: Annotated[
        ChosenDevicesRecord | None,
        doc(
            "The devices that a scheduler chose for the pod, overriding the ids that the kubelet lists. Absent if "
            "there are none."
        ),
    ] = None
    containers: Annotated[
        list[ContainerSpecRecord],
        doc("The requests of the containers as admitted by the kubelet, init containers first."),
    ]


def write_meta(meta: PodMeta) -> PodMetadataRecord:
    """Return the pod's metadata without namespace and name, which are on the pod itself."""
    return PodMetadataRecord(
        uid=meta.uid,
        phase=meta.phase,
        reason=meta.reason,
        message=meta.message,
        qos_class=meta.qos_class,
        priority_class=meta.priority_class,
        owner=_write_object(meta.owner_kind, meta.owner_name),
        workload=_write_object(meta.workload_kind, meta.workload_name),
        labels=dict(meta.labels),
        terminal=meta.is_terminal,
        deleting=meta.is_deleting,
        started=meta.has_started,
        started_at=None if meta.started_seconds is None else write_moment(meta.started_seconds),
        mirror=meta.is_mirror,
        pod_level_resources=meta.has_pod_resources,
        claims=dict(meta.claims),
        extended_resource_claim=_write_extended(meta),
        requests=PodRequestsRecord(cpu_millicores=meta.cpu_millicores, memory_bytes=meta.memory_bytes)
        if meta.cpu_millicores or meta.memory_bytes
        else None,
        pending_resize=meta.resize,
        chosen_devices=ChosenDevicesRecord(annotation=meta.chosen_by, devices=list(meta.chosen_devices))
        if meta.chosen_by
        else None,
        containers=[_write_spec(spec) for spec in meta.containers],
    )


def read_meta(record: PodMetadataRecord, key: PodKey) -> PodMeta:
    """Return the metadata of the pod with that namespace and name."""
    owner, workload = record.owner or ObjectRecord(), record.workload or ObjectRecord()
    extended, requests = record.extended_resource_claim or ExtendedResourceClaimRecord(), record.requests
    return PodMeta(
        *key,
        uid=record.uid,
        phase=record.phase,
        reason=record.reason,
        message=record.message,
        qos_class=record.qos_class,
        priority_class=record.priority_class,
        owner_kind=owner.kind,
        owner_name=owner.name,
        workload_kind=workload.kind,
        workload_name=workload.name,
        labels=tuple(sorted(record.labels.items())),
        is_terminal=record.terminal,
        is_deleting=record.deleting,
        has_started=record.started,
        is_mirror=record.mirror,
        has_pod_resources=record.pod_level_resources,
        claims=tuple(sorted(record.claims.items())),
        extended_claim=extended.name,
        extended_requests=tuple((row.container, row.resource) for row in extended.requests),
        cpu_millicores=requests.cpu_millicores if requests else 0,
        memory_bytes=requests.memory_bytes if requests else 0,
        resize=record.pending_resize,
        chosen_by=record.chosen_devices.annotation if record.chosen_devices else "",
        chosen_devices=tuple(record.chosen_devices.devices) if record.chosen_devices else (),
        containers=tuple(map(_read_spec, distinct(record.containers))),
        started_seconds=None if record.started_at is None else read_moment(record.started_at),
    )


def _write_object(kind: str, name: str) -> ObjectRecord | None:
    """Return a reference to an object; None without one."""
    return ObjectRecord(kind=kind, name=name) if kind or name else None


def _write_extended(meta: PodMeta) -> ExtendedResourceClaimRecord | None:
    if not (meta.extended_claim or meta.extended_requests):
        return None
    requests = [
        ExtendedRequestRecord(container=container, resource=resource) for container, resource in meta.extended_requests
    ]
    return ExtendedResourceClaimRecord(name=meta.extended_claim, requests=requests)


def _write_spec(spec: ContainerSpec) -> ContainerSpecRecord:
    return ContainerSpecRecord(
        name=spec.name,
        kind=spec.kind,
        devices=dict(spec.devices),
        cpu_millicores=spec.cpu_millicores,
        memory_bytes=dict(spec.memory),
        claims=[ClaimReferenceRecord(name=name, request=request) for name, request in spec.claims],
        device_health=[
            ResourceHealthRecord(name=row.name, resource_id=row.resource_id, health=row.health, message=row.message)
            for row in spec.health
        ],
    )


def _read_spec(record: ContainerSpecRecord) -> ContainerSpec:
    return ContainerSpec(
        name=record.name,
        kind=record.kind,
        devices=tuple(sorted(record.devices.items())),
        cpu_millicores=record.cpu_millicores,
        memory=tuple(sorted(record.memory_bytes.items())),
        claims=tuple((row.name, row.request) for row in record.claims),
        health=tuple(
            ResourceHealth(row.name, row.resource_id, row.health, row.message) for row in record.device_health
        ),
    )


def name_labels_as_pods_do(record: PodMetadataRecord) -> None:
    """
    Take `label_` off the names of labels: exporters of 0.1 wrote metric names, and of others nothing is known.

    The rest makes the same metric name again.
    """
    record.labels = {name.removeprefix("label_"): value for name, value in record.labels.items()}
