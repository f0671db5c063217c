"""What the kubelet reports: which container holds which devices, CPUs and memory, and what is allocatable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from podres_exporter.cpuset import CpuSet

NumaNodes = frozenset[int]
"""NUMA node numbers; empty means that no node is stated, never "node 0"."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """
    The resources whose held amount is not fully known, so that no free amount can be stated.

    *everything*: all of them. *resources* are extended resources, `cpu`, memory types (`memory`, `hugepages-2Mi`) and
    DRA drivers.
    *devices*: every extended resource, for example because a held device has no readable resource name.
    """

    everything: bool = False
    devices: bool = False
    resources: frozenset[str] = frozenset()

    def covers(self, resource: str) -> bool:
        """Return whether the free amount of the resource is unknown."""
        return self.everything or resource in self.resources or (self.devices and "/" in resource)

    def __or__(self, other: "Unknown") -> "Unknown":
        """Return what is unknown for either reason."""
        return Unknown(
            self.everything or other.everything, self.devices or other.devices, self.resources | other.resources
        )


@dataclass(frozen=True, slots=True)
class Device:
    """
    One device-plugin device, distinct by (resource, device_id): ids are unique within a resource only.

    *numa_nodes* unites the nodes of all rows with that id; the kubelet sends one row per node.
    """

    resource: str
    device_id: str
    numa_nodes: NumaNodes


_resource, _device_id = attrgetter("resource"), attrgetter("device_id")


def ids_by_resource(devices: Iterable[Device]) -> list[tuple[str, list[str]]]:
    """Return the ids of devices by resource; the devices are sorted, so each resource is one run."""
    return [(resource, list(map(_device_id, run))) for resource, run in groupby(devices, _resource)]


def count_by_resource(devices: Sequence[Device]) -> list[tuple[str, int]]:
    """Return the number of devices by resource; there is nearly always only one resource."""
    if not devices:
        return []
    if devices[0].resource == devices[-1].resource:
        return [(devices[0].resource, len(devices))]
    return [(resource, len(ids)) for resource, ids in ids_by_resource(devices)]


@dataclass(frozen=True, slots=True)
class MemoryBlock:
    """
    Memory or huge pages granted by the static memory manager.

    *size_bytes* is the total over all *numa_nodes*; the kubelet does not say how it is split.
    """

    memory_type: str
    numa_nodes: NumaNodes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ClaimDevice:
    """
    One device of a DRA claim, distinct by (driver, pool, device, share_id).

    Kubelets 1.27 to 1.30 name only CDI devices: driver, pool and device are then empty.
    """

    driver: str
    pool: str
    device: str
    share_id: str
    cdi_devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A ResourceClaim that a container refers to; *devices* is empty while the claim is not prepared."""

    namespace: str
    name: str
    devices: tuple[ClaimDevice, ...]


@dataclass(frozen=True, slots=True)
class Container:
    """What one container holds. The kubelet never lists plain init containers."""

    name: str
    devices: tuple[Device, ...] = ()
    exclusive_cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def holds_nothing(self) -> bool:
        """Whether the kubelet granted it nothing exclusive, as for most containers of a node."""
        return not (self.devices or self.exclusive_cpus or self.memory or self.claims)


@dataclass(frozen=True, slots=True)
class Pod:
    """
    What one pod holds. *exclusive_cpus* and *memory* are the pod-level lists of 1.37.

    They repeat what the containers list, so the sets are united and the amounts never added.
    """

    namespace: str
    name: str
    containers: tuple[Container, ...] = ()
    exclusive_cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name): the API has no UID."""
        return (self.namespace, self.name)

    def all_exclusive_cpus(self) -> CpuSet:
        """Return the union of the pod's list and its containers'."""
        held = [container.exclusive_cpus for container in self.containers if container.exclusive_cpus]
        if not self.exclusive_cpus and len(held) == 1:
            return held[0]
        return self.exclusive_cpus.union(*held) if held else self.exclusive_cpus


@dataclass(frozen=True, slots=True, order=True)
class Malformed:
    """
    One item of a usable answer that could not be used: its path and what was wrong.

    *resource* is the extended resource it belongs to, if known.
    """

    path: str
    problem: str
    resource: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, order=True)
class PodSize:
    """How many bytes of an answer one pod takes."""

    size_bytes: int
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """
    One answer to List, or to Get (then of one pod), normalised.

    *merged_pods* counts entries that were merged with another entry of the same (namespace, name); *merged_keys* are
    those names. *unreadable*: the resources whose held amount is unknown because of unreadable items.
    *shared_pool_reported* is true if the answer reports the shared pool as exclusive CPUs (kubelets 1.20 to 1.22).
    *largest_pod* is the pod that takes most of the answer's bytes, even if it could not be used.
    """

    pods: tuple[Pod, ...]
    malformed: tuple[Malformed, ...] = ()
    merged_pods: int = 0
    shared_pool_reported: bool = False
    merged_keys: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False)
    unreadable: Unknown = field(default_factory=Unknown, compare=False)
    largest_pod: PodSize | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Allocatable:
    """
    One answer to GetAllocatableResources: what can be allocated, used or not. Memory is one block per node and type.

    *off_node* are (resource, id) of devices that state only negative NUMA nodes. They have no NUMA node, but unlike
    devices without topology they keep the Topology Manager from finding a suitable node.
    """

    devices: tuple[Device, ...]
    cpus: CpuSet
    memory: tuple[MemoryBlock, ...]
    malformed: tuple[Malformed, ...] = ()
    off_node: frozenset[tuple[str, str]] = frozenset()
