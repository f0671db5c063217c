"""
The used fields of the API's Pod, in their wire format.

Fields that Go omits when empty have defaults; lists, maps and pointers may also be null. Texts never are.

Source: core/v1 Pod of Kubernetes 1.20 to 1.37; metav1 ObjectMeta, ListMeta and Status.
"""

from typing import Any

from msgspec import Raw, Struct, field


class Wire(Struct, gc=False, rename="camel"):
    """An API object. The records form no cycles, so the garbage collector can skip them."""


class Identity(Wire):
    """An object's identity and resource version."""

    namespace: str = ""
    name: str = ""
    uid: str = ""
    resource_version: str = ""


class Stub(Wire):
    """Any object, without its content."""

    metadata: Identity


class OwnerReference(Wire):
    """One owner; at most one of a pod's owners is its controller."""

    kind: str
    name: str
    api_version: str = ""
    controller: bool | None = None


class Annotations(Wire):
    """
    The annotations in which a scheduler names the device that a pod gets, overriding the kubelet's allocation, and the
    one that the kubelet puts on the API server's copy of a static pod.

    Source: HAMi and Volcano's vGPU (`UUID,TYPE,MEMORY,CORES:` per device, `;` after each container); Alibaba's gpushare
    (the index of the GPU).
    """

    hami: str = field(default="", name="hami.io/vgpu-devices-allocated")
    volcano: str = field(default="", name="volcano.sh/vgpu-ids-new")
    gpushare: str = field(default="", name="ALIYUN_COM_GPU_MEM_IDX")
    mirror: str | None = field(default=None, name="kubernetes.io/config.mirror")


class ObjectMeta(Identity):
    """The metadata of a pod."""

    labels: dict[str, str] | None = None
    annotations: Annotations | None = None
    owner_references: list[OwnerReference] | None = None
    deletion_timestamp: str | None = None


class ClaimReference(Wire):
    """A claim of the pod that a container uses; an empty request means all of them."""

    name: str
    request: str = ""


class Resources(Wire):
    """Amounts are texts, but numbers are accepted; anything else spoils only that amount."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None
    claims: list[ClaimReference] | None = None


class Container(Wire):
    """One container or init container."""

    name: str
    restart_policy: str | None = None
    resources: Resources | None = None


class ClaimSource(Wire):
    """Where the names were before 1.31."""

    resource_claim_name: str | None = None


class PodClaim(Wire):
    """The pod's name for a claim, and the claim's own name unless a template makes it."""

    name: str
    resource_claim_name: str | None = None
    source: ClaimSource | None = None


class PodSpec(Wire):
    """
    What the pod requests. *resources* are those of the pod as a whole (KEP-2837), *overhead* is its sandbox's cost.
    """

    node_name: str = ""
    priority_class_name: str = ""
    overhead: dict[str, Any] | None = None
    init_containers: list[Container] | None = None
    containers: list[Container] | None = None
    resources: Resources | None = None
    resource_claims: list[PodClaim] | None = None


class Running(Wire):
    """Only its presence counts."""


class ContainerState(Wire):
    """At most one of running, waiting and terminated is set."""

    running: Running | None = None


class Health(Wire):
    """One device of `allocatedResourcesStatus` (KEP-4680)."""

    resource_id: str = field(default="", name="resourceID")
    health: str = ""
    message: str | None = None


class ResourceStatus(Wire):
    """The devices of one resource or claim."""

    name: str = ""
    resources: list[Health] | None = None


class ContainerStatus(Wire):
    """What the kubelet last reported for one container."""

    name: str
    state: ContainerState | None = None
    container_id: str = field(default="", name="containerID")
    allocated_resources: dict[str, Any] | None = None
    resources: Resources | None = None
    allocated_resources_status: list[ResourceStatus] | None = None


class ClaimStatus(Wire):
    """The claim that was made from a template; without a name, none was needed."""

    name: str
    resource_claim_name: str | None = None


class RequestMapping(Wire):
    """One resource of one container that a DRA driver serves."""

    container_name: str = ""
    resource_name: str = ""
    request_name: str = ""


class ExtendedClaim(Wire):
    """The claim that the scheduler created for extended resources (KEP-5004)."""

    resource_claim_name: str = ""
    request_mappings: list[RequestMapping] | None = None


class Condition(Wire):
    """One condition of the pod."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class PodStatus(Wire):
    """The status of a pod; *resize* is where kubelets up to 1.32 reported a resize."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    qos_class: str = ""
    start_time: str | None = None
    resize: str = ""
    conditions: list[Condition] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    container_statuses: list[ContainerStatus] | None = None
    resource_claim_statuses: list[ClaimStatus] | None = None
    extended_resource_claim_status: ExtendedClaim | None = None


class Pod(Wire):
    """A pod."""

    metadata: ObjectMeta
    spec: PodSpec | None = None
    status: PodStatus | None = None


class ListMeta(Wire):
    """The list's resource version."""

    resource_version: str = ""


class ListFrame(Wire):
    """A list whose items are decoded later; `items` is always present, null if there are none."""

    items: list[Raw] | None
    metadata: ListMeta | None = None


class EventFrame(Wire):
    """One watch event."""

    type: str
    object: Raw = Raw()


class StatusDetails(Wire):
    """Hints for a client's retry."""

    retry_after_seconds: int = 0


class Status(Wire):
    """What the API server answers if it has no other object to return."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: StatusDetails | None = None
