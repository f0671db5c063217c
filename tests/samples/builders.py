"""Builders of small records and wire messages; fields that are not named are empty."""

from collections.abc import Iterable

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import (
    Allocatable,
    Claim,
    ClaimDevice,
    Container,
    Device,
    Listing,
    MemoryBlock,
    Pod,
    Topology,
)

MIB = 1 << 20
GPU = "nvidia.com/gpu"
NIC = "intel.com/nic"

TWO_NODES = Topology({0: parse_cpuset("0-3"), 1: parse_cpuset("4-7")})
"""The machine of the recorded answers: two NUMA nodes with four CPUs each."""


def device(resource: str, device_id: str, *numa_nodes: int) -> Device:
    return Device(resource, device_id, frozenset(numa_nodes))


def gpu(device_id: str, *numa_nodes: int) -> Device:
    return device(GPU, device_id, *numa_nodes)


def block(size_mib: int, *numa_nodes: int, memory_type: str = "memory") -> MemoryBlock:
    return MemoryBlock(memory_type, frozenset(numa_nodes), size_mib * MIB)


def claim_of(name: str, share: str = "") -> Claim:
    """Return a claim that has the device gpu-0 of a driver, or a share of it."""
    return Claim("default", name, (ClaimDevice("gpu.example.com", "pool", "gpu-0", share, ()),))


def container(
    name: str = "main",
    *devices: Device,
    cpus: str = "",
    memory: Iterable[MemoryBlock] = (),
    claims: Iterable[Claim] = (),
) -> Container:
    return Container(name, tuple(devices), parse_cpuset(cpus), tuple(memory), tuple(claims))


def pod(
    name: str,
    *containers: Container,
    namespace: str = "default",
    cpus: str = "",
    memory: Iterable[MemoryBlock] = (),
) -> Pod:
    return Pod(namespace, name, tuple(containers), parse_cpuset(cpus), tuple(memory))


def listing(*pods: Pod) -> Listing:
    return Listing(tuple(pods))


def allocatable(*devices: Device, cpus: str = "", memory: Iterable[MemoryBlock] = ()) -> Allocatable:
    return Allocatable(tuple(devices), parse_cpuset(cpus), tuple(memory))


def topology_row(*numa_nodes: int) -> pb.NUMATopology:
    """Return a topology that is present on the wire, even where it lists no node."""
    return pb.NUMATopology(nodes=[pb.NUMANode(ID=node) for node in numa_nodes])


def device_row(resource: str, *device_ids: str, topology: pb.NUMATopology | None = None) -> pb.ContainerDevices:
    return pb.ContainerDevices(resource_name=resource, device_ids=device_ids, topology=topology)


def memory_row(size: int, *numa_nodes: int, memory_type: str = "memory") -> pb.ContainerMemory:
    return pb.ContainerMemory(memory_type=memory_type, size=size, topology=topology_row(*numa_nodes))


def claim_device_row(
    driver: str = "", pool: str = "", device_name: str = "", *cdi_devices: str, share_id: str | None = None
) -> pb.ClaimResource:
    return pb.ClaimResource(
        cdi_devices=[pb.CDIDevice(name=name) for name in cdi_devices],
        driver_name=driver,
        pool_name=pool,
        device_name=device_name,
        share_id=share_id,
    )


def claim_row(name: str, *devices: pb.ClaimResource, namespace: str = "default") -> pb.DynamicResource:
    return pb.DynamicResource(claim_name=name, claim_namespace=namespace, claim_resources=devices)


def container_row(
    name: str = "main",
    *,
    devices: Iterable[pb.ContainerDevices] = (),
    cpus: Iterable[int] = (),
    memory: Iterable[pb.ContainerMemory] = (),
    claims: Iterable[pb.DynamicResource] = (),
) -> pb.ContainerResources:
    return pb.ContainerResources(name=name, devices=devices, cpu_ids=cpus, memory=memory, dynamic_resources=claims)


def pod_row(
    name: str,
    *containers: pb.ContainerResources,
    namespace: str = "default",
    cpus: Iterable[int] = (),
    memory: Iterable[pb.ContainerMemory] = (),
) -> pb.PodResources:
    return pb.PodResources(name=name, namespace=namespace, containers=containers, cpu_ids=cpus, memory=memory)


def list_answer(*pods: pb.PodResources | bytes) -> bytes:
    """Return an answer to List; a pod may be given as the bytes that stand for it."""
    return b"".join(field(1, row if isinstance(row, bytes) else row.SerializeToString()) for row in pods)


def field(number: int, value: bytes | int) -> bytes:
    """Return one field as protobuf writes it: text or message with its length, number as a varint."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Return a number as protobuf writes it, a negative one as its 64-bit complement."""
    value &= (1 << 64) - 1
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
