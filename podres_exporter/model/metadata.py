"""Pod metadata from the API server or the Pods API: identity, requests and device health."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.errors import Reason

PodKey = tuple[str, str]
"""(namespace, name): the key that joins the kubelet's answers and the API server's pods."""


class ContainerKind(StrEnum):
    """APP: `spec.containers`. INIT: ends before they start. SIDECAR: an init container with `restartPolicy: Always`."""

    APP = "app"
    SIDECAR = "sidecar"
    INIT = "init"


class MetadataOrigin(StrEnum):
    """Where the metadata comes from, as spelled in `--metadata.source`."""

    APISERVER = "apiserver"
    PODSAPI = "podsapi"


@dataclass(frozen=True, slots=True)
class ResourceHealth:
    """
    The health of one device, in the terms of the pod's status.

    *name* is an extended resource, or `claim:NAME` or `claim:NAME/REQUEST` with the pod's own name of the claim.
    *resource_id* is a device id; for claims it is either the first CDI name or `driver/pool/device` (both occur).

    Source: KEP-4680 (`status.containerStatuses[].allocatedResourcesStatus`).
    """

    name: str
    resource_id: str
    health: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """
    What one container requests, as admitted by the kubelet; zeros are omitted and everything is sorted.

    *devices* are counts by extended resource, *memory* bytes by memory type (`memory`, `hugepages-2Mi`). *claims* are
    pairs of the pod's name for a claim and the request of it that the container uses (empty: all of them).
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
        """How many exclusive CPUs it requests if its pod is Guaranteed; 0 for a fraction."""
        return 0 if self.cpu_millicores % 1000 else self.cpu_millicores // 1000


@dataclass(frozen=True, slots=True)
class PodMeta:
    """
    The metadata of one pod, reduced to what is used; texts are empty if nothing is stated.

    *labels* are the allowed ones, sorted. *workload* is the top-level owner: the
    Deployment of a ReplicaSet, the CronJob of a Job. *is_terminal*: it has finished and none of its containers runs.
    *has_started*: a kubelet has admitted or rejected it. *claims* maps the pod's names for its claims to the claims'
    own names; *extended_claim* is the claim that the scheduler created for extended resources served by a DRA driver,
    *extended_requests* are the (container, resource) pairs it covers, *extended_names* the (container, request) pairs.
    *cpu_millicores* and *memory_bytes* are the whole pod's requests as the kubelet counts them when it admits others.
    *resize* says why an in-place resize is pending; the containers then show what was admitted. *chosen_devices* are
    the devices named in a scheduler's annotation, and *chosen_by* is that annotation: the plugin uses these, whatever
    ids the kubelet lists. *is_mirror*: it is the API server's copy of a static pod. *unnamed_claims* are the pod's
    names for claims made from templates whose own names are not known; *has_no_claim_status*: the source never reports
    claims in the status. *started_seconds* is when the kubelet accepted it (Unix seconds, status.startTime), None if
    not known. *running_ids* are the runtime's IDs of the running containers by name; they are not compared, because a
    container's restart changes nothing that the kubelet lists.
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
    running_ids: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def key(self) -> PodKey:
        """(namespace, name)."""
        return (self.namespace, self.name)

    @property
    def runs(self) -> bool:
        """Whether a kubelet has admitted it and it has not ended; a pod with a deletionTimestamp runs until it has."""
        return (self.has_started or self.phase == "Running") and not self.is_terminal


@dataclass(frozen=True, slots=True)
class Metadata:
    """
    The node's pods as last reported by the metadata source.

    *synced*: a complete list has been watched since, with interruptions shorter than a poll interval; only then can a
    missing pod be assumed deleted. *is_away*: the API server cannot be reached, so a restarted kubelet may not know its
    pods either. *reason* is why it is not up, if a request failed.
    """

    pods: Mapping[PodKey, PodMeta] = field(default_factory=dict)
    synced: bool = False
    is_up: bool = False
    is_away: bool = False
    last_success_seconds: float | None = None
    origin: MetadataOrigin = MetadataOrigin.APISERVER
    reason: Reason | None = None
