"""Nodes for tests of the page: of any size, and one with hostile names."""

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocatable,
    Claim,
    ClaimDevice,
    Container,
    Core,
    Device,
    Listing,
    MemoryBlock,
    Part,
    Pod,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Topology,
)

GIB = 1 << 30
MOMENT = 1_790_000_000.0
CURRENT = (Part("pods", stale=False, held=False), Part("allocatable", stale=False, held=False))
WELL = (
    SourceHealth("kubelet", up=True, last_success_seconds=MOMENT),
    SourceHealth("topology", up=True, last_success_seconds=MOMENT),
)

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "a\u202egpj.exe",
    "nul\x00 bell\x07 escape\x1b[31m",
    "</title></style><svg onload=alert(1)>",
    "&lt;b&gt;&amp;",
    "javascript:alert(1)",
    "\ud800 lone, \U0001f600 wide, \u0627\u0644 backwards",
    "line\nends\r\nand\ttabs",
    "x" * 2000,
)
"""What a device plugin, or an API server that is not ours, may call a thing."""


def snapshot(
    pods: tuple[Pod, ...],
    allocatable: Allocatable | None,
    topology: Topology | None,
    *,
    node: str = "node-1",
    sources: tuple[SourceHealth, ...] = WELL,
    parts: tuple[Part, ...] = CURRENT,
) -> Snapshot:
    """Return what the exporter makes of these answers."""
    allocation = Joiner().join(Listing(pods), allocatable, topology)
    return Snapshot(node, allocation, None, sources, _rpcs(allocatable), parts)


def _rpcs(allocatable: Allocatable | None) -> tuple[RpcSupport, ...]:
    support = Support.UNSUPPORTED if allocatable is None else Support.SUPPORTED
    return (RpcSupport("List", Support.SUPPORTED), RpcSupport("GetAllocatableResources", support))


def machine(cpus: int, nodes: int, threads: int = 2) -> Topology:
    """Return a machine whose CPUs are numbered as kernels do: first the cores, then their other threads."""
    cores = cpus // threads
    per_node = max(1, cores // nodes)
    by_core = {cpu: cpu % cores for cpu in range(cpus)}
    node_of = {cpu: min(core // per_node, nodes - 1) for cpu, core in by_core.items()}
    return Topology(
        {node: frozenset(cpu for cpu in node_of if node_of[cpu] == node) for node in range(nodes)},
        {cpu: Core(core, node_of[cpu]) for cpu, core in by_core.items()},
    )


def tiny() -> Snapshot:
    """Return a node with two CPUs of one core, one NUMA node, and one pod."""
    topology = machine(2, 1)
    pod = Pod("default", "sensor-0", (Container("main", (Device("example.com/uart", "ttyS1", frozenset()),)),))
    devices = (Device("example.com/uart", "ttyS0", frozenset()), Device("example.com/uart", "ttyS1", frozenset()))
    return snapshot((pod,), Allocatable(devices, frozenset({1}), ()), topology, node="edge-7")


def huge(cpus: int = 512, nodes: int = 8, devices: int = 2000, pods: int = 60, threads: int = 2) -> Snapshot:
    """Return a large node; half of the CPUs and about a third of the devices are held."""
    topology = machine(cpus, nodes, threads)
    stock = tuple(
        Device("example.com/vf" if index % 4 else "nvidia.com/gpu", _device(index), frozenset({index % nodes}))
        for index in range(devices)
    )
    listed = tuple(_worker(topology, stock, index, cpus // 2 // pods) for index in range(pods))
    blocks = tuple(MemoryBlock("memory", frozenset({node}), 512 * GIB) for node in range(nodes))
    reserved = parse_cpuset("0-3")
    allocatable = Allocatable(stock, topology.online - reserved, blocks)
    return snapshot(listed, allocatable, topology, node="huge-node-with-a-long-name.eu-central-1.compute.internal")


def _device(index: int) -> str:
    return f"0000:{index // 256:02x}:{index % 256 // 8:02x}.{index % 8}" if index % 4 else f"GPU-{index * 7919:08x}"


def _worker(topology: Topology, stock: tuple[Device, ...], index: int, cores: int) -> Pod:
    """Return a pod with CPUs and memory of a node, and devices that are mostly of the same."""
    node = index % len(topology.nodes)
    rank = index // len(topology.nodes)
    cpus = sorted(topology.cpus_by_node[node] - parse_cpuset("0-3"))
    mine = frozenset(cpus[rank * cores : (rank + 1) * cores])
    near = [device for device in stock if device.numa_nodes == {node}]
    held = tuple(near[rank * 10 : rank * 10 + 9]) + stock[index : index + 1]
    block = MemoryBlock("memory", frozenset({node}), 8 * GIB)
    container = Container("worker", tuple(sorted(set(held), key=lambda each: each.device_id)), mine, (block,))
    return Pod(f"team-{index % 7}", f"job-{index:03d}-worker", (container, Container("sidecar")))


def evil() -> Snapshot:
    """Return a node on which everything that can be named is named to do harm."""
    topology = machine(64, 2)
    pods = []
    for index, name in enumerate(EVIL):
        device = Device(name, f"{name}::{index}", frozenset({index % 2}))
        block = MemoryBlock(name, frozenset({0}), GIB)
        claim = Claim(name, name, (ClaimDevice(name, name, name, name, (name,)),))
        container = Container(name, (device,), frozenset({index * 2}), (block,), (claim,))
        pods.append(Pod(name, name, (container,)))
    pods.sort(key=lambda pod: pod.key)
    devices = tuple(Device(name, f"{name}::{share}", frozenset()) for name in EVIL[:3] for share in range(3))
    return snapshot(tuple(pods), Allocatable(devices, topology.online, ()), topology, node=EVIL[0])
