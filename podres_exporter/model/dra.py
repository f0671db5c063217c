"""Dynamic Resource Allocation: devices from ResourceSlices, and which request of a ResourceClaim has which device."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podres_exporter.cpuset import CpuSet
from podres_exporter.errors import Reason
from podres_exporter.model.allocation import NumaNodes

DraKey = tuple[str, str, str]
"""(driver, pool, device): the key that joins claims and slices."""

ClaimKey = tuple[str, str]
"""(namespace, name) of a ResourceClaim."""

Amounts = tuple[tuple[str, int], ...]
"""Amounts by name, sorted: capacities, counters."""


@dataclass(frozen=True, slots=True, order=True)
class DeviceTaint:
    """A taint of a device; NoSchedule and NoExecute make it unavailable to claims, None is informational."""

    key: str
    value: str
    effect: str

    @property
    def repels(self) -> bool:
        """Whether claims without a toleration are kept away."""
        return self.effect in {"NoSchedule", "NoExecute"}


@dataclass(frozen=True, slots=True)
class DraDevice:
    """
    One device of a slice; texts are empty if its driver does not state them.

    *kind* is the partition type, or what the driver calls the type. *is_shared*: several claims may have shares of it.
    *consumes* are amounts of the pool's counters, by (counter set, counter). *cpus* are the CPUs it represents
    (dra-driver-cpu). *attributes* are further attributes to show.
    """

    name: str
    kind: str = ""
    uuid: str = ""
    pci_address: str = ""
    product: str = ""
    profile: str = ""
    parent_uuid: str = ""
    numa_nodes: NumaNodes = frozenset()
    cpus: CpuSet = frozenset()
    taints: tuple[DeviceTaint, ...] = ()
    is_shared: bool = False
    capacity: Amounts = ()
    consumes: tuple[tuple[tuple[str, str], int], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def is_tainted(self) -> bool:
        """Whether claims are kept away from it."""
        return any(taint.repels for taint in self.taints)


@dataclass(frozen=True, slots=True)
class DraPool:
    """
    The devices of one pool, of its highest *generation*.

    *is_complete*: all its slices are known; only then are its devices counted. *is_stale*: its slices are gone, as
    after a driver has stopped, and this is their last content. *is_multi_node*: it is not of this node alone; only the
    devices of claims here are kept, and none is counted.
    """

    driver: str
    name: str
    generation: int
    devices: tuple[DraDevice, ...]
    counters: tuple[tuple[tuple[str, str], int], ...] = ()
    is_complete: bool = True
    is_stale: bool = False
    is_multi_node: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """(driver, pool)."""
        return (self.driver, self.name)


@dataclass(frozen=True, slots=True, order=True)
class ClaimInterface:
    """
    The network interface that a driver made of a device, as it states in the claim's `status.devices`.

    *name* is that in the pod's network namespace. Its IP addresses are not kept.
    """

    name: str = ""
    hardware_address: str = ""


NO_INTERFACE = ClaimInterface()


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """
    One device that was allocated to a claim.

    *request* is the claim's request, `main/sub` if one of several alternatives was chosen. Admin access consumes
    nothing. The *interface* is empty if the driver states none, or has not stated it yet.
    """

    request: str
    driver: str
    pool: str
    device: str
    share_id: str = ""
    is_admin: bool = False
    consumed: Amounts = ()
    interface: ClaimInterface = NO_INTERFACE

    @property
    def key(self) -> DraKey:
        """(driver, pool, device)."""
        return (self.driver, self.pool, self.device)


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """A ResourceClaim as read from the API server; *reserved_for* are the UIDs of the pods that could use it then."""

    namespace: str
    name: str
    uid: str
    results: tuple[ClaimResult, ...]
    reserved_for: frozenset[str] = frozenset()

    @property
    def key(self) -> ClaimKey:
        """(namespace, name)."""
        return (self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Dra:
    """
    What the API server reports about DRA on this node.

    *is_synced*: the slices were listed and have been watched since. *claims* are those of pods here that could be read.
    *reason* is why the slices could not be read last, None while they can.
    """

    pools: tuple[DraPool, ...] = ()
    claims: Mapping[ClaimKey, ClaimFacts] = field(default_factory=dict)
    is_synced: bool = False
    is_up: bool = False
    last_success_seconds: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class DraStock:
    """
    The devices of one driver and kind in complete pools, as sets of (pool, device).

    *allocated* counts each device once, however many share it, and not for admin access; *unavailable* are the tainted
    ones that are not allocated. *fitting* is how many of the available ones the pools' counters allow at once.
    *is_known*: every claim of the pods here is known; otherwise the available amount is not stated.
    """

    driver: str
    kind: str
    total: frozenset[tuple[str, str]]
    allocated: frozenset[tuple[str, str]]
    unavailable: frozenset[tuple[str, str]]
    fitting: int
    is_known: bool = True

    @property
    def available(self) -> frozenset[tuple[str, str]]:
        """Devices that are neither allocated to a claim of a pod here nor tainted."""
        return self.total - self.allocated - self.unavailable


@dataclass(frozen=True, slots=True)
class DraCapacity:
    """One capacity of a driver's shareable devices, and how much of it the claims of pods here consume."""

    driver: str
    capacity: str
    total: int
    consumed: int
    is_known: bool = True

    @property
    def available(self) -> int:
        """The remaining amount, at least 0."""
        return max(0, self.total - self.consumed)


@dataclass(frozen=True, slots=True)
class DraNode:
    """The pools of a node and the devices left in them."""

    pools: tuple[DraPool, ...]
    stock: tuple[DraStock, ...] = ()
    capacity: tuple[DraCapacity, ...] = ()

    def devices(self) -> dict[DraKey, DraDevice]:
        """Return all devices by key."""
        return devices_by_key(self.pools)


def devices_by_key(pools: Iterable[DraPool]) -> dict[DraKey, DraDevice]:
    """Return the devices of pools by (driver, pool, device)."""
    return {(pool.driver, pool.name, device.name): device for pool in pools for device in pool.devices}
