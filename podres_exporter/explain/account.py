"""The records of an explanation: what a pod requested, what it holds and where, and its neighbours."""

from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.cpuset import CpuSet
from podres_exporter.fit import Answer
from podres_exporter.model import (
    Alignment,
    ContainerSpec,
    CpusetDrift,
    DeviceHealth,
    DoubleHeld,
    PodMeta,
    Request,
    Unlisted,
)
from podres_exporter.model.allocation import NumaNodes


class State(StrEnum):
    """
    The state of a pod according to all sources.

    LISTED: the kubelet lists it. REJECTED: the kubelet rejected it. FINISHED: it has ended. PENDING: no kubelet has
    accepted it yet. MISSING: it runs according to the API server, but the kubelet does not list it. UNTOLD: there is no
    usable answer of the kubelet.
    """

    LISTED = "listed"
    REJECTED = "rejected"
    FINISHED = "finished"
    PENDING = "pending"
    MISSING = "missing"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Holding:
    """
    What a container holds of one resource: *items* by set of NUMA nodes, as texts; the empty set: no stated node.

    *total* is the number of CPUs or devices, or bytes. *resource* is `cpu`, a memory type, an extended resource, or the
    DRA driver of a claim's devices, whose nodes come from ResourceSlices, if read.
    """

    resource: str
    total: int
    items: tuple[tuple[NumaNodes, tuple[str, ...]], ...]


class Relation(StrEnum):
    """
    How another container is related to this one.

    DEVICE: it holds a share of the same device. CLAIM: it may use the same DRA device. ADMIN: one of the two has admin
    access to it, which consumes nothing. TWO_CLAIMS: either that, or the device was allocated twice: the claims were
    not read. CPUS: it has the same CPUs, as in pods with pod-level resources. CORES: it runs on the other hardware
    threads of this container's cores. POOL: the shared pool does, so any pod may.
    """

    DEVICE = "device"
    CLAIM = "claim"
    ADMIN = "admin"
    TWO_CLAIMS = "two_claims"
    CPUS = "cpus"
    CORES = "cores"
    POOL = "pool"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """
    A container that shares something: *ours* is this container's part, *theirs* the other one's.

    Names are empty for POOL; *resource* is the extended resource of DEVICE.
    """

    relation: Relation
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    namespace: str = ""
    pod: str = ""
    container: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class ContainerAccount:
    """
    One container. *asked* is None without metadata; *missing* are requested items that are not listed.

    *holdings* and *alignment* are empty and None if the kubelet does not list it. *runs_in_pool*: it has no exclusive
    CPUs. *pool* are then the allocatable CPUs of the shared pool (None if unknown), and *reserved* those reserved for
    the system, on which the pool runs too unless the kubelet forbids it. *unallocatable* are held devices that the
    kubelet does not report as allocatable. *unlisted* is what it holds beyond what is listed; *chosen_by* is the
    annotation in which a scheduler chose *chosen_devices* instead of the listed ids; *caches* are its CPUs by
    last-level cache, if they are on several caches of one NUMA node.
    *claim_faults* are sentences on the devices of its claims: taints, drivers that have stopped.
    *doubles* are items that a container of another pod holds too, though only one may. *drift* is how its cgroup
    differs from its exclusive CPUs, None if the two agree or were not compared.
    """

    name: str
    asked: ContainerSpec | None
    is_listed: bool = True
    alignment: Alignment | None = None
    holdings: tuple[Holding, ...] = ()
    pool: CpuSet | None = frozenset()
    runs_in_pool: bool = False
    reserved: CpuSet = frozenset()
    missing: tuple[Request, ...] = ()
    health: tuple[DeviceHealth, ...] = ()
    unallocatable: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    doubles: tuple[DoubleHeld, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    chosen_by: str = ""
    chosen_devices: tuple[str, ...] = ()
    caches: tuple[tuple[int, tuple[CpuSet, ...]], ...] = ()
    claim_faults: tuple[str, ...] = ()
    drift: CpusetDrift | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """
    The explanation of a pod's placement.

    *fit* is whether the node would admit it now: for a pod that is not listed, or for a misaligned one if it were
    recreated. None if not applicable, or if its requests are unknown. *numa_nodes* are the machine's. *notes* are
    sentences about what could not be known.
    """

    node: str
    namespace: str
    name: str
    state: State
    meta: PodMeta | None
    containers: tuple[ContainerAccount, ...]
    numa_nodes: NumaNodes = frozenset()
    fit: Answer | None = None
    notes: tuple[str, ...] = ()
