"""What a scenario says, frozen: a node, its kubelet, its devices, and pods with what they hold and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Claim, MemoryBlock
from podres_exporter.scenario.release import Release


class FaultKind(StrEnum):
    """
    What goes wrong with the kubelet for a while.

    RESTART: not serving, then a new socket and too little in the first answers. DOWN: killed, the socket file stays.
    HANG: calls do not return. THROTTLE: every call is rejected by the rate limit.
    """

    RESTART = "restart"
    DOWN = "down"
    HANG = "hang"
    THROTTLE = "throttle"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One entry of the timeline; all times are in seconds of the scenario's own clock.

    It lasts from *at_seconds* for *duration_seconds* and comes again every *every_seconds* (None: once). After a
    RESTART the pods are incomplete for *window_seconds* and the device plugins are gone for *plugins_seconds*.
    """

    kind: FaultKind
    at_seconds: float
    duration_seconds: float
    every_seconds: float | None = None
    window_seconds: float = 0.0
    plugins_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class KubeletSettings:
    """
    The kubelet's release, its managers and gates. A gate of None has the default of the release.

    *reserved_memory_bytes* is by NUMA node, as `reservedMemory` of the kubelet's configuration.
    """

    release: Release
    static_cpus: bool = True
    reserved_cpus: CpuSet = frozenset()
    static_memory: bool = True
    reserved_memory_bytes: Mapping[int, int] = field(default_factory=dict)
    get: bool | None = None
    allocatable: bool | None = None
    dynamic_resources: bool | None = None


@dataclass(frozen=True, slots=True)
class NumaNode:
    """
    One NUMA node. *hugepage_bytes* is by page size (`2Mi`) and is part of *memory_bytes*.

    With *threads_per_core* above 1 the ascending CPU list is as many equal runs, one per hardware thread, which is how
    the kernel numbers x86 CPUs: `0-15,32-47` with 2 threads pairs CPU 0 with 32.
    """

    node: int
    cpus: CpuSet
    memory_bytes: int
    hugepage_bytes: Mapping[str, int] = field(default_factory=dict)
    threads_per_core: int = 1
    socket: int = 0


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """
    A device as its plugin reports it.

    *numa_nodes* is kept as stated: None is no topology at all, () an empty node list, (-1,) what the kernel says of a
    device without a node. The kubelet treats the three differently.
    """

    device_id: str
    numa_nodes: tuple[int, ...] | None = None
    healthy: bool = True


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """An extended resource and its devices; a *shared* one may be held by several containers at once."""

    name: str
    devices: tuple[DeviceSpec, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a container holds, ids by resource name; a *sidecar* is a restartable init container."""

    name: str
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()
    claims: tuple[Claim, ...] = ()
    sidecar: bool = False


@dataclass(frozen=True, slots=True)
class PodSpec:
    """
    A pod and its life in seconds: from *start_seconds* until before *end_seconds* (None: for ever).

    With *repeat_seconds* the same life starts again at that period.
    """

    namespace: str
    name: str
    start_seconds: float = 0.0
    end_seconds: float | None = None
    repeat_seconds: float | None = None
    containers: tuple[ContainerSpec, ...] = ()
    cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One node over time."""

    node: str
    kubelet: KubeletSettings
    numa: tuple[NumaNode, ...]
    resources: tuple[ResourceSpec, ...] = ()
    pods: tuple[PodSpec, ...] = ()
    faults: tuple[Fault, ...] = ()
