"""Rebuild the kubelet's resource managers from its answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.admission import (
    CpuManager,
    DeviceManager,
    Machine,
    MemoryManager,
    MemoryTable,
    NodeManagers,
    NodeMemory,
    Offers,
    PluginDevice,
)
from podres_exporter.join.stock import pod_memory
from podres_exporter.model import Allocation, PodKey, Topology

_NO_SUCH_NODE = frozenset([-1])


@dataclass(frozen=True, slots=True)
class NodeNow:
    """The managers with everything held, and the devices that the plugins offer."""

    managers: NodeManagers
    offers: Offers


def uid_of(key: PodKey) -> str:
    """Return the substitute for the pod's UID in the managers, as the kubelet's answers have none."""
    return "/".join(key)


def node_now(allocation: Allocation, resources: Iterable[str] = (), *, full_pcpus_only: bool = False) -> NodeNow:
    """
    Return the node's managers according to the kubelet's answers; *full_pcpus_only* is an unreported option.

    A manager is None if nothing allocatable of its kind is reported: its policy is then not static. Requested
    *resources* that are not reported are offered without devices, so that a request for them fails; a kubelet that does
    not know them would start the pod without, but the scheduler would not place it there. Held devices that are not
    reported count as unhealthy. Without topology, the CPU manager sees all CPUs on one node, and the machine has the
    nodes named by memory and devices.
    """
    topology = allocation.topology
    machine = _machine(allocation)
    numa_nodes = topology.nodes if topology is not None else _named_nodes(allocation)
    devices = DeviceManager(
        numa_nodes,
        {
            (uid_of(view.pod.key), each.name): frozenset(each.devices)
            for view in allocation.pods
            for each in view.pod.containers
            if each.devices
        },
    )
    return NodeNow(
        NodeManagers(
            numa_nodes or frozenset([0]),
            devices,
            _cpus(allocation, full_pcpus_only=full_pcpus_only),
            _memory(allocation, machine),
        ),
        {**dict.fromkeys(resources, ()), **_offers(allocation)},
    )


def _named_nodes(allocation: Allocation) -> frozenset[int]:
    """Return the NUMA nodes named by memory and devices."""
    memory = (row.numa_nodes for row in allocation.memory)
    return frozenset[int]().union(*memory, *(row.numa_nodes for row in allocation.devices))


def _cpus(allocation: Allocation, *, full_pcpus_only: bool) -> CpuManager | None:
    """Return the CPU manager; every online CPU that is not allocatable is reserved."""
    allocatable = allocation.cpus.by_kubelet
    if not allocatable:
        return None
    topology = allocation.topology or Topology({0: allocatable})
    held = {(uid_of(view.pod.key), ""): view.pod.all_exclusive_cpus() for view in allocation.pods}
    return CpuManager(
        topology, topology.online - allocatable, {key: cpus for key, cpus in held.items() if cpus}, full_pcpus_only
    )


def _memory(allocation: Allocation, machine: Machine) -> MemoryManager | None:
    """
    Return the memory manager, each block under its own key, because the container does not matter here.

    Blocks of one node are placed first; blocks of several nodes, whose split is unknown, take what remains.
    """
    if not any(row.reported_bytes for row in allocation.memory):
        return None
    manager = MemoryManager(machine)
    held = [
        (uid_of(view.pod.key), str(index), block)
        for view in allocation.pods
        for index, block in enumerate(pod_memory(view.pod, view.meta))
        if block.numa_nodes
    ]
    for uid, index, block in sorted(held, key=lambda row: len(row[2].numa_nodes)):
        manager = manager.holding(uid, index, (block,))
    return manager


def _machine(allocation: Allocation) -> Machine:
    """Return the idle machine: the kubelet reports allocatable memory per node."""
    tables: defaultdict[int, dict[str, MemoryTable]] = defaultdict(dict)
    for row in allocation.memory:
        for node in row.numa_nodes:
            if len(row.numa_nodes) == 1 and row.reported_bytes:
                tables[node][row.memory_type] = MemoryTable(row.reported_bytes)
            else:
                tables[node].setdefault(row.memory_type, MemoryTable(0))
    return {node: NodeMemory(tables[node], frozenset([node])) for node in sorted(tables)}


def _offers(allocation: Allocation) -> Mapping[str, tuple[PluginDevice, ...]]:
    """
    Return every device that is reported (healthy) or only held (unhealthy), by resource and id.

    One with an invalid node keeps -1: the Topology Manager finds no suitable node for it.
    """
    offers: defaultdict[str, list[PluginDevice]] = defaultdict(list)
    for row in allocation.devices:
        reported = row.reported or frozenset()
        offers[row.resource] += [
            PluginDevice(
                device_id,
                _NO_SUCH_NODE if device_id in row.off_node else row.numa_nodes,
                healthy=device_id in reported,
            )
            for device_id in sorted(reported | row.held)
        ]
    return {name: tuple(sorted(offer, key=lambda device: device.device_id)) for name, offer in offers.items()}
