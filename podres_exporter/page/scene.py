"""The model of the page: the holders of each CPU, device and memory block, and the places they are on."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.join import pod_memory
from podres_exporter.model import (
    Allocation,
    ClaimUse,
    DeviceHealth,
    DeviceStock,
    DraDevice,
    DraKey,
    MemoryStock,
    Pod,
    PodKey,
    PodMeta,
    PodView,
    Snapshot,
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


@dataclass(frozen=True, slots=True)
class Scene:
    """
    The holders of everything, in the order of the pods.

    *health* has what the pod's status says of a device of a plugin, or of a DRA device under (driver, pool/device),
    where that is not `Healthy`. *dra* is what ResourceSlices say of devices.
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


def scene(snapshot: Snapshot, allocation: Allocation) -> Scene:
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
    )


def _badges(allocation: Allocation, metas: Mapping[PodKey, PodMeta]) -> Mapping[PodKey, Badge]:
    """Return the badges: whoever has CPUs or memory of his own takes part in more pictures and chooses first."""
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


@dataclass(frozen=True, slots=True)
class Place:
    """One NUMA node, a set of several, or the empty set; with what sits there and nowhere else."""

    nodes: NumaNodes
    cpus: CpuSet
    devices: tuple[DeviceStock, ...]
    memory: tuple[MemoryStock, ...]

    @property
    def name(self) -> str:
        """What to call it in a heading."""
        if not self.nodes:
            return "No NUMA node stated"
        return f"NUMA node{'s' if len(self.nodes) > 1 else ''} {format_cpuset(self.nodes)}"

    @property
    def identifier(self) -> str:
        """What to call it within the page; safe for an attribute."""
        return f"numa-{format_cpuset(self.nodes) or 'none'}"


def places(allocation: Allocation) -> tuple[Place, ...]:
    """
    Return the single nodes, ascending, then sets of several, then what is on no stated node.

    A node of the machine is there even if nothing is on it; CPUs are on one node or on no stated one.
    """
    topology = allocation.topology
    known = (allocation.cpus.allocatable or frozenset()) | allocation.cpus.exclusive
    if topology is not None:
        known |= topology.online
    cpus: dict[NumaNodes, CpuSet] = {}
    for node, held in topology.split(known) if topology else ((None, known),):
        cpus[frozenset() if node is None else frozenset({node})] = held
    sets = {stock.numa_nodes for stock in allocation.devices} | {stock.numa_nodes for stock in allocation.memory}
    sets |= {nodes for nodes, held in cpus.items() if held}
    sets |= {frozenset({node}) for node in topology.nodes} if topology else set()
    return tuple(
        Place(
            nodes,
            cpus.get(nodes, frozenset()),
            tuple(stock for stock in allocation.devices if stock.numa_nodes == nodes),
            tuple(stock for stock in allocation.memory if stock.numa_nodes == nodes),
        )
        for nodes in sorted(sets, key=lambda each: (not each, len(each), sorted(each)))
    )
