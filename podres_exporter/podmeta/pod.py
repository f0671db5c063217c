"""Decode one pod of the API server to its metadata: requests, status, and devices that a scheduler chose."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

from msgspec import Raw
from msgspec.json import Decoder

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.model import ContainerKind, ContainerSpec, Malformed, PodMeta
from podres_exporter.moment import read_moment
from podres_exporter.podmeta.containers import LONGEST_MESSAGE, amounts_of, container_specs, running_ids, statuses
from podres_exporter.podmeta.faults import UNREADABLE, ForeignPodError, PodError, pod_error
from podres_exporter.podmeta.records import Annotations, ExtendedClaim, Pod, PodClaim, PodSpec, PodStatus, Resources
from podres_exporter.podmeta.workload import controller_of, workload_of

_PENDING, _WAITING = "PodResizePending", ("Deferred", "Infeasible")


def pod_totals(spec: PodSpec, containers: Sequence[ContainerSpec], problems: list[Malformed]) -> tuple[int, int]:
    """
    Return the CPU (millicores) and memory (bytes) that the pod counts for when the kubelet admits other pods.

    Pod-level requests replace the sum of its containers' requests; the sandbox's overhead is added.

    Source: k8s.io/component-helpers/resource PodRequests (KEP-753, KEP-2837, KEP-688).
    """
    stated = dict(amounts_of(spec.resources or Resources(), "spec.resources", problems))
    overhead = dict(amounts_of(Resources(requests=spec.overhead), "spec.overhead", problems))
    cpu = stated.get("cpu") or most_at_a_time(containers, lambda each: each.cpu_millicores)
    memory = stated.get("memory") or most_at_a_time(containers, lambda each: dict(each.memory).get("memory", 0))
    return cpu + overhead.get("cpu", 0), memory + overhead.get("memory", 0)


def most_at_a_time(containers: Sequence[ContainerSpec], amount: Callable[[ContainerSpec], int]) -> int:
    """
    Return the most that the containers need at any time: all that stay, or an init container with earlier sidecars.

    Source: KEP-753.
    """
    staying = peak = 0
    for each in sorted(containers, key=lambda spec: spec.kind is ContainerKind.APP):
        if each.kind is ContainerKind.INIT:
            peak = max(peak, staying + amount(each))
        else:
            staying += amount(each)
    return max(peak, staying)


def pending_resize(status: PodStatus) -> str:
    """
    Return why a resize is pending or infeasible: `Infeasible: MESSAGE`; empty if none is requested or it is in
    progress.

    Source: KEP-1287: condition PodResizePending from 1.33 on, `status.resize` before.
    """
    for condition in status.conditions or ():
        if condition.type == _PENDING and condition.status == "True":
            text = f"{condition.reason}: {condition.message}" if condition.message else condition.reason
            return text[:LONGEST_MESSAGE]
    return status.resize if status.resize in _WAITING else ""


@dataclass(frozen=True, slots=True)
class DecodedPod:
    """A pod at *resource_version*; *problems* are amounts that could not be read, by path."""

    meta: PodMeta
    resource_version: str
    problems: tuple[Malformed, ...] = ()


class PodDecoder:
    """Decodes pods, keeping the allowed labels; stateless, so any thread may use it."""

    def __init__(self, allowlist: LabelAllowlist, node: str = "") -> None:
        """Set the allowed labels, and the node whose pods are accepted (None: any node)."""
        self._allowlist, self._node = allowlist, node
        self._decoder = Decoder(Pod)

    def decode(self, raw: bytes | Raw) -> DecodedPod:
        """
        Return the metadata of one pod.

        Raises PodError if the JSON is not a pod or has no namespace and name, ForeignPodError for a pod of another
        node.
        """
        try:
            pod = self._decoder.decode(raw)
        except UNREADABLE as error:
            raise pod_error(error) from error
        return self.of(pod)

    def of(self, pod: Pod) -> DecodedPod:
        """
        Return the metadata of a pod that has been parsed already.

        Raises PodError and ForeignPodError, as `decode`.
        """
        for key, text in (("namespace", pod.metadata.namespace), ("name", pod.metadata.name)):
            if not text:
                raise PodError(f"metadata.{key}", "is missing")
        if self._node and (pod.spec or PodSpec()).node_name != self._node:
            raise ForeignPodError("spec.nodeName", "belongs to another node", pod.metadata.resource_version)
        problems: list[Malformed] = []
        meta = self._meta(pod, problems)
        return DecodedPod(meta, pod.metadata.resource_version, tuple(problems))

    def _meta(self, pod: Pod, problems: list[Malformed]) -> PodMeta:
        """Return the record of a pod; texts that many pods share are interned."""
        metadata, spec, status = pod.metadata, pod.spec or PodSpec(), pod.status or PodStatus()
        labels = metadata.labels or {}
        owner = controller_of(metadata.owner_references or ())
        workload_kind, workload_name = workload_of(owner, labels)
        extended = status.extended_resource_claim_status or ExtendedClaim()
        containers = container_specs(spec, status, problems)
        cpu_millicores, memory_bytes = pod_totals(spec, containers, problems)
        chosen_by, chosen_devices = chosen(metadata.annotations)
        return PodMeta(
            namespace=intern(metadata.namespace),
            name=metadata.name,
            uid=metadata.uid,
            phase=intern(status.phase),
            reason=intern(status.reason),
            message=status.message[:LONGEST_MESSAGE] if status.reason else "",
            qos_class=intern(status.qos_class),
            priority_class=intern(spec.priority_class_name),
            owner_kind=intern(owner.kind) if owner else "",
            owner_name=intern(owner.name) if owner else "",
            workload_kind=intern(workload_kind),
            workload_name=intern(workload_name),
            labels=_allowed(labels, self._allowlist),
            is_terminal=_is_terminal(status),
            is_deleting=metadata.deletion_timestamp is not None,
            has_started=status.start_time is not None,
            is_mirror=metadata.annotations is not None and metadata.annotations.mirror is not None,
            has_pod_resources=_asks_for_anything(spec.resources),
            claims=_claims(spec.resource_claims or (), status),
            extended_claim=extended.resource_claim_name,
            extended_requests=_extended_requests(extended),
            extended_names=_extended_names(extended),
            cpu_millicores=cpu_millicores,
            memory_bytes=memory_bytes,
            resize=pending_resize(status),
            chosen_by=intern(chosen_by),
            chosen_devices=chosen_devices,
            containers=containers,
            started_seconds=_started(status, problems),
            running_ids=running_ids(status),
        )


def _started(status: PodStatus, problems: list[Malformed]) -> float | None:
    """Return when the kubelet accepted the pod, in Unix seconds; None if it has not, or if the value is not a time."""
    if status.start_time is None:
        return None
    try:
        return read_moment(status.start_time)
    except ValueError as error:
        problems.append(Malformed("status.startTime", str(error)))
        return None


def _is_terminal(status: PodStatus) -> bool:
    """
    Return whether the pod has finished and none of its containers runs.

    Source: the kubelet's podWorkers; a pod may be Failed while its containers are still ending, and keeps its devices
    until they have.
    """
    finished = status.phase in {"Succeeded", "Failed"}
    return finished and not any(item.state and item.state.running for item in statuses(status))


def _asks_for_anything(resources: Resources | None) -> bool:
    return resources is not None and bool(resources.requests or resources.limits)


def _claims(stated: Iterable[PodClaim], status: PodStatus) -> tuple[tuple[str, str], ...]:
    """
    Return the pod's names for its claims with the claims' own names, sorted; claims that do not exist yet, or are not
    needed, are left out.

    Source: k8s.io/dynamic-resource-allocation resourceclaim.Name; up to 1.30 the spec has the name below `source`.
    """
    names = {
        claim.name: claim.resource_claim_name or (claim.source.resource_claim_name if claim.source else None)
        for claim in stated
    }
    names |= {claim.name: claim.resource_claim_name for claim in status.resource_claim_statuses or ()}
    return tuple(sorted((name, claim) for name, claim in names.items() if claim))


def _allowed(labels: Mapping[str, str], allowlist: LabelAllowlist) -> tuple[tuple[str, str], ...]:
    """Return the allowed labels, sorted by key."""
    return tuple((intern(key), labels[key]) for key in sorted(filter(allowlist.allows, labels)))


def _extended_requests(claim: ExtendedClaim) -> tuple[tuple[str, str], ...]:
    """Return the (container, resource) pairs that the claim covers, sorted."""
    pairs = {(intern(row.container_name), intern(row.resource_name)) for row in claim.request_mappings or ()}
    return tuple(sorted(pair for pair in pairs if all(pair)))


def _extended_names(claim: ExtendedClaim) -> tuple[tuple[str, str], ...]:
    """Return the (container, request of the claim) pairs, sorted."""
    pairs = {(intern(row.container_name), row.request_name) for row in claim.request_mappings or ()}
    return tuple(sorted(pair for pair in pairs if all(pair)))


_DEVICES = re.compile(r"[:;]")
_MOST = 64
"""Maximum number of devices kept of one pod; no machine has more GPUs."""


def chosen(annotations: Annotations | None) -> tuple[str, tuple[str, ...]]:
    """
    Return the annotation that decides and the devices it names, sorted; empty without such an annotation.

    gpushare names the GPU by its index, which only shows that the kubelet's id is not the real device.

    Source: HAMi pkg/device/devices.go EncodePodDevices; Volcano's vgpu plugin; gpushare-scheduler-extender.
    """
    if annotations is None:
        return "", ()
    for name, text in (
        ("hami.io/vgpu-devices-allocated", annotations.hami),
        ("volcano.sh/vgpu-ids-new", annotations.volcano),
    ):
        found = {device.partition(",")[0].strip() for device in _DEVICES.split(text)} - {""}
        if found:
            return name, tuple(sorted(found)[:_MOST])
    if annotations.gpushare.strip().isdecimal():
        return "ALIYUN_COM_GPU_MEM_IDX", (f"GPU {annotations.gpushare.strip()}",)
    return "", ()
