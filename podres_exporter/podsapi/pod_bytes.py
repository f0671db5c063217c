"""
Decode the protobuf bytes of a core/v1 Pod.

The used fields are decoded into the same records as the API server's JSON, so that both share one decoder. Source:
k8s.io/api/core/v1/generated.proto; KEP-4188 sends what v1.Pod's Marshal writes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError

from podres_exporter._proto import core_v1_pod_pb2 as pb
from podres_exporter.model import PodKey
from podres_exporter.moment import write_moment
from podres_exporter.podmeta import DecodedPod, PodDecoder, PodError, records
from podres_exporter.wire.salvage import salvage

SOURCE = "kubernetes.io/config.source"
"""The annotation in which a kubelet notes where a pod comes from: `api`, `file` or `http`."""


@dataclass(frozen=True, slots=True)
class ReceivedPod:
    """
    A pod as sent by the kubelet. *generation* is that of the spec that its status refers to, 0 if not stated.

    Source: KEP-5067 (`status.observedGeneration`, from 1.33 on).
    """

    decoded: DecodedPod
    generation: int


@dataclass(frozen=True, slots=True)
class Instance:
    """A pod's identity; each part is empty if unreadable."""

    key: PodKey
    uid: str


def decode_pod(data: bytes, decoder: PodDecoder) -> ReceivedPod:
    """Return the metadata of a pod. Raises PodError if the bytes are not a pod, or one without namespace and name."""
    try:
        pod = pb.Pod.FromString(data)
    except DecodeError as error:
        raise PodError("", _problem(data)) from error
    metadata = _metadata(pod.metadata)
    if metadata.annotations is not None and metadata.annotations.mirror is not None:
        # As its mirror pod states it: the node owns it.
        metadata.owner_references = [records.OwnerReference("Node", pod.spec.nodeName, "v1", controller=True)]
    found = decoder.of(records.Pod(metadata, _spec(pod.spec), _status(pod.status)))
    return ReceivedPod(_with_unnamed_claims(found, pod), pod.status.observedGeneration)


def _with_unnamed_claims(found: DecodedPod, pod: pb.Pod) -> DecodedPod:
    """
    Return the pod with the template-made claims that its status does not name; up to 1.36 it names none.

    Source: kubelet convertStatusToAPIStatus, which carries over neither resourceClaimStatuses nor
    extendedResourceClaimStatus.
    """
    told = {each.name for each in pod.status.resourceClaimStatuses}
    unnamed = tuple(
        sorted(each.name for each in pod.spec.resourceClaims if not each.resourceClaimName and each.name not in told)
    )
    has_status = bool(told) or pod.status.HasField("extendedResourceClaimStatus")
    meta = replace(found.meta, unnamed_claims=unnamed, has_no_claim_status=not has_status)
    return DecodedPod(meta, found.resource_version, found.problems)


def decode_instance(data: bytes) -> Instance:
    """Return the pod's identity, as far as it can be read from damaged bytes."""
    pod = pb.Pod()
    try:
        pod.MergeFromString(data)
    except DecodeError:
        pod = pb.Pod()
        try:
            salvage(data, pod)
        except DecodeError:
            return Instance(("", ""), "")
    return Instance((pod.metadata.namespace, pod.metadata.name), pod.metadata.uid)


def _problem(data: bytes) -> str:
    """Return what is wrong with the bytes, and where the first fault is."""
    try:
        faults = salvage(data, pb.Pod())
    except DecodeError:
        faults = []
    first = f": {faults[0].path} {faults[0].problem}" if faults else ""
    return f"its {len(data)} bytes are not a core/v1 Pod{first}"


def _metadata(meta: pb.ObjectMeta) -> records.ObjectMeta:
    """Return the metadata; a static pod without a mirror pod in the kubelet is marked as if by one."""
    annotations = meta.annotations
    is_static = annotations.get(SOURCE, "api") != "api"
    return records.ObjectMeta(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resourceVersion,
        labels=dict(meta.labels),
        annotations=records.Annotations(
            hami=annotations.get("hami.io/vgpu-devices-allocated", ""),
            volcano=annotations.get("volcano.sh/vgpu-ids-new", ""),
            gpushare=annotations.get("ALIYUN_COM_GPU_MEM_IDX", ""),
            mirror=meta.uid if is_static else None,
        ),
        owner_references=[
            records.OwnerReference(each.kind, each.name, each.apiVersion, each.controller)
            for each in meta.ownerReferences
        ],
        deletion_timestamp=str(meta.deletionTimestamp.seconds) if meta.HasField("deletionTimestamp") else None,
    )


def _spec(spec: pb.PodSpec) -> records.PodSpec:
    return records.PodSpec(
        node_name=spec.nodeName,
        priority_class_name=spec.priorityClassName,
        overhead=_amounts(spec.overhead),
        init_containers=_containers(spec.initContainers),
        containers=_containers(spec.containers),
        resources=_resources(spec.resources) if spec.HasField("resources") else None,
        resource_claims=[records.PodClaim(each.name, each.resourceClaimName or None) for each in spec.resourceClaims],
    )


def _containers(containers: Iterable[pb.Container]) -> list[records.Container]:
    return [records.Container(each.name, each.restartPolicy or None, _resources(each.resources)) for each in containers]


def _resources(resources: pb.ResourceRequirements) -> records.Resources:
    return records.Resources(
        requests=_amounts(resources.requests),
        limits=_amounts(resources.limits),
        claims=[records.ClaimReference(each.name, each.request) for each in resources.claims],
    )


def _amounts(amounts: Mapping[str, pb.Quantity]) -> dict[str, str]:
    return {name: amount.string for name, amount in amounts.items()}


def _moment(seconds: int) -> str:
    """Return the time in the API server's format; an invalid number is passed on, and is rejected later."""
    try:
        return write_moment(seconds)
    except OverflowError:
        return str(seconds)


def _status(status: pb.PodStatus) -> records.PodStatus:
    extended = status.extendedResourceClaimStatus
    return records.PodStatus(
        phase=status.phase,
        reason=status.reason,
        message=status.message,
        qos_class=status.qosClass,
        start_time=_moment(status.startTime.seconds) if status.HasField("startTime") else None,
        resize=status.resize,
        conditions=[records.Condition(each.type, each.status, each.reason, each.message) for each in status.conditions],
        init_container_statuses=[_container_status(each) for each in status.initContainerStatuses],
        container_statuses=[_container_status(each) for each in status.containerStatuses],
        resource_claim_statuses=[
            records.ClaimStatus(each.name, each.resourceClaimName or None) for each in status.resourceClaimStatuses
        ],
        extended_resource_claim_status=records.ExtendedClaim(
            extended.resourceClaimName,
            [
                records.RequestMapping(each.containerName, each.resourceName, each.requestName)
                for each in extended.requestMappings
            ],
        ),
    )


def _container_status(status: pb.ContainerStatus) -> records.ContainerStatus:
    return records.ContainerStatus(
        name=status.name,
        state=records.ContainerState(records.Running() if status.state.HasField("running") else None),
        container_id=status.containerID,
        allocated_resources=_amounts(status.allocatedResources),
        resources=_resources(status.resources) if status.HasField("resources") else None,
        allocated_resources_status=[
            records.ResourceStatus(
                each.name, [records.Health(row.resourceID, row.health, row.message or None) for row in each.resources]
            )
            for each in status.allocatedResourcesStatus
        ],
    )
