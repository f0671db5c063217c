"""Snapshots for tests of `explain` and `fit`: small nodes, the demo, and recorded kubelets."""

from captures import CAPTURES

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocatable,
    ContainerKind,
    ContainerSpec,
    Core,
    Device,
    Listing,
    MemoryBlock,
    Metadata,
    Pod,
    PodMeta,
    Snapshot,
    Topology,
)
from podres_exporter.podmeta import PodDecoder, decode_list
from podres_exporter.scenario import node_at
from podres_exporter.sim import builtin_scenario
from podres_exporter.wire import AllocatableDecoder, ListDecoder

GIB = 1 << 30
GPU = "nvidia.com/gpu"
NIC = "intel.com/nic"
DEMO_SECONDS = 30.0

# Two NUMA nodes of four cores with two threads each: CPU 0 is paired with 1, 2 with 3, and so on.
TWO_NODES = Topology(
    {0: parse_cpuset("0-7"), 1: parse_cpuset("8-15")}, {cpu: Core(cpu % 8 // 2, cpu // 8) for cpu in range(16)}
)
# CPUs 0 and 8 are reserved.
CPUS = parse_cpuset("1-7,9-15")
GPUS = tuple(Device(GPU, f"GPU-{index}", frozenset([index // 2])) for index in range(4))
MEMORY = tuple(MemoryBlock("memory", frozenset([node]), 16 * GIB) for node in (0, 1))


def small_node(
    *pods: Pod,
    devices: tuple[Device, ...] = GPUS,
    cpus: frozenset[int] = CPUS,
    memory: tuple[MemoryBlock, ...] = MEMORY,
    topology: Topology | None = TWO_NODES,
    metadata: Metadata | None = None,
) -> Snapshot:
    """Return the node `n1`: two NUMA nodes with two GPUs and 16 GiB each, unless told otherwise."""
    allocation = Joiner().join(Listing(pods), Allocatable(devices, cpus, memory), topology, metadata)
    return Snapshot("n1", allocation, metadata)


def demo(metadata: Metadata | None = None, without: frozenset[str] = frozenset()) -> Snapshot:
    """Return the built-in demo's node, as if its pods had been admitted by nobody; *without* pods of these names."""
    scenario = builtin_scenario()
    state = node_at(scenario, DEMO_SECONDS)
    pods = tuple(pod for pod in state.pods if pod.name not in without)
    return Snapshot(scenario.node, Joiner().join(Listing(pods), state.allocatable, state.topology, metadata), metadata)


def recorded(release: str) -> Snapshot:
    """Return a recorded kubelet's node with its own view of the pods, two threads to a core."""
    folder = CAPTURES / release
    listing = ListDecoder().decode((folder / "v1-list.bin").read_bytes())
    allocatable = AllocatableDecoder().decode((folder / "v1-allocatable.bin").read_bytes())
    pods = decode_list((folder / "pods.json").read_bytes(), PodDecoder(LabelAllowlist(everything=True))).pods
    metadata = Metadata({pod.meta.key: pod.meta for pod in pods}, synced=True, is_up=True)
    topology = Topology(
        {0: parse_cpuset("0-3"), 1: parse_cpuset("4-7")}, {cpu: Core(cpu % 4 // 2, cpu // 4) for cpu in range(8)}
    )
    return Snapshot("node1", Joiner().join(listing, allocatable, topology, metadata), metadata)


def known(*pods: PodMeta, synced: bool = True) -> Metadata:
    """Return what the API server says of these pods."""
    return Metadata({pod.key: pod for pod in pods}, synced=synced, is_up=True)


def spec(
    name: str = "main",
    cpus: float = 0,
    memory: int = 0,
    devices: dict[str, int] | None = None,
    kind: ContainerKind = ContainerKind.APP,
) -> ContainerSpec:
    """Return what one container asks for; *cpus* is in CPUs."""
    return ContainerSpec(
        name,
        kind,
        tuple(sorted((devices or {}).items())),
        round(cpus * 1000),
        (("memory", memory),) if memory else (),
    )


def running(
    name: str, *containers: ContainerSpec, namespace: str = "ml", qos: str = "Guaranteed", **more: object
) -> PodMeta:
    """Return a pod that runs; *more* are fields of PodMeta."""
    fields = {"phase": "Running", "has_started": True, "qos_class": qos, **more}
    return PodMeta(namespace, name, f"uid-{name}", containers=containers, **fields)  # type: ignore[arg-type]
