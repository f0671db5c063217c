"""The account of one pod: what it asked for, what it holds and where, and who is beside it."""

from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.cpuset import CpuSet
from podres_exporter.fit import Answer
from podres_exporter.model import Alignment, ContainerSpec, DeviceHealth, DoubleHeld, PodMeta, Request, Unlisted
from podres_exporter.model.allocation import NumaNodes


class State(StrEnum):
    """
    What the sources say of the pod together.

    LISTED: the kubelet lists it. REJECTED: the kubelet refused it. FINISHED: it has ended. PENDING: no kubelet has
    taken it up yet. MISSING: the API server has it running, the kubelet does not list it. UNTOLD: the kubelet has given
    no answer to believe.
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
    What a container holds of one resource: *items* on each set of NUMA nodes, as texts; the empty set: no stated node.

    *total* is the number of CPUs or devices, or bytes. *resource* is `cpu`, a memory type, an extended resource, or the
    DRA driver of a claim's devices, whose nodes ResourceSlices tell where they are read.
    """

    resource: str
    total: int
    items: tuple[tuple[NumaNodes, tuple[str, ...]], ...]


class Relation(StrEnum):
    """
    How another container touches this one.

    DEVICE: it holds a share of the same device. CLAIM: it may use the same DRA device. ADMIN: one of
    the two has admin access to it, which takes nothing. TWO_CLAIMS: the same, or the device was allocated twice: the
    claims were not read. CPUS: it is granted the same
    CPUs, as containers of a pod with pod-level resources are. CORES: it runs on the other hardware threads of this
    container's cores. POOL: the shared pool does, and so anyone may.
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
    A container that shares something: *ours* is what this container has of it, *theirs* what the other one has.

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
    One container. *asked* is None where the API server does not tell; *missing* is what it asked for and does not show.

    *holdings* and *alignment* are empty and None where the kubelet does not list it. *runs_in_pool*: it has no
    CPUs of its own. *pool* are then the allocatable CPUs of the shared pool, None where nothing tells them, and
    *reserved* those kept for the system, on which the pool runs too unless the kubelet forbids it. *unallocatable* are
    devices that it holds, though the kubelet does not report them as allocatable. *unlisted* is what it holds beside
    what is listed; *chosen_by* the annotation by which a scheduler has chosen *chosen_devices* in place of the listed
    ids; *caches* the parts of its CPUs on each last-level cache, where they lie on several of one NUMA node.
    *claim_faults* are sentences on the devices of its claims: taints, drivers that have stopped.
    *doubles* are what it holds and a container of another pod holds too, though only one may.
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


@dataclass(frozen=True, slots=True)
class Account:
    """
    Why a pod sits where it sits.

    *fit* is what the node would say to it now: for a pod that is not listed, if it came; for a misaligned one, if it
    were made anew. None where that is not asked, or what it asked for is not known. *numa_nodes* are the machine's.
    *notes* are sentences about what could not be known.
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
