"""What the API server knows of the node's pods: identity, requests and device health."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PodKey = tuple[str, str]
"""(namespace, name): what the kubelet's answers and the API server's pods are joined by."""


class ContainerKind(StrEnum):
    """APP: `spec.containers`. INIT ends before they start. SIDECAR: an init container with `restartPolicy: Always`."""

    APP = "app"
    SIDECAR = "sidecar"
    INIT = "init"


class MetadataOrigin(StrEnum):
    """Who tells of the pods, as `--metadata.source` spells it."""

    APISERVER = "apiserver"
    PODSAPI = "podsapi"


@dataclass(frozen=True, slots=True)
class ResourceHealth:
    """
    One device as the pod's status has it, in the kubelet's words.

    *name* is an extended resource, or `claim:NAME` or `claim:NAME/REQUEST` with the pod's own name of the claim.
    *resource_id* is a device id; for claims the first CDI name or `driver/pool/device`, for both occur.

    Source: KEP-4680 (`status.containerStatuses[].allocatedResourcesStatus`).
    """

    name: str
    resource_id: str
    health: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """
    What one container asks for, as the kubelet has admitted it; zeros are left out and everything is sorted.

    *devices* are extended resources with their number, *memory* bytes by memory type (`memory`, `hugepages-2Mi`).
    *claims* are pairs of the pod's name of a claim and the request of it that the container uses, empty: all of them.
    """

    name: str
    kind: ContainerKind
    devices: tuple[tuple[str, int], ...] = ()
    cpu_millicores: int = 0
    memory: tuple[tuple[str, int], ...] = ()
    claims: tuple[tuple[str, str], ...] = ()
    health: tuple[ResourceHealth, ...] = ()

    @property
    def whole_cpus(self) -> int:
        """How many exclusive CPUs it asks for if its pod is Guaranteed; 0 for a fraction."""
        return 0 if self.cpu_millicores % 1000 else self.cpu_millicores // 1000


@dataclass(frozen=True, slots=True)
class PodMeta:
    """
    What is kept of one pod of the API server; empty texts where nothing is stated.

    *labels* are the allowed ones under their metric names (`label_app`). *workload* is what a person would name: the
    Deployment of a ReplicaSet, the CronJob of a Job. *is_terminal*: it has finished and none of its containers runs.
    *has_started*: a kubelet has admitted or refused it. *claims* maps the pod's names of claims to the claims' own;
    *extended_claim* is the claim that the scheduler made for extended resources which a DRA driver serves, and
    *extended_requests* the (container, resource) pairs that it stands for, *extended_names* the (container,
    request) pairs. *cpu_millicores* and *memory_bytes* are what
    the kubelet counts the whole pod as asking for when it admits others. *resize* says why an in-place resize has not
    happened yet; the containers then show what was admitted. *chosen_devices* are the devices that a scheduler's
    annotation names, and *chosen_by* is that annotation: the plugin gives these, whatever ids the kubelet lists.
    *is_mirror*: it is the API server's copy of a static pod. *unnamed_claims* are the pod's names of claims made of
    templates whose own names are not told; *has_no_claim_status*: its origin tells of no claim in the status at all.
    *started_seconds* is when the kubelet took it up (Unix seconds, status.startTime), None where that is not known.
    """

    namespace: str
    name: str
    uid: str
    phase: str = ""
    reason: str = ""
    message: str = ""
    qos_class: str = ""
    priority_class: str = ""
    owner_kind: str = ""
    owner_name: str = ""
    workload_kind: str = ""
    workload_name: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    is_terminal: bool = False
    is_deleting: bool = False
    has_started: bool = False
    has_pod_resources: bool = False
    claims: tuple[tuple[str, str], ...] = ()
    extended_claim: str = ""
    extended_requests: tuple[tuple[str, str], ...] = ()
    extended_names: tuple[tuple[str, str], ...] = ()
    cpu_millicores: int = 0
    memory_bytes: int = 0
    resize: str = ""
    chosen_by: str = ""
    chosen_devices: tuple[str, ...] = ()
    containers: tuple[ContainerSpec, ...] = ()
    is_mirror: bool = False
    unnamed_claims: tuple[str, ...] = ()
    has_no_claim_status: bool = False
    started_seconds: float | None = None

    @property
    def key(self) -> PodKey:
        """(namespace, name)."""
        return (self.namespace, self.name)

    @property
    def runs(self) -> bool:
        """Whether a kubelet has admitted it and it has not ended; one with a deletionTimestamp runs until then."""
        return (self.has_started or self.phase == "Running") and not self.is_terminal


@dataclass(frozen=True, slots=True)
class Metadata:
    """
    The node's pods as the API server last told them.

    *synced*: they are *followed*: the list was complete once and has been watched since, interruptions of less than a
    poll interval left aside; only then may a missing pod be taken for gone. *is_away*: the API server cannot be
    reached, so a kubelet may not know its pods either.
    """

    pods: Mapping[PodKey, PodMeta] = field(default_factory=dict)
    synced: bool = False
    is_up: bool = False
    is_away: bool = False
    last_success_seconds: float | None = None
    origin: MetadataOrigin = MetadataOrigin.APISERVER
