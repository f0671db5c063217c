"""What the node has of devices, CPUs and memory, what is held of it, and what is free."""

from dataclasses import dataclass

from podres_exporter.cpuset import CpuSet
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class DeviceStock:
    """
    The devices of one resource on the same set of NUMA nodes, as sets of ids.

    *reported* is what the kubelet calls allocatable, None if it does not serve that; *held* is what containers hold.
    *off_node* are reported ones whose plugin states an invalid node (-1), so that no NUMA node suits them. *unlisted*
    is the number of held devices of the resource that the kubelet does not list; they may be any of the free ones. Not
    *is_complete*: more may be held than is known, so the free amount is unknown. *held_by_dra* are reported devices
    that no container holds but whose hardware belongs to a DRA claim.
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
        """Reported or held: a held device can be missing from the report (unhealthy, plugin gone, empty topology)."""
        return None if self.reported is None else self.reported | self.held

    @property
    def free(self) -> frozenset[str] | None:
        """Reported and not listed as held, None if that is unknown; *unlisted* of them are in fact held."""
        if self.reported is None or not self.is_complete:
            return None
        return self.reported - self.held - self.held_by_dra

    @property
    def surely_free(self) -> int | None:
        """The number of devices that are free whichever devices the unlisted ones are."""
        return None if self.free is None else max(0, len(self.free) - self.unlisted)

    @property
    def unallocatable_held(self) -> frozenset[str] | None:
        """Held although not reported as allocatable."""
        return None if self.reported is None else self.held - self.reported


@dataclass(frozen=True, slots=True)
class CpuStock:
    """
    The node's CPUs. *allocatable* unites the CPUs that the kubelet reports, those that a DRA driver grants one by one,
    and held ones; None if the kubelet does not report allocatable resources. *by_driver* are those that only a DRA
    driver grants.

    *unlisted* is the number of exclusively held CPUs that are not listed; they may be any of the shared pool, except
    those in *unlisted_on*: (NUMA node, number) of those whose node is known. Not *is_complete*: more may be held than
    is known.
    """

    allocatable: CpuSet | None
    exclusive: CpuSet
    unlisted: int = 0
    is_complete: bool = True
    by_driver: CpuSet = frozenset()
    unlisted_on: tuple[tuple[int, int], ...] = ()

    @property
    def by_kubelet(self) -> CpuSet | None:
        """What the kubelet's own CPU manager hands out: nothing unless its policy is static; None: not known."""
        return None if self.allocatable is None else self.allocatable - self.by_driver

    def unlisted_at(self, node: int | None) -> int:
        """Return how many of the unlisted CPUs may be on the NUMA node."""
        return self.unlisted - sum(count for other, count in self.unlisted_on if other != node)

    @property
    def shared_pool(self) -> CpuSet | None:
        """Allocatable CPUs that no container holds exclusively: an upper bound of the free ones; None if unknown."""
        return None if self.allocatable is None or not self.is_complete else self.allocatable - self.exclusive


@dataclass(frozen=True, slots=True)
class MemoryStock:
    """
    Bytes of one memory type on one set of NUMA nodes; *reported_bytes* is None if none is reported.

    *unlisted_bytes* are held on some NUMA node though the kubelet does not list them. Not *is_complete*: more may be
    held than is known.
    """

    memory_type: str
    numa_nodes: NumaNodes
    reported_bytes: int | None
    held_bytes: int
    unlisted_bytes: int = 0
    is_complete: bool = True
