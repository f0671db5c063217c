"""The joined facts of one instant: what every scrape, page and command shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from podres_exporter.cpuset import CpuSet
from podres_exporter.model.allocation import ClaimDevice, Container, NumaNodes, Pod
from podres_exporter.model.belief import Mark
from podres_exporter.model.doubles import DoubleHeld
from podres_exporter.model.dra import Amounts, DraNode
from podres_exporter.model.metadata import Metadata, PodKey, PodMeta
from podres_exporter.model.topology import Topology


class Verdict(StrEnum):
    """
    How well a container sits.

    ALIGNED: one node serves everything that has locality. MISALIGNED: no node does, though one could have.
    SPANS: it asks for more than one node has, so several are right. UNKNOWN: devices, but none states its node, or CPUs
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
    Why a container wants certain nodes: *count* items of *resource* that sit on *numa_nodes*.

    *every* says whether all the nodes are needed (CPUs, memory) or any one of them serves (devices).
    *resource* is `cpu`, a memory type, or an extended resource name.
    """

    resource: str
    numa_nodes: NumaNodes
    count: int
    every: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """
    The verdict on one container, with its reasons.

    *numa_nodes* are as few nodes as were found to serve it (empty where nothing has locality); *unplaced* counts
    devices and CPUs whose node nobody states, which the verdict therefore leaves out.
    """

    verdict: Verdict
    numa_nodes: NumaNodes = frozenset()
    constraints: tuple[Constraint, ...] = ()
    unplaced: int = 0


class Attribution(StrEnum):
    """
    How sure it is that a container uses a claim's device.

    CONTAINER: the pod says that this container does. CLAIM: the kubelet lists it for the claim that the container
    refers to, and nothing tells which of the claim's devices the container uses.
    """

    CONTAINER = "container"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class ClaimUse:
    """
    One device of a claim on one container.

    What follows is known from the ResourceClaim alone: *request* of the claim, empty where the claim was not read;
    *is_admin*: admin access, which takes nothing; *consumed* of the capacities of a shared device.
    """

    claim: str
    device: ClaimDevice
    attribution: Attribution
    request: str = ""
    is_admin: bool = False
    consumed: Amounts = ()


@dataclass(frozen=True, slots=True, order=True)
class DeviceHealth:
    """
    What the pod's status says of one device of a container: `Healthy`, `Unhealthy` or `Unknown`.

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
    Why a container does not show what it asked for; UNEXPLAINED is the one to look into.

    INIT_CONTAINER: plain init containers are never listed. CLAIM: a DRA driver serves the extended resource, so that it
    stands among the claims. NOT_LISTED: kubelets up to 1.29 list no sidecars. NO_PLUGIN: no device plugin has the
    resource, so the kubelet has nothing to list; a scheduler alone counts it.
    """

    UNEXPLAINED = "unexplained"
    NO_PLUGIN = "no_plugin"
    INIT_CONTAINER = "init_container"
    CLAIM = "claim"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Request:
    """What a container asked for of one extended resource, or of exclusive CPUs (*resource* is `cpu`), and holds."""

    container: str
    resource: str
    requested: int
    held: int
    explanation: Explanation = Explanation.UNEXPLAINED

    @property
    def missing(self) -> int:
        """How many of them it does not show."""
        return max(0, self.requested - self.held)


class UnlistedReason(StrEnum):
    """
    Why something is held that the kubelet does not list.

    INIT_CONTAINER: what a plain init container got and no later container took over stays with the pod until it ends.
    NOT_LISTED: kubelets up to 1.29 list no sidecars. UNREADABLE: an item of the pod's answer could not be read.
    """

    INIT_CONTAINER = "init_container"
    NOT_LISTED = "not_listed"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """
    What a container is known to hold though the kubelet does not list it; which items these are is not known.

    *amount* counts devices or CPUs (*resource* is `cpu`), or bytes of a memory type.
    """

    container: str
    resource: str
    amount: int
    reason: UnlistedReason

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
    One container as the exporter shows it.

    *chosen_devices* are those that a scheduler's annotation names in place of the ids that the kubelet lists.
    """

    container: Container
    alignment: Alignment
    claim_uses: tuple[ClaimUse, ...] = ()
    health: tuple[DeviceHealth, ...] = ()
    chosen_devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PodView:
    """
    A pod as the exporter shows it.

    *meta* is None where the API server is not asked or does not know the pod; *requests* are then unknown. *unlisted*
    is what the pod is known to hold beside what is listed. *mark* tells how its rows are known.
    """

    pod: Pod
    containers: tuple[ContainerView, ...]
    meta: PodMeta | None = None
    requests: tuple[Request, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    mark: Mark = Mark.CURRENT


@dataclass(frozen=True, slots=True)
class DeviceStock:
    """
    The devices of one resource that sit on the same set of NUMA nodes, as sets of ids.

    *reported* is what the kubelet calls allocatable, None where it cannot be asked; *held* is what containers hold.
    *off_node* are reported ones whose plugin states a node that is none (-1): no NUMA node will do for them.
    *unlisted* is how many devices of the resource are held that the kubelet does not list; they may be any of the free.
    Not *is_complete*: more of the resource may be held than is known, so that it is not known what is free.
    *held_by_dra* are reported ones that no container is listed with, and whose hardware a DRA claim has.
    """

    resource: str
    numa_nodes: NumaNodes
    reported: frozenset[str] | None
    held: frozenset[str]
    off_node: frozenset[str] = frozenset()
    unlisted: int = 0
    is_complete: bool = True
    held_by_dra: frozenset[str] = frozenset()

    @property
    def allocatable(self) -> frozenset[str] | None:
        """Reported or held: a held device may be missing from the report (unhealthy, plugin gone, empty topology)."""
        return None if self.reported is None else self.reported | self.held

    @property
    def free(self) -> frozenset[str] | None:
        """Reported and not listed as held, None where that is not known; *unlisted* of them are held all the same."""
        if self.reported is None or not self.is_complete:
            return None
        return self.reported - self.held - self.held_by_dra

    @property
    def surely_free(self) -> int | None:
        """How many are free whichever devices the unlisted ones are."""
        return None if self.free is None else max(0, len(self.free) - self.unlisted)

    @property
    def unallocatable_held(self) -> frozenset[str] | None:
        """Held, but not reported as allocatable."""
        return None if self.reported is None else self.held - self.reported


@dataclass(frozen=True, slots=True)
class CpuStock:
    """
    The node's CPUs. *allocatable* unites what the kubelet reports with what is held; None where it cannot be asked.

    *unlisted* is how many CPUs are held exclusively that the kubelet does not list; they may be any of the shared pool.
    Not *is_complete*: more may be held than is known.
    """

    allocatable: CpuSet | None
    exclusive: CpuSet
    unlisted: int = 0
    is_complete: bool = True

    @property
    def shared_pool(self) -> CpuSet | None:
        """Allocatable CPUs that no container holds exclusively; an upper bound of what is free; None: not known."""
        return None if self.allocatable is None or not self.is_complete else self.allocatable - self.exclusive


@dataclass(frozen=True, slots=True)
class MemoryStock:
    """
    Bytes of one memory type on one set of NUMA nodes; *reported_bytes* is None where none is reported.

    *unlisted_bytes* are held on some NUMA node though the kubelet does not list them. Not *is_complete*: more may be
    held than is known.
    """

    memory_type: str
    numa_nodes: NumaNodes
    reported_bytes: int | None
    held_bytes: int
    unlisted_bytes: int = 0
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Allocation:
    """
    Who holds what on this node, and what is left.

    *skipped_pods* counts, by reason, the entries of the answer that are not shown under an identity of their own.
    *devices_by_namespace*, by (namespace, resource), and *cpus_by_namespace* are sums over containers and pods.
    *dra* is None where the API server's ResourceSlices are not known. *doubles* are what two living pods hold that only
    one may have; None where that cannot be judged. *unlisted_pods* are those that the API server says run here and that
    the kubelet has not listed: they hold an unknown part of what they ask for.
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


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether a source answered the last time it was asked, and when it last did (Unix seconds; None: never)."""

    source: str
    up: bool
    last_success_seconds: float | None


class Support(StrEnum):
    """What is known of one RPC of this kubelet; UNKNOWN until it was asked once."""

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
    Freshness of one half of the kubelet's answer (`pods` or `allocatable`).

    *stale*: what is shown is older than the last poll. *held*: something of it was said before the kubelet's restart,
    and not since, and is retained.
    """

    part: str
    stale: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """
    Device-seconds by (namespace, resource) and CPU-seconds by namespace since the exporter started; never decreasing.

    The same by (namespace, workload kind, workload name). For a DRA device the resource is its driver. *dropped* counts
    the totals that were let go of after nothing had added to them for long.
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

    *allocation* is None while there is nothing to believe: before the first good answer, and once the last good one is
    older than the maximum age. Unavailable is never empty. *metadata* is None where the API server is not asked.
    """

    node: str
    allocation: Allocation | None
    metadata: Metadata | None = None
    sources: tuple[SourceHealth, ...] = ()
    rpcs: tuple[RpcSupport, ...] = ()
    parts: tuple[Part, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def expired(self) -> "Snapshot":
        """Return what is left to say where no newer snapshot came for too long: the kubelet has not been heard."""
        return replace(
            self,
            allocation=None,
            sources=tuple(replace(source, up=source.up and source.source != "kubelet") for source in self.sources),
            parts=tuple(replace(part, stale=True) for part in self.parts),
        )
