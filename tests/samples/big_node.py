"""A big node with realistic problems, for tests of the page and for viewing."""

from collections.abc import Mapping
from dataclasses import replace

from page_nodes import CURRENT, GIB, MOMENT, WELL, machine

from podres_exporter.join import Joiner, double_held
from podres_exporter.model import (
    Allocatable,
    Belief,
    Container,
    ContainerKind,
    ContainerSpec,
    Device,
    Listing,
    Mark,
    MemoryBlock,
    Metadata,
    Pod,
    PodMeta,
    ResourceHealth,
    RpcSupport,
    Snapshot,
    Support,
)

GPU, VF = "nvidia.com/gpu", "openshift.io/sriov_dpdk_intel_e810"
NODES, CPUS, PODS, GPUS, VFS = 8, 384, 110, 8, 128
SERVED = tuple(RpcSupport(rpc, Support.SUPPORTED) for rpc in ("List", "GetAllocatableResources", "Get"))
_HASHES = ("x2lkq", "9vtzr", "kd84m", "p7wnc", "z5bfj")


def big_node(*, is_troubled: bool = False) -> Snapshot:
    """
    Return a node with 8 NUMA nodes, 384 CPUs, 8 GPUs, 128 virtual functions and 110 pods of 8 teams.

    *is_troubled*: a pod is retained, a GPU and a CPU are held twice, another GPU is unhealthy, a pod was rejected, and
    the VFs of one NUMA node are no longer reported.
    """
    topology = machine(CPUS, NODES)
    gpus = [
        Device(GPU, f"GPU-{0x1F0A5C3E + at * 7919:08x}-7d42-4b8e-9a61-0c5d3e8f1a{at:02x}", _on(at))
        for at in range(GPUS)
    ]
    vfs = [Device(VF, f"0000:{0x31 + at // 32:02x}:{at % 32 // 8:02x}.{at % 8}", _on(at % NODES)) for at in range(VFS)]
    pods = tuple(sorted((_pod(at, topology.cpus_by_node, gpus, vfs) for at in range(PODS)), key=lambda pod: pod.key))
    metas = {pod.key: _meta(pod, at) for at, pod in enumerate(pods)}
    blocks = [MemoryBlock("memory", _on(node), 254 * GIB) for node in range(NODES)]
    blocks += [MemoryBlock("hugepages-1Gi", _on(node), 32 * GIB) for node in range(NODES)]
    reserved = frozenset(cpus for node in range(NODES) for cpus in (node * 24, node * 24 + CPUS // 2))
    offered = [*gpus, *(vf for vf in vfs if not (is_troubled and vf.numa_nodes == _on(7)))]
    belief = Belief()
    if is_troubled:
        pods = tuple(_doubled(pod, gpus[0]) if "-ada-" in pod.name else pod for pod in pods)
        metas |= {("team-0", "greedy-0"): _rejected()}
        sick = next(pod for pod in pods if any(gpus[5] in each.devices for each in pod.containers))
        metas[sick.key] = _sick(metas[sick.key], gpus[5])
        retained = {pod.key: Mark.RETAINED for pod in pods[40:43]} | {pods[44].key: Mark.UNCONFIRMED}
        belief = Belief(retained, doubles=double_held(pods))
    metadata = Metadata(metas, synced=True, is_up=True, last_success_seconds=MOMENT)
    told = Allocatable(tuple(offered), topology.online - reserved, tuple(blocks))
    allocation = Joiner().join(Listing(pods), told, topology, metadata, belief=belief)
    sources = (WELL[0], replace(WELL[0], source="metadata"), WELL[1])
    return Snapshot(
        "gpu-node-with-a-long-name.eu-central-1.compute.internal", allocation, metadata, sources, SERVED, CURRENT
    )


def _on(node: int) -> frozenset[int]:
    return frozenset({node % NODES})


def _name(at: int) -> str:
    """Return names that differ at their end only, as those of a Deployment's pods do."""
    if at < GPUS:
        return f"train-llm-with-a-rather-long-name-{'ada' if at == 1 else 'leader'}-{at}"
    kind = ("inference-server-for-customers", "dataplane-worker", "etl-nightly", "cache")[at % 4]
    return f"{kind}-{0x7C9D5B8F + at // 20:08x}-{_HASHES[at % 5]}{at}"


def _pod(at: int, cpus_by_node: Mapping[int, frozenset[int]], gpus: list[Device], vfs: list[Device]) -> Pod:
    """Return the first eight with a GPU each, then 64 with CPUs and VFs; the others hold nothing."""
    node, namespace = at % NODES, f"team-{at % 8}"
    sidecars = (Container("istio-proxy"), Container("log-shipper"))
    if at >= GPUS + 64:
        return Pod(namespace, _name(at), (Container("app"), *sidecars))
    free = sorted(cpus_by_node[node] - {node * 24, node * 24 + CPUS // 2})
    half = len(free) // 2
    rank = at // NODES
    cores = slice(rank * 2, rank * 2 + 2)
    mine = frozenset(free[:half][cores] + free[half:][cores])
    near = [each for each in vfs if each.numa_nodes == _on(node)]
    devices: list[Device] = [gpus[at]] if at < GPUS else near[rank * 2 - 2 : rank * 2 - 2 + (1 + at % 2)]
    if at == GPUS + 3:
        devices = [next(each for each in vfs if each.numa_nodes == _on(node + 1) and int(each.device_id[-1]) >= 0)]
    memory = (MemoryBlock("memory", _on(node), (4 + at % 5 * 4) * GIB),)
    return Pod(namespace, _name(at), (Container("worker", tuple(devices), mine, memory), *sidecars))


def _meta(pod: Pod, at: int) -> PodMeta:
    base, _, _ = pod.name.rpartition("-")
    kind = "StatefulSet" if pod.name.startswith("train") else "Deployment"
    name = base if kind == "StatefulSet" else base.rpartition("-")[0]
    specs = tuple(ContainerSpec(each.name, ContainerKind.APP) for each in pod.containers)
    return PodMeta(
        *pod.key,
        uid=f"uid-{at}",
        phase="Running",
        qos_class="Guaranteed" if pod.all_exclusive_cpus() else "Burstable",
        workload_kind=kind,
        workload_name=name,
        has_started=True,
        containers=specs,
        started_seconds=MOMENT - 45 * (1 + at) ** 2.2,
    )


def _doubled(pod: Pod, device: Device) -> Pod:
    """Return the pod with a device, and a CPU, that another has too."""
    first = pod.containers[0]
    return replace(
        pod,
        containers=(
            replace(first, devices=(*first.devices, device), exclusive_cpus=first.exclusive_cpus | {1}),
            *pod.containers[1:],
        ),
    )


def _rejected() -> PodMeta:
    message = "Pod was rejected: Resources cannot be allocated with Topology locality"
    specs = (ContainerSpec("main", ContainerKind.APP, ((GPU, 2),)),)
    return PodMeta("team-0", "greedy-0", "uid-greedy", "Failed", "TopologyAffinityError", message, containers=specs)


def _sick(meta: PodMeta, device: Device) -> PodMeta:
    health = (ResourceHealth(GPU, device.device_id, "Unhealthy", "XID 79"),)
    first = replace(meta.containers[0], health=health, devices=((GPU, 1),))
    return replace(meta, containers=(first, *meta.containers[1:]))
