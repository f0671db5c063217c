"""The snapshot: all joined facts at one instant, shown by every scrape, page and command."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from podres_exporter.errors import Reason
from podres_exporter.model.allocation import ClaimDevice, Container, NumaNodes, Pod
from podres_exporter.model.belief import Mark
from podres_exporter.model.doubles import DoubleHeld
from podres_exporter.model.dra import NO_INTERFACE, Amounts, ClaimInterface, DraNode
from podres_exporter.model.drift import Drift
from podres_exporter.model.metadata import Metadata, PodKey, PodMeta
from podres_exporter.model.stock import CpuStock, DeviceStock, MemoryStock
from podres_exporter.model.topology import Topology


class Verdict(StrEnum):
    """
    How well a container is aligned with the NUMA nodes.

    ALIGNED: one node serves everything that has locality. MISALIGNED: no node does, though one could have. SPANS: it
    needs more than one node has, so several nodes are correct. UNKNOWN: devices, but none states its node, or CPUs
    without a known topology. UNSUPPORTED: a kubelet of 1.20 to 1.22, which reports unknown locality as node 0.
    NOT_APPLICABLE: nothing that could have locality.
    """

    ALIGNED = "aligned"
    MISALIGNED = "misaligned"
    SPANS = "spans"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Constraint:
    """
    A reason for an alignment verdict: *count* items of *resource* on *numa_nodes*.

    *every*: whether all the nodes are needed (CPUs, memory) or any one of them is enough (devices).
    *resource* is `cpu`, a memory type, or an extended resource name.
    """

    resource: str
    numa_nodes: NumaNodes
    count: int
    every: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """
    The alignment verdict on one container, with its reasons.

    *numa_nodes* are the fewest nodes found to serve it (empty if nothing has locality); *unplaced* counts devices and
    CPUs without a stated node, which the verdict ignores.
    """

    verdict: Verdict
    numa_nodes: NumaNodes = frozenset()
    constraints: tuple[Constraint, ...] = ()
    unplaced: int = 0


class Attribution(StrEnum):
    """
    How certain it is that a container uses a claim's device.

    CONTAINER: the pod shows that this container uses it. CLAIM: the kubelet lists it for a claim of the container, but
    it is unknown which of the claim's devices the container uses.
    """

    CONTAINER = "container"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class ClaimUse:
    """
    One device of a claim, as used by one container.

    The following come from the ResourceClaim only: *request* (empty if the claim was not read); *is_admin*: admin
    access, which consumes nothing; *consumed*: amounts of a shared device's capacities; *interface*: the network
    interface that the driver made of it.
    """

    claim: str
    device: ClaimDevice
    attribution: Attribution
    request: str = ""
    is_admin: bool = False
    consumed: Amounts = ()
    interface: ClaimInterface = NO_INTERFACE


@dataclass(frozen=True, slots=True, order=True)
class DeviceHealth:
    """
    The health of one device of a container in the pod's status: `Healthy`, `Unhealthy` or `Unknown`.

    *resource* is the extended resource or the DRA driver; *pool* and *claim* are empty for devices of device plugins.
    """

    resource: str
    device: str
    pool: str
    claim: str
    health: str
    message: str = ""


class Explanation(StrEnum):
    """
    Why a container lacks devices or CPUs that it requested; UNEXPLAINED needs investigation.

    INIT_CONTAINER: plain init containers are never listed. CLAIM: a DRA driver serves the extended resource, so it is
    listed as a claim. NOT_LISTED: kubelets up to 1.29 list no sidecars. NO_PLUGIN: no device plugin serves the
    resource, so the kubelet has nothing to list; only a scheduler counts it.
    """

    UNEXPLAINED = "unexplained"
    NO_PLUGIN = "no_plugin"
    INIT_CONTAINER = "init_container"
    CLAIM = "claim"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Request:
    """
    What a container requested of one extended resource, or of exclusive CPUs (*resource* is `cpu`), and what it holds.
    """

    container: str
    resource: str
    requested: int
    held: int
    explanation: Explanation = Explanation.UNEXPLAINED

    @property
    def missing(self) -> int:
        """How many of the requested items are not listed."""
        return max(0, self.requested - self.held)


class UnlistedReason(StrEnum):
    """
    Why something is held although the kubelet does not list it.

    INIT_CONTAINER: what a plain init container got, and no later container reused, stays allocated until the pod ends.
    NOT_LISTED: kubelets up to 1.29 list no sidecars. UNREADABLE: an item of the pod's answer could not be read.
    CLAIM: a DRA driver chose CPUs of a group for the container's claim and does not report which.
    """

    INIT_CONTAINER = "init_container"
    NOT_LISTED = "not_listed"
    UNREADABLE = "unreadable"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """
    What a container is known to hold although the kubelet does not list it; which items is unknown.

    *amount* counts devices or CPUs (*resource* is `cpu`), or bytes of a memory type. *numa_nodes* are where they are,
    empty where that is not known either.
    """

    container: str
    resource: str
    amount: int
    reason: UnlistedReason
    numa_nodes: NumaNodes = frozenset()

    @property
    def is_memory(self) -> bool:
        """Whether *amount* is bytes."""
        return self.resource == "memory" or self.resource.startswith("hugepages-")

    @property
    def is_cpus(self) -> bool:
        """Whether *amount* counts exclusive CPUs."""
        return self.resource == "cpu"


@dataclass(frozen=True, slots=True)
class ContainerView:
    """
    One container with everything shown of it.

    *chosen_devices* are named in a scheduler's annotation and replace the ids that the kubelet lists.
    """

    container: Container
    alignment: Alignment
    claim_uses: tuple[ClaimUse, ...] = ()
    health: tuple[DeviceHealth, ...] = ()
    chosen_devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PodView:
    """
    One pod with everything shown of it.

    *meta* is None if metadata is off or does not have the pod; *requests* are then unknown. *unlisted* is what the pod
    is known to hold beyond what is listed. *mark*: how its rows are known.
    """

    pod: Pod
    containers: tuple[ContainerView, ...]
    meta: PodMeta | None = None
    requests: tuple[Request, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    mark: Mark = Mark.CURRENT


@dataclass(frozen=True, slots=True)
class Allocation:
    """
    Who holds what on this node, and what is free.

    *skipped_pods* counts, by reason, the entries of the answer that are not shown under an identity of their own.
    *devices_by_namespace*, by (namespace, resource), and *cpus_by_namespace* are sums over containers and pods.
    *dra* is None if no ResourceSlices are known. *doubles* are items that two running pods hold although only one may;
    None if that cannot be judged. *unlisted_pods* run here according to the API server but have not been listed by the
    kubelet: they hold an unknown part of what they request. *given_up_pods* are such pods that were waited for in vain:
    nothing is held for them. *drift* is None if no cgroups are read.
    """

    pods: tuple[PodView, ...]
    devices: tuple[DeviceStock, ...]
    cpus: CpuStock
    memory: tuple[MemoryStock, ...]
    topology: Topology | None
    skipped_pods: Mapping[str, int] = field(default_factory=dict)
    devices_by_namespace: Mapping[tuple[str, str], int] = field(default_factory=dict)
    cpus_by_namespace: Mapping[str, int] = field(default_factory=dict)
    dra: DraNode | None = None
    doubles: tuple[DoubleHeld, ...] | None = None
    unlisted_pods: tuple[PodKey, ...] = ()
    given_up_pods: tuple[PodKey, ...] = ()
    drift: Drift | None = None


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """
    Whether a source answered the last request, and when it last succeeded (Unix seconds; None: never).

    *reason* is why it is down; None while it is up, or if unknown.
    """

    source: str
    up: bool
    last_success_seconds: float | None
    reason: Reason | None = None


class Support(StrEnum):
    """Whether the kubelet serves an RPC; UNKNOWN until it was called once."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RpcSupport:
    """Whether the running kubelet serves one RPC."""

    rpc: str
    support: Support


@dataclass(frozen=True, slots=True)
class Part:
    """
    Freshness of one part of the kubelet's data (`pods` or `allocatable`).

    *stale*: the data shown is older than the last poll. *held*: some of it was reported before the kubelet's restart
    and not since, and is retained.
    """

    part: str
    stale: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """
    Device-seconds by (namespace, resource) and CPU-seconds by namespace since the exporter started; never decreasing.

    Also by (namespace, workload kind, workload name). For a DRA device, the resource is its driver. *dropped* counts
    the totals that were removed because they had not grown for long.
    """

    device_seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    workload_device_seconds: Mapping[tuple[str, str, str, str], float] = field(default_factory=dict)
    workload_cpu_seconds: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    Everything the exporter shows at one instant.

    *allocation* is None before the first good answer, and once the last good one is older than the maximum age:
    unavailable is never shown as empty. *metadata* is None if metadata is off.
    """

    node: str
    allocation: Allocation | None
    metadata: Metadata | None = None
    sources: tuple[SourceHealth, ...] = ()
    rpcs: tuple[RpcSupport, ...] = ()
    parts: tuple[Part, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def expired(self) -> "Snapshot":
        """
        Return this snapshot without its allocation, once it is too old to show because the kubelet has not answered.
        """
        return replace(
            self,
            allocation=None,
            sources=tuple(replace(source, up=source.up and source.source != "kubelet") for source in self.sources),
            parts=tuple(replace(part, stale=True) for part in self.parts),
        )
