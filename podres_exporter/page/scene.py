"""The view model of the page: the holders of each CPU, device and memory block, and problems of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podres_exporter.cpuset import CpuSet
from podres_exporter.join import pod_memory
from podres_exporter.join.hardware import hardware_of, same_hardware
from podres_exporter.model import (
    Allocation,
    ClaimUse,
    DeviceHealth,
    DoubleHeld,
    DraDevice,
    DraKey,
    Pod,
    PodKey,
    PodMeta,
    PodView,
    Snapshot,
    Topology,
)
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.page.badge import Badge, badges

HEALTHY = "Healthy"
_HOLDS_NOTHING = 2


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that holds a thing; *container* is empty where the pod as a whole does."""

    badge: Badge
    container: str


@dataclass(frozen=True, slots=True)
class ClaimHolder:
    """A container that uses a claim's device, and by which claim."""

    holder: Holder
    use: ClaimUse

    @property
    def key(self) -> DraKey:
        """(driver, pool, device)."""
        return (self.use.device.driver, self.use.device.pool, self.use.device.device)


@dataclass(frozen=True, slots=True)
class Scene:
    """
    The holders of everything, in the order of the pods.

    *health* has what the pod's status says of a device of a plugin, or of a DRA device under (driver, pool/device),
    where that is not `Healthy`. *dra* is what ResourceSlices say of devices. *doubles* has what two pods hold, by
    resource and item as in `DoubleHeld`, *doubles_of* the same by (namespace, pod, container). *dual* has the DRA
    devices that are the same hardware as a plugin's device, by resource and device id. *siblings* are the CPUs of one
    core, by each of them. Ages count to *now_seconds*.
    """

    allocation: Allocation
    badges: Mapping[PodKey, Badge]
    metas: Mapping[PodKey, PodMeta]
    cpus: Mapping[int, tuple[Holder, ...]] = field(default_factory=dict)
    devices: Mapping[tuple[str, str], tuple[Holder, ...]] = field(default_factory=dict)
    memory: Mapping[tuple[str, NumaNodes], tuple[tuple[Badge, int], ...]] = field(default_factory=dict)
    claims: tuple[ClaimHolder, ...] = ()
    health: Mapping[tuple[str, str], DeviceHealth] = field(default_factory=dict)
    unallocatable: frozenset[tuple[str, str]] = frozenset()
    dra: Mapping[DraKey, DraDevice] = field(default_factory=dict)
    doubles: Mapping[tuple[str, str], DoubleHeld] = field(default_factory=dict)
    doubles_of: Mapping[tuple[str, str, str], Sequence[DoubleHeld]] = field(default_factory=dict)
    dual: Mapping[tuple[str, str], frozenset[DraKey]] = field(default_factory=dict)
    siblings: Mapping[int, CpuSet] = field(default_factory=dict)
    now_seconds: float = 0.0

    def started_seconds(self, pod: PodKey) -> float | None:
        """Return when the pod was started; None where that is not known."""
        meta = self.metas.get(pod)
        return meta.started_seconds if meta else None

    def dual_holders(self, key: tuple[str, str]) -> list[Holder]:
        """Return who has, by DRA, the hardware of a plugin's device; admin access holds nothing."""
        same = self.dual.get(key, frozenset())
        return [each.holder for each in self.claims if same and each.key in same and not each.use.is_admin]


def scene(snapshot: Snapshot, allocation: Allocation, now_seconds: float) -> Scene:
    """Return the scene of a snapshot that has an allocation."""
    metas = snapshot.metadata.pods if snapshot.metadata else {}
    marks = _badges(allocation, metas)
    cpus: defaultdict[int, list[Holder]] = defaultdict(list)
    devices: defaultdict[tuple[str, str], list[Holder]] = defaultdict(list)
    memory: defaultdict[tuple[str, NumaNodes], list[tuple[Badge, int]]] = defaultdict(list)
    claims = []
    health: dict[tuple[str, str], DeviceHealth] = {}
    for view in allocation.pods:
        badge = marks[view.pod.key]
        for each in view.containers:
            holder = Holder(badge, each.container.name)
            for cpu in each.container.exclusive_cpus:
                cpus[cpu].append(holder)
            for device in each.container.devices:
                devices[device.resource, device.device_id].append(holder)
            claims += [ClaimHolder(holder, use) for use in each.claim_uses]
            health |= {(row.resource, _health_name(row)): row for row in each.health if row.health != HEALTHY}
        for cpu in view.pod.exclusive_cpus:
            if cpu not in cpus:
                cpus[cpu].append(Holder(badge, ""))
        for block in pod_memory(view.pod, view.meta):
            memory[block.memory_type, block.numa_nodes].append((badge, block.size_bytes))
    return Scene(
        allocation,
        marks,
        metas,
        {cpu: tuple(held) for cpu, held in cpus.items()},
        {key: tuple(held) for key, held in devices.items()},
        {key: tuple(held) for key, held in memory.items()},
        tuple(claims),
        health,
        frozenset((stock.resource, each) for stock in allocation.devices for each in stock.unallocatable_held or ()),
        allocation.dra.devices() if allocation.dra else {},
        {(each.resource, each.item): each for each in allocation.doubles or ()},
        _doubles_of(allocation),
        _dual(allocation),
        _siblings(allocation.topology),
        now_seconds,
    )


def _siblings(topology: Topology | None) -> Mapping[int, CpuSet]:
    """Return, by CPU, all CPUs of its core, where cores have several and are known."""
    cores: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for cpu, core in topology.core_by_cpu.items() if topology else ():
        if core.core >= 0:
            cores[core.socket, core.core].add(cpu)
    shared = [frozenset(cpus) for cpus in cores.values() if len(cpus) > 1]
    return {cpu: cpus for cpus in shared for cpu in cpus}


def _doubles_of(allocation: Allocation) -> Mapping[tuple[str, str, str], Sequence[DoubleHeld]]:
    found: defaultdict[tuple[str, str, str], list[DoubleHeld]] = defaultdict(list)
    for double in allocation.doubles or ():
        for holder in double.holders:
            found[holder.namespace, holder.pod, holder.container].append(double)
    return found


def _dual(allocation: Allocation) -> Mapping[tuple[str, str], frozenset[DraKey]]:
    """Return the plugins' devices that a DRA driver offers too; nearly always there are none."""
    hardware = hardware_of(allocation.dra.pools) if allocation.dra else {}
    if not hardware:
        return {}
    keys = {
        (stock.resource, each): same_hardware(each, stock.resource, hardware)
        for stock in allocation.devices
        for each in stock.held | (stock.reported or frozenset())
    }
    return {key: found for key, found in keys.items() if found}


def _badges(allocation: Allocation, metas: Mapping[PodKey, PodMeta]) -> Mapping[PodKey, Badge]:
    """Return the badges; pods with exclusive CPUs or memory appear in more pictures and get their colour first."""
    ranks = {view.pod.key: _rank(view) for view in allocation.pods}
    ordered = sorted(ranks, key=lambda key: (ranks[key], key))
    coloured = [key for key in ordered if ranks[key] < _HOLDS_NOTHING]
    return badges(coloured, [*ordered[len(coloured) :], *sorted(metas.keys() - ranks.keys())])


def _rank(view: PodView) -> int:
    if view.pod.all_exclusive_cpus():
        return 0
    if holds_nothing(view.pod):
        return _HOLDS_NOTHING
    return 1


def holds_nothing(pod: Pod) -> bool:
    """Return whether neither the pod nor a container of it holds anything of its own."""
    return all(each.holds_nothing for each in pod.containers) and not (pod.exclusive_cpus or pod.memory)


def _health_name(row: DeviceHealth) -> str:
    return f"{row.pool}/{row.device}" if row.pool else row.device


def numbers(holders: tuple[Holder, ...]) -> str:
    """Return the numbers of the pods that hold a thing, each once."""
    return " ".join(dict.fromkeys(str(holder.badge.number) for holder in holders))
