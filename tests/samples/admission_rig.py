"""Nodes and pods for tests of admission: by default two NUMA nodes of four CPUs, two threads per core."""

from collections.abc import Mapping

from podres_exporter.admission import (
    Amounts,
    ContainerRequest,
    CpuManager,
    DeviceManager,
    Kind,
    MemoryManager,
    NodeManagers,
    PluginDevice,
    PodRequest,
    new_machine,
)
from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.model import Core, Topology

MIB = 1 << 20
GIB = 1 << 30


def machine_topology(nodes: int = 2, cores: int = 2, threads: int = 2, nodes_per_socket: int = 1) -> Topology:
    """Return nodes of *cores* x *threads* CPUs, numbered node by node and core by core; core numbers repeat."""
    size = cores * threads
    return Topology(
        {node: frozenset(range(node * size, (node + 1) * size)) for node in range(nodes)},
        {
            cpu: Core(core=cpu % (size * nodes_per_socket) // threads, socket=cpu // (size * nodes_per_socket))
            for cpu in range(nodes * size)
        },
    )


def cpu_manager(topology: Topology | None = None, reserved: str = "0,4") -> CpuManager:
    return CpuManager(topology or machine_topology(), parse_cpuset(reserved))


def memory_manager(
    nodes: int = 2, gib: int = 4, hugepages: Mapping[int, Mapping[str, int]] | None = None
) -> MemoryManager:
    total = dict.fromkeys(range(nodes), gib * GIB)
    return MemoryManager(new_machine(total, hugepages or {}, {}))


def managers(topology: Topology | None = None, reserved: str = "0,4", *, memory_gib: int = 4) -> NodeManagers:
    """Return an idle node with static CPU manager and Static memory manager."""
    topology = topology or machine_topology()
    return NodeManagers(
        topology.nodes,
        DeviceManager(topology.nodes),
        cpu_manager(topology, reserved),
        memory_manager(len(topology.nodes), memory_gib),
    )


def want(
    name: str = "main",
    cpus: float = 0.1,
    memory: int = 64 * MIB,
    kind: Kind = Kind.APP,
    devices: Mapping[str, int] | None = None,
    hugepages: Mapping[str, int] | None = None,
) -> ContainerRequest:
    """Return a container whose limits are its requests."""
    amounts = Amounts(int(cpus * 1000), memory)
    return ContainerRequest(name, kind, amounts, amounts, hugepages or {}, devices or {})


def burstable(name: str = "main", devices: Mapping[str, int] | None = None) -> ContainerRequest:
    return ContainerRequest(name, requests=Amounts(1000, 0), devices=devices or {})


def pod(*containers: ContainerRequest, uid: str = "uid") -> PodRequest:
    return PodRequest("default", uid, uid, containers)


def offer(*numa_nodes: set[int], prefix: str = "d", sick: frozenset[int] = frozenset()) -> tuple[PluginDevice, ...]:
    """Return devices d0, d1, ... on these nodes, those numbered in *sick* unhealthy."""
    return tuple(
        PluginDevice(f"{prefix}{index}", frozenset(nodes), healthy=index not in sick)
        for index, nodes in enumerate(numa_nodes)
    )


def cpus(text: str) -> CpuSet:
    return parse_cpuset(text)
