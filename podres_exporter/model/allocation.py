"""What the kubelet reports: which container holds what, and what is allocatable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from podres_exporter.cpuset import CpuSet

NumaNodes = frozenset[int]
"""Numbers of NUMA nodes; empty means that nothing was stated, never "node 0"."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """
    Of what it is not known how much is held, so that nothing can be said of what is free.

    *everything*: of all. *resources* are extended resources, `cpu` and memory types (`memory`, `hugepages-2Mi`).
    *devices*: of every extended resource, as where a device without the name of its resource is held.
    """

    everything: bool = False
    devices: bool = False
    resources: frozenset[str] = frozenset()

    def covers(self, resource: str) -> bool:
        """Tell whether what is free of the resource is not known."""
        return self.everything or resource in self.resources or (self.devices and "/" in resource)

    def __or__(self, other: "Unknown") -> "Unknown":
        """Return what is not known for either reason."""
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
    """Return the ids of devices, resource by resource; they are sorted, so that each resource comes once."""
    return [(resource, list(map(_device_id, run))) for resource, run in groupby(devices, _resource)]


def count_by_resource(devices: Sequence[Device]) -> list[tuple[str, int]]:
    """Return how many devices there are of each resource; nearly always there is one."""
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
    """What one container holds. A plain init container is never listed by the kubelet."""

    name: str
    devices: tuple[Device, ...] = ()
    exclusive_cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def holds_nothing(self) -> bool:
        """Whether the kubelet granted it nothing of its own: most containers of a node."""
        return not (self.devices or self.exclusive_cpus or self.memory or self.claims)


@dataclass(frozen=True, slots=True)
class Pod:
    """
    What one pod holds. *exclusive_cpus* and *memory* are the pod-level lists of 1.37.

    They repeat what the containers list, so they are united with it and never added.
    """

    namespace: str
    name: str
    containers: tuple[Container, ...] = ()
    exclusive_cpus: CpuSet = frozenset()
    memory: tuple[MemoryBlock, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name): the API carries no UID."""
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
    One item of a good answer that could not be used: where it stood and what was wrong with it.

    *resource* is the extended resource that it was of, where that is known.
    """

    path: str
    problem: str
    resource: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, order=True)
class PodSize:
    """How many bytes of an answer a pod takes."""

    size_bytes: int
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """
    One answer to List, or to Get (then of one pod), normalised.

    *merged_pods* counts entries that shared a (namespace, name) with another entry and were united with it;
    *merged_keys* are their names. *unreadable*: of what it is not known how much is held, because of items that could
    not be read. *shared_pool_reported* is true where the answer carried the shared pool as if it were exclusive
    (kubelets 1.20 to 1.22).
    *largest_pod* is the pod that takes most of the answer's bytes, whatever is left of it here.
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
    One answer to GetAllocatableResources: what may be handed out, used or not. Memory is one block per node and type.

    *off_node* are (resource, id) of devices whose every stated node is negative. They have no NUMA node, but unlike
    devices that state none they keep the Topology Manager from finding any that would do.
    """

    devices: tuple[Device, ...]
    cpus: CpuSet
    memory: tuple[MemoryBlock, ...]
    malformed: tuple[Malformed, ...] = ()
    off_node: frozenset[tuple[str, str]] = frozenset()
