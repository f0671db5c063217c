"""Snapshots for tests of dump: recorded kubelets, the demo, and a node with every problem."""

from dataclasses import replace

from asking_rig import demo, recorded
from builders import allocatable, block, container, device, gpu, pod
from captures import CAPTURES

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join import Joiner, accrue
from podres_exporter.model import (
    Claim,
    ClaimDevice,
    ContainerKind,
    ContainerSpec,
    Listing,
    Metadata,
    Part,
    PodMeta,
    ResourceHealth,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Topology,
    Usage,
)
from podres_exporter.wire import AllocatableDecoder, ListDecoder

ASKED_AT_SECONDS = 1_700_000_000.0
HELD_SECONDS = 10.0
RPCS = ("List", "GetAllocatableResources", "Get")
LONG_POD = "llm-pretraining-run-2026-11-with-an-unusually-long-experiment-name-5d8f7c9b4-x2lkq"
LONG_RESOURCE = "accelerators.vendor.example.com/tensor-processor-v4.shared"
LONG_ID = "TPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a00-slot-0000:3b:02.0-partition-17"


def well(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with all its sources up and fresh, and what was held for ten seconds."""
    sources = ("kubelet", "topology", *(["metadata"] if snapshot.metadata else []))
    return replace(
        snapshot,
        sources=tuple(SourceHealth(source, True, ASKED_AT_SECONDS) for source in sources),
        rpcs=tuple(RpcSupport(rpc, Support.SUPPORTED) for rpc in RPCS),
        parts=tuple(Part(part, stale=False, held=False) for part in ("pods", "allocatable")),
        usage=accrue(Usage(), snapshot.allocation, HELD_SECONDS) if snapshot.allocation else Usage(),
    )


def with_metadata(release: str) -> Snapshot:
    return well(recorded(release))


def without_metadata(release: str) -> Snapshot:
    """Return a recorded kubelet's node without what the API server says."""
    folder = CAPTURES / release
    listing = ListDecoder().decode((folder / "v1-list.bin").read_bytes())
    reported = AllocatableDecoder().decode((folder / "v1-allocatable.bin").read_bytes())
    topology = Topology({0: parse_cpuset("0-3"), 1: parse_cpuset("4-7")})
    return well(Snapshot("node1", Joiner().join(listing, reported, topology)))


def builtin_demo() -> Snapshot:
    """Return the node of the built-in demo at its thirtieth second."""
    return well(demo())


def nasty() -> Snapshot:
    """Return a node with two NUMA nodes whose kubelet has gone away, after much else had gone wrong."""
    topology = Topology({0: parse_cpuset("0-15,32-47"), 1: parse_cpuset("16-31,48-63")})
    memory = tuple(block(262_144, node) for node in (0, 1))
    pages = tuple(block(16_384, node, memory_type="hugepages-1Gi") for node in (0, 1))
    reported = allocatable(
        *(gpu(f"GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a0{index}", index // 4) for index in range(8) if index != 5),
        *(device(LONG_RESOURCE, f"{LONG_ID}::{index}", 0, 1) for index in range(4)),
        device("rdma/hca_shared", "0"),
        device("rdma/hca_shared", "1"),
        cpus="1-15,17-31,33-47,49-63",
        memory=(*memory, *pages),
    )
    first = ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ("example.com/gpu=0",))
    second = ClaimDevice("gpu.example.com", "n1", "gpu-1", "4f3c2b1a-8d7e-4c6f-9a5b-1e2d3c4b5a69", ())
    pods = (
        pod("a", container("idle"), namespace="web"),
        pod(
            LONG_POD,
            container(
                "trainer",
                *(gpu(f"GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a0{index}", index // 4) for index in (0, 1, 4, 5)),
                device(LONG_RESOURCE, f"{LONG_ID}::0", 0, 1),
                device("rdma/hca_shared", "0"),
                cpus="1,3,5,7,9,11,13,15,33,35,37,39,41,43,45,47",
                memory=[block(98_304, 0), block(8192, 0, memory_type="hugepages-1Gi")],
            ),
            container("metrics-sidecar-with-a-long-name", memory=[block(512, 0)]),
            namespace="machine-learning-research",
        ),
        pod("server", container("main", gpu("GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a06", 1), cpus="17-18,49-50")),
        pod(
            "shared",
            container("one", cpus="20-21"),
            container("two", cpus="20-21"),
            namespace="pod-level",
            cpus="20-23",
            memory=[block(2048, 1)],
        ),
        pod("olap", container("store", cpus="24-25", memory=[block(307_200, 0, 1)])),
        pod(
            "render",
            container("sure", claims=[Claim("default", "one", (first,))]),
            container("unsure", claims=[Claim("default", "two", (first, second)), Claim("default", "new", ())]),
        ),
        pod("esc\x1b[31mape", container("main", device("evil.com/\u202egpu", "=cmd|' /C calc'!A0")), namespace="n\ns"),
    )
    metadata = Metadata(
        {
            meta.key: meta
            for meta in (
                _meta(
                    "machine-learning-research",
                    LONG_POD,
                    ContainerSpec(
                        "trainer",
                        ContainerKind.APP,
                        (("nvidia.com/gpu", 6), (LONG_RESOURCE, 1)),
                        16_000,
                        health=(
                            ResourceHealth("nvidia.com/gpu", "GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a00", "Healthy"),
                            ResourceHealth(
                                "nvidia.com/gpu",
                                "GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a05",
                                "Unhealthy",
                                "XID 79: GPU has fallen off\nthe bus",
                            ),
                        ),
                    ),
                    workload_kind="Deployment",
                    workload_name="llm-pretraining-run-2026-11-with-an-unusually-long-experiment-name",
                ),
                _meta("default", "server", ContainerSpec("main", ContainerKind.APP, (("nvidia.com/gpu", 1),), 4000)),
                _meta(
                    "default",
                    "olap",
                    ContainerSpec("store", ContainerKind.APP, (), 2000),
                    workload_kind="StatefulSet",
                    workload_name="olap",
                ),
            )
        },
        synced=False,
    )
    allocation = Joiner().join(
        Listing(tuple(sorted(pods, key=lambda each: each.key)), merged_pods=1), reported, topology, metadata
    )
    return Snapshot(
        "worker-17.rack-4.eu-west-1.example.com",
        allocation,
        metadata,
        (
            SourceHealth("kubelet", False, ASKED_AT_SECONDS),
            SourceHealth("topology", True, ASKED_AT_SECONDS),
            SourceHealth("metadata", False, None),
        ),
        tuple(RpcSupport(rpc, Support.SUPPORTED) for rpc in RPCS),
        (Part("pods", stale=True, held=False), Part("allocatable", stale=True, held=True)),
        accrue(Usage(), allocation, HELD_SECONDS),
    )


def _meta(namespace: str, name: str, *specs: ContainerSpec, **more: str) -> PodMeta:
    return PodMeta(
        namespace,
        name,
        f"uid-{name[:8]}",
        phase="Running",
        qos_class="Guaranteed",
        has_started=True,
        containers=specs,
        **more,  # type: ignore[arg-type]
    )
