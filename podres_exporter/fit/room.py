"""Free and allocatable amounts of each requested resource, by NUMA node."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.admission import ContainerRequest, CpuManager, MemoryManager, PodRequest, Qos
from podres_exporter.fit.ask import MEMORY
from podres_exporter.fit.node import NodeNow

CPU = "cpu"
"""The name of exclusive CPUs among the resources."""


@dataclass(frozen=True, slots=True)
class Room:
    """
    One resource: *asked*, *free* and *allocatable* on the whole node, in CPUs, devices or bytes.

    *by_node* has (free, allocatable) of each NUMA node; a device near several nodes counts on each. *unplaced* are free
    items without a known node. Unhealthy devices are not counted.
    """

    resource: str
    asked: int
    free: int
    allocatable: int
    by_node: Mapping[int, tuple[int, int]]
    unplaced: int = 0

    def free_on(self, node: int) -> int:
        """Return the amount free near the node; items without a stated node may be near any."""
        return self.by_node.get(node, (0, 0))[0] + self.unplaced

    @property
    def is_placed(self) -> bool:
        """Whether any of it has a NUMA node."""
        return any(allocatable for _, allocatable in self.by_node.values())

    @property
    def most_on_one_node(self) -> int:
        """The largest amount on one NUMA node, free or not."""
        return max((allocatable for _, allocatable in self.by_node.values()), default=0)


def amounts(now: NodeNow, pod: PodRequest, container: ContainerRequest | None = None) -> Mapping[str, int]:
    """
    Return the requests to this node's managers: of one container, or the maximum of the whole pod at any time.

    Exclusive CPUs come first, then memory by type, then devices; resources without a manager on this node are left out.
    """

    def most(amount: Callable[[ContainerRequest], int]) -> int:
        return pod.total(amount) if container is None else amount(container)

    asking = pod.containers if container is None else (container,)
    found: dict[str, int] = {}
    if now.managers.cpus is not None:
        found[CPU] = most(pod.exclusive_cpus)
    if now.managers.memory is not None and pod.qos is Qos.GUARANTEED:
        types = {kind for each in asking for kind in each.memory_by_type()}
        found |= {kind: most(_bytes_of(kind)) for kind in sorted(types, key=lambda kind: (kind != MEMORY, kind))}
    resources = {resource for each in asking for resource in each.devices}
    found |= {resource: most(_count_of(resource)) for resource in sorted(resources)}
    return {resource: asked for resource, asked in found.items() if asked}


def _bytes_of(memory_type: str) -> Callable[[ContainerRequest], int]:
    return lambda container: container.memory_by_type().get(memory_type, 0)


def _count_of(resource: str) -> Callable[[ContainerRequest], int]:
    return lambda container: container.devices.get(resource, 0)


def rooms(now: NodeNow, asked: Mapping[str, int], *, cpus_are_placed: bool) -> tuple[Room, ...]:
    """Return the room for each requested resource; *cpus_are_placed*: the topology is known."""
    return tuple(_room(now, resource, count, cpus_are_placed=cpus_are_placed) for resource, count in asked.items())


def _room(now: NodeNow, resource: str, asked: int, *, cpus_are_placed: bool) -> Room:
    managers = now.managers
    if resource == CPU and managers.cpus is not None:
        return _cpu_room(managers.cpus, asked, is_placed=cpus_are_placed)
    if "/" not in resource and managers.memory is not None:
        return _memory_room(managers.memory, resource, asked)
    return _device_room(now, resource, asked)


def _cpu_room(cpus: CpuManager, asked: int, *, is_placed: bool) -> Room:
    free, allocatable = cpus.available, cpus.allocatable
    if not is_placed:
        return Room(CPU, asked, len(free), len(allocatable), {}, len(free))
    by_node = {node: (len(free & own), len(allocatable & own)) for node, own in cpus.topology.cpus_by_node.items()}
    return Room(CPU, asked, len(free), len(allocatable), by_node)


def _memory_room(memory: MemoryManager, kind: str, asked: int) -> Room:
    tables = {node: own.tables[kind] for node, own in memory.machine.items() if kind in own.tables}
    by_node = {node: (table.free, table.allocatable) for node, table in tables.items()}
    return Room(kind, asked, _sum(by_node, 0), _sum(by_node, 1), by_node)


def _sum(by_node: Mapping[int, tuple[int, int]], place: int) -> int:
    return sum(pair[place] for pair in by_node.values())


def _device_room(now: NodeNow, resource: str, asked: int) -> Room:
    numa_nodes = now.managers.numa_nodes
    taken = {
        each.device_id for held in now.managers.devices.held.values() for each in held if each.resource == resource
    }
    usable = [device for device in now.offers.get(resource, ()) if device.healthy]
    free = [device for device in usable if device.device_id not in taken]
    by_node = {
        node: (_near([d.numa_nodes for d in free], node), _near([d.numa_nodes for d in usable], node))
        for node in sorted(numa_nodes)
    }
    unplaced = sum(not device.numa_nodes for device in free)
    return Room(resource, asked, len(free), len(usable), by_node, unplaced)


def _near(devices: Iterable[frozenset[int]], node: int) -> int:
    return sum(node in nodes for nodes in devices)
