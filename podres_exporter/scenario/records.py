"""The records of a scenario: a node, its kubelet and devices, and pods with what they hold and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Claim, MemoryBlock

OLDEST_MINOR, NEWEST_MINOR = 20, 38


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A Kubernetes release 1.*minor*; patch releases are not distinguished."""

    minor: int

    def __str__(self) -> str:
        """Return the usual notation, such as `1.36`."""
        return f"1.{self.minor}"


def parse_release(text: str) -> Release:
    """
    Parse a release such as `1.36` or `v1.36.3`.

    Raises ValueError for anything else, for one before 1.20 (the first with podresources/v1) and for unknown ones.
    """
    major, _, rest = text.removeprefix("v").partition(".")
    minor = rest.partition(".")[0]
    if major != "1" or not (minor.isascii() and minor.isdecimal() and len(minor) <= 4):
        raise ValueError(f"{text!r} is not a kubelet release; write it as 1.36")
    if not OLDEST_MINOR <= int(minor) <= NEWEST_MINOR:
        raise ValueError(f"release {text} cannot be simulated; choose 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}")
    return Release(int(minor))


class FaultKind(StrEnum):
    """
    A fault of the node that lasts for a while.

    RESTART: not serving, then a new socket and incomplete first answers. DOWN: killed, the socket file stays. HANG:
    calls do not return. THROTTLE: every call is rejected by the rate limit. UNHEALTHY: a device is unhealthy.
    PLUGIN_DOWN: the device plugin of a resource is gone. DOUBLE: admitted pods get a device that is already held.
    API_DOWN: the API server refuses connections. API_HALF_OPEN: it accepts them and never answers. In both the kubelet
    cannot reach it either. API_YOUNG: it has just started and has not loaded its roles yet, so it answers 403. For the
    kubelet's Pods API: PODS_API_DOWN: nothing listens on its socket. PODS_API_REFUSES: it ends every stream, as the
    kubelet does with slow readers. PODS_API_SILENT: its streams stay open, but lose every event.
    """

    RESTART = "restart"
    DOWN = "down"
    HANG = "hang"
    THROTTLE = "throttle"
    UNHEALTHY = "unhealthy"
    PLUGIN_DOWN = "plugin_down"
    DOUBLE = "double"
    API_DOWN = "api_down"
    API_HALF_OPEN = "api_half_open"
    API_YOUNG = "api_young"
    PODS_API_DOWN = "pods_api_down"
    PODS_API_REFUSES = "pods_api_refuses"
    PODS_API_SILENT = "pods_api_silent"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One entry of the timeline; all times are in seconds of the scenario.

    It lasts from *at_seconds* for *duration_seconds* and repeats every *every_seconds* (None: once). After a RESTART
    the pods are incomplete for *window_seconds*, counted from when the API server can be reached, and the device
    plugins are gone for *plugins_seconds*. *resource* and *device_id* are the target of UNHEALTHY, PLUGIN_DOWN or
    DOUBLE.
    """

    kind: FaultKind
    at_seconds: float
    duration_seconds: float
    every_seconds: float | None = None
    window_seconds: float = 0.0
    plugins_seconds: float = 0.0
    resource: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class KubeletSettings:
    """
    The kubelet's release, managers and feature gates. A gate of None has the release's default.

    *reserved_memory_bytes* is by NUMA node, as `reservedMemory` of the kubelet's configuration. *topology_policy* and
    *topology_scope* are spelled as there; *max_numa_nodes* is the option `max-allowable-numa-nodes`. *active_pods* is
    the gate KubeletPodResourcesListUseActivePods: finished pods are not listed. *pods_api* is the gate PodsAPI.
    *max_pods* is the setting maxPods.
    """

    release: Release
    static_cpus: bool = True
    reserved_cpus: CpuSet = frozenset()
    static_memory: bool = True
    reserved_memory_bytes: Mapping[int, int] = field(default_factory=dict)
    get: bool | None = None
    allocatable: bool | None = None
    dynamic_resources: bool | None = None
    topology_policy: str = "none"
    topology_scope: str = "container"
    max_numa_nodes: int = 8
    active_pods: bool | None = None
    pods_api: bool | None = None
    max_pods: int = 110


@dataclass(frozen=True, slots=True)
class NumaNode:
    """
    One NUMA node. *hugepage_bytes* is by page size (`2Mi`) and is part of *memory_bytes*.

    With *threads_per_core* above 1 the ascending CPU list is divided into equal runs, one per hardware thread, which is
    how the kernel numbers x86 CPUs: `0-15,32-47` with 2 threads pairs CPU 0 with 32. With *adjacent_threads* the
    threads of a core have adjacent numbers, as on most other machines: `0-3` pairs CPU 0 with 1.
    """

    node: int
    cpus: CpuSet
    memory_bytes: int
    hugepage_bytes: Mapping[str, int] = field(default_factory=dict)
    threads_per_core: int = 1
    socket: int = 0
    adjacent_threads: bool = False


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """
    A device as reported by its plugin.

    *numa_nodes* is kept as reported: None is no topology at all, () an empty node list, (-1,) the kernel's value for a
    device without a node. The kubelet treats the three differently.
    """

    device_id: str
    numa_nodes: tuple[int, ...] | None = None
    healthy: bool = True


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """
    An extended resource and its devices; a *shared* one may be held by several containers at once.

    If pods are admitted, a simulated plugin reports the devices, unless the resource is *external*: provided by a real
    plugin. The simulated plugin takes *allocate_seconds* for each Allocate.
    """

    name: str
    devices: tuple[DeviceSpec, ...]
    shared: bool = False
    external: bool = False
    allocate_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a container holds: ids by resource name. A *sidecar* is a restartable init container."""

    name: str
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()
    claims: tuple[Claim, ...] = ()
    sidecar: bool = False


@dataclass(frozen=True, slots=True)
class PodSpec:
    """
    A pod and its life in seconds: from *start_seconds* until before *end_seconds* (None: forever).

    With *repeat_seconds* the same life repeats at that interval.

    Either *containers* (and the pod's own *cpus* and *memory*) state what it holds, or *manifest*, a Kubernetes pod
    without status, states its requests and the node's managers decide. Such a pod may finish by itself, at
    *finish_seconds*, before it is deleted.

    A *static* pod comes from a file on the node: the kubelet has it without the API server, and appends the node's name
    to its own.
    """

    namespace: str
    name: str
    start_seconds: float = 0.0
    end_seconds: float | None = None
    repeat_seconds: float | None = None
    containers: tuple[ContainerSpec, ...] = ()
    cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()
    manifest: Mapping[str, Any] | None = None
    finish_seconds: float | None = None
    static: bool = False


CLAIM_STATUSES = ("resourceClaimStatuses", "extendedResourceClaimStatus")
"""Pod status fields that are not written by the kubelet: the claims created for the pod."""


@dataclass(frozen=True, slots=True)
class SliceSpec:
    """
    A ResourceSlice as in Kubernetes, existing from *start_seconds* until before *end_seconds* (None: forever).

    If several of one name exist at a time, the last one counts, as when a driver publishes a new generation.
    """

    name: str
    spec: Mapping[str, object]
    start_seconds: float = 0.0
    end_seconds: float | None = None

    def is_there(self, seconds: float) -> bool:
        """Return whether it exists at this second of the scenario."""
        return self.start_seconds <= seconds and (self.end_seconds is None or seconds < self.end_seconds)


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    One node over time; *claims* are ResourceClaims, allocated to this node, to which manifests may refer.

    *claim_statuses* are complete statuses of some of them, by (namespace, name), as in Kubernetes. *metadata_drivers*
    are the drivers that describe prepared claims in files (KEP-5304).
    """

    node: str
    kubelet: KubeletSettings
    numa: tuple[NumaNode, ...]
    resources: tuple[ResourceSpec, ...] = ()
    pods: tuple[PodSpec, ...] = ()
    faults: tuple[Fault, ...] = ()
    claims: tuple[Claim, ...] = ()
    claim_statuses: Mapping[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    slices: tuple[SliceSpec, ...] = ()
    metadata_drivers: frozenset[str] = frozenset()

    @property
    def is_admitted(self) -> bool:
        """Whether the node's managers decide what pods hold, and not the document; also true without pods."""
        has_manifests = any(pod.manifest is not None for pod in self.pods)
        return has_manifests or not self.pods or any(each.external for each in self.resources)
