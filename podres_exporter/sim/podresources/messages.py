"""
Build the messages of a kubelet's pod-resources answers, with the DRA part as each release writes it.

Whatever a kubelet keeps in a map comes in random order, drawn from the given Random on each call.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import TypeVar

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Claim, ClaimDevice, Container, Device, MemoryBlock, Pod
from podres_exporter.scenario import NodeState
from podres_exporter.sim.podresources.dialect import Dialect

_CLASS_NAME_TAG = b"\x0a"
"""Field 1 of DynamicResource, length-delimited: class_name of 1.27 to 1.30, which today's proto reserves."""


def dynamic_resources(claims: Sequence[Claim], dialect: Dialect, random: Random) -> list[pb.DynamicResource]:
    """
    Return one row per claim, with all of its devices; none where the release or its gate has no DRA in this API.

    Source: cm/container_manager_linux.go GetDynamicResources of 1.27 to 1.37; drivers come in map order.
    """
    if not dialect.dynamic_resources:
        return []
    return [_dynamic_resource(claim, dialect, random) for claim in claims]


def _dynamic_resource(claim: Claim, dialect: Dialect, random: Random) -> pb.DynamicResource:
    message = pb.DynamicResource(claim_name=claim.name, claim_namespace=claim.namespace)
    drivers = sorted({device.driver for device in claim.devices})
    random.shuffle(drivers)
    for driver in drivers:
        devices = [device for device in claim.devices if device.driver == driver]
        message.claim_resources.extend(_by_driver(devices, dialect))
    if dialect.class_name and claim.devices:
        name = claim.devices[0].driver.encode()
        message.MergeFromString(_CLASS_NAME_TAG + bytes([len(name)]) + name)
    return message


def _by_driver(devices: Sequence[ClaimDevice], dialect: Dialect) -> list[pb.ClaimResource]:
    """Return one row per device, or up to 1.30 one row for the driver with nothing but CDI names."""
    if dialect.class_name:
        return [pb.ClaimResource(cdi_devices=_cdi(name for device in devices for name in device.cdi_devices))]
    rows = []
    names: list[str] = []
    for device in devices:
        # The kubelet's list is declared outside of its loop over devices, so each row repeats the ones before it.
        names = [*names, *device.cdi_devices] if dialect.cdi_accumulates else list(device.cdi_devices)
        row = pb.ClaimResource(
            cdi_devices=_cdi(names), driver_name=device.driver, pool_name=device.pool, device_name=device.device
        )
        if device.share_id and dialect.share_id:
            row.share_id = device.share_id
        rows.append(row)
    return rows


def _cdi(names: Iterable[str]) -> list[pb.CDIDevice]:
    return [pb.CDIDevice(name=name) for name in names]


T = TypeVar("T")


def list_response(state: NodeState, dialect: Dialect, random: Random) -> pb.ListPodResourcesResponse:
    """Return every pod of the node in random order; containers keep their order (server_v1.go List)."""
    pods = [_pod(pod, state, dialect, random) for pod in _shuffled(state.pods, random)]
    return pb.ListPodResourcesResponse(pod_resources=pods)


def alpha_list_response(pods: Iterable[Pod], dialect: Dialect, random: Random) -> pb.ListPodResourcesResponse:
    """
    Return every pod as v1alpha1 has it: names and devices, a row per node as in v1 and without the node.

    The messages of v1 begin with the fields of v1alpha1. Source: server_v1alpha1.go, v1DevicesToAlphaV1.
    """
    found = [
        pb.PodResources(
            name=pod.name,
            namespace=pod.namespace,
            containers=[_alpha_container(container, dialect, random) for container in pod.containers],
        )
        for pod in pods
    ]
    return pb.ListPodResourcesResponse(pod_resources=_shuffled(found, random))


def get_response(pod: Pod, state: NodeState, dialect: Dialect, random: Random) -> pb.GetPodResourcesResponse:
    """Return one pod, in the shape that List gives it (server_v1.go Get)."""
    return pb.GetPodResourcesResponse(pod_resources=_pod(pod, state, dialect, random))


def allocatable_response(state: NodeState, dialect: Dialect, random: Random) -> pb.AllocatableResourcesResponse:
    """
    Return what the node may hand out, used or not.

    A device whose plugin sent an empty node list has no row at all; negative and unknown node numbers go out as they
    came in. Devices without topology never become node 0 here, not even where List says so.

    Source: devicemanager GetAllocatableDevices and cm/container_manager.go containerDevicesFromResourceDeviceInstances.
    """
    devices = [*state.allocatable.devices, *(state.unhealthy if dialect.lists_unhealthy else ())]
    rows = [row for device in devices for row in _allocatable_rows(device, state)]
    return pb.AllocatableResourcesResponse(
        devices=_shuffled(rows, random),
        cpu_ids=_shuffled(sorted(state.allocatable.cpus), random),
        memory=_memory(state.allocatable.memory, random) if dialect.memory else (),
    )


def _pod(pod: Pod, state: NodeState, dialect: Dialect, random: Random) -> pb.PodResources:
    message = pb.PodResources(
        name=pod.name,
        namespace=pod.namespace,
        containers=[_container(container, state, dialect, random) for container in pod.containers],
    )
    if dialect.pod_level:
        message.cpu_ids.extend(_shuffled(sorted(pod.exclusive_cpus), random))
        message.memory.extend(_memory(pod.memory, random))
    return message


def _container(container: Container, state: NodeState, dialect: Dialect, random: Random) -> pb.ContainerResources:
    cpus = container.exclusive_cpus
    if not cpus and dialect.shared_pool_listed:
        cpus = _shared_pool(state)
    return pb.ContainerResources(
        name=container.name,
        devices=_shuffled(_held_rows(container.devices, dialect), random),
        cpu_ids=_shuffled(sorted(cpus), random),
        memory=_memory(container.memory, random) if dialect.memory else (),
        dynamic_resources=dynamic_resources(container.claims, dialect, random),
    )


def _alpha_container(container: Container, dialect: Dialect, random: Random) -> pb.ContainerResources:
    rows = _shuffled(_held_rows(container.devices, dialect), random)
    for row in rows:
        row.ClearField("topology")
    return pb.ContainerResources(name=container.name, devices=rows)


def _shared_pool(state: NodeState) -> CpuSet:
    """Return the CPUs of ordinary containers, reserved ones included (cpumanager GetCPUSetOrDefault, #100211)."""
    return state.topology.online.difference(*(pod.all_exclusive_cpus() for pod in state.pods))


def _held_rows(devices: Iterable[Device], dialect: Dialect) -> list[pb.ContainerDevices]:
    """Return one row per (device, NUMA node), or in 1.20 per (resource, node) with all of its ids."""
    placed = [(device, node) for device in devices for node in _listed_nodes(device, dialect)]
    if not dialect.groups_ids:
        return [_row(device.resource, [device.device_id], node) for device, node in placed]
    ids: dict[tuple[str, int | None], list[str]] = {}
    for device, node in placed:
        ids.setdefault((device.resource, node), []).append(device.device_id)
    return [_row(resource, together, node) for (resource, node), together in ids.items()]


def _listed_nodes(device: Device, dialect: Dialect) -> Sequence[int | None]:
    """Return the nodes that List names; None stands for no topology, which up to 1.22 reads as node 0 (#103289)."""
    return sorted(device.numa_nodes) or [0 if dialect.unknown_is_node_zero else None]


def _allocatable_rows(device: Device, state: NodeState) -> Iterator[pb.ContainerDevices]:
    stated = state.stated_nodes.get((device.resource, device.device_id))
    nodes: Sequence[int | None] = (sorted(device.numa_nodes) or [None]) if stated is None else stated
    return (_row(device.resource, [device.device_id], node) for node in nodes)


def _row(resource: str, device_ids: Sequence[str], node: int | None) -> pb.ContainerDevices:
    row = pb.ContainerDevices(resource_name=resource, device_ids=device_ids)
    if node is not None:
        row.topology.nodes.add(ID=node)
    return row


def _memory(blocks: Sequence[MemoryBlock], random: Random) -> list[pb.ContainerMemory]:
    """Return one entry per block with all of its nodes; the size is the total (memorymanager GetMemory)."""
    entries = [
        pb.ContainerMemory(
            memory_type=block.memory_type,
            size=block.size_bytes,
            topology=pb.NUMATopology(nodes=[pb.NUMANode(ID=node) for node in sorted(block.numa_nodes)]),
        )
        for block in blocks
    ]
    return _shuffled(entries, random)


def _shuffled(items: Iterable[T], random: Random) -> list[T]:
    """Return the items in the order in which Go would walk a map."""
    shuffled = list(items)
    random.shuffle(shuffled)
    return shuffled
