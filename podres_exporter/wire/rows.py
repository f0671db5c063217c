"""
Decode the rows of a container or of the allocatable answer, with one rule for each quirk of the kubelets.

Every function appends what it cannot use to *faults*, with a path relative to the owner, and continues with the rest.
"""

from collections.abc import Iterable
from functools import lru_cache

from podres_exporter._proto.podresources_v1_pb2 import (
    ClaimResource,
    ContainerDevices,
    ContainerMemory,
    DynamicResource,
    NUMATopology,
)
from podres_exporter.cpuset import MAX_NUMBER, CpuSet
from podres_exporter.model import Claim, ClaimDevice, Device, Malformed, MemoryBlock


def numa_nodes(topology: NUMATopology) -> frozenset[int]:
    """
    Return the stated NUMA nodes; absent topology, an empty node list and negative ids all mean that none is stated.

    Node 0 is a real node although proto3 omits its number, so the length of the list decides, not truthiness.

    Source: kubelet containerDevicesFromResourceDeviceInstances; ROCm's device plugin sends -1; kubernetes #101522.
    """
    return _node_set(tuple([node.ID for node in topology.nodes]))


@lru_cache(maxsize=1024)
def _node_set(numbers: tuple[int, ...]) -> frozenset[int]:
    """Return the numbers that are valid nodes; the sets are interned, because thousands of devices share a few."""
    return frozenset(number for number in numbers if number >= 0)


def off_node_devices(rows: Iterable[ContainerDevices]) -> frozenset[tuple[str, str]]:
    """
    Return (resource, id) of devices whose stated NUMA nodes are all invalid (-1).

    The Topology Manager finds no suitable node for them: restricted and single-numa-node reject every pod that requests
    one, while a device without topology can go anywhere.

    Source: kubelet devicemanager generateDeviceTopologyHints; measured on 1.36.3.
    """
    found: dict[tuple[str, str], bool] = {}
    for row in rows:
        nodes = [node.ID for node in row.topology.nodes]
        is_off = bool(nodes) and max(nodes) < 0
        for device_id in row.device_ids:
            key = (row.resource_name, device_id)
            found[key] = is_off and found.get(key, True)
    return frozenset(key for key, is_off in found.items() if is_off)


def decode_devices(rows: Iterable[ContainerDevices], path: str, faults: list[Malformed]) -> tuple[Device, ...]:
    """
    Return the distinct devices, sorted by (resource, id), each with the union of the nodes of its rows.

    From 1.21 the kubelet sends a row per device and NUMA node, on 1.20 one per resource and node with several ids.

    Source: kubelet containerDevicesFromResourceDeviceInstances (cm/container_manager.go).
    """
    nodes_by_device: dict[tuple[str, str], frozenset[int]] = {}
    for index, row in enumerate(rows):
        resource, ids = row.resource_name, row.device_ids
        if not resource or not ids:
            problem = "no resource name" if not resource else f"no device id for resource {resource!r}"
            faults.append(Malformed(f"{path}[{index}]", problem, resource))
            continue
        nodes = numa_nodes(row.topology)
        for position, device_id in enumerate(ids):
            if not device_id:
                problem = f"empty device id for {resource!r}"
                faults.append(Malformed(f"{path}[{index}].device_ids[{position}]", problem, resource))
                continue
            key = (resource, device_id)
            known = nodes_by_device.get(key)
            nodes_by_device[key] = nodes if known is None else known | nodes
    return tuple([Device(*key, nodes_by_device[key]) for key in sorted(nodes_by_device)])


def decode_cpus(cpu_ids: Iterable[int], path: str, faults: list[Malformed]) -> CpuSet:
    """
    Return the CPU numbers as a set; the kubelet sends them unsorted (cpuset.UnsortedList).

    Numbers beyond any kernel's CPUs are left out: readers of our own documents would reject the whole document.
    """
    cpus = frozenset(cpu_ids)
    odd = sorted(cpu for cpu in cpus if not 0 <= cpu <= MAX_NUMBER)
    faults.extend(
        Malformed(path, f"CPU number {cpu} is {'negative' if cpu < 0 else f'beyond {MAX_NUMBER}'}") for cpu in odd
    )
    return cpus.difference(odd) if odd else cpus


def decode_memory(rows: Iterable[ContainerMemory], path: str, faults: list[Malformed]) -> tuple[MemoryBlock, ...]:
    """
    Return the blocks, sorted; a block over several nodes stays one block and its size is the total.

    Blocks of size 0 are left out: an init container's block may shrink to it.

    Source: kubelet memorymanager policy_static.go (Allocate; init containers are re-used).
    """
    blocks = []
    for index, row in enumerate(rows):
        if not row.memory_type:
            faults.append(Malformed(f"{path}[{index}]", "no memory type"))
        elif row.size:
            blocks.append(MemoryBlock(row.memory_type, numa_nodes(row.topology), row.size))
    return tuple(sorted(blocks, key=memory_order))


def memory_order(block: MemoryBlock) -> tuple[str, list[int], int]:
    """Return the sort key of a block; a set has no order of its own."""
    return (block.memory_type, sorted(block.numa_nodes), block.size_bytes)


def decode_claims(rows: Iterable[DynamicResource], path: str, faults: list[Malformed]) -> tuple[Claim, ...]:
    """
    Return the distinct claims, sorted; a claim that is listed twice counts once (1.27 to 1.35 repeat it per request).

    Source: kubelet cm/dra/manager.go GetContainerClaimInfos.
    """
    devices_by_claim: dict[tuple[str, str], list[ClaimDevice]] = {}
    for index, row in enumerate(rows):
        if not row.claim_name:
            faults.append(Malformed(f"{path}[{index}]", "no claim name"))
            continue
        devices = devices_by_claim.setdefault((row.claim_namespace, row.claim_name), [])
        devices += _claim_devices(row.claim_resources, f"{path}[{index}].claim_resources", faults)
    return tuple(Claim(*key, unite_claim_devices(devices_by_claim[key])) for key in sorted(devices_by_claim))


def unite_claim_devices(devices: Iterable[ClaimDevice]) -> tuple[ClaimDevice, ...]:
    """Return the distinct devices, sorted, each with the CDI names of all its entries."""
    names: dict[tuple[str, str, str, str], set[str]] = {}
    for device in devices:
        key = (device.driver, device.pool, device.device, device.share_id)
        names.setdefault(key, set()).update(device.cdi_devices)
    return tuple(ClaimDevice(*key, tuple(sorted(names[key]))) for key in sorted(names))


def _claim_devices(rows: Iterable[ClaimResource], path: str, faults: list[Malformed]) -> Iterable[ClaimDevice]:
    """
    Yield a claim's devices, each with its own CDI names.

    Kubelets from 1.31 declare the list of CDI names once per driver, outside the loop over its devices, so row k
    repeats the names of rows 1 to k-1. A row's own names are those it adds to the previous row of the same driver.

    Source: kubelet cm/container_manager_linux.go GetDynamicResources; measured on 1.36.3.
    """
    listed_by_driver: dict[str, list[str]] = {}
    for index, row in enumerate(rows):
        named = (row.driver_name, row.pool_name, row.device_name)
        listed = [cdi.name for cdi in row.cdi_devices]
        before = listed_by_driver.get(row.driver_name, [])
        accumulated = any(named) and listed[: len(before)] == before
        own = listed[len(before) :] if accumulated else listed
        listed_by_driver[row.driver_name] = listed
        if any(named) and not all(named):
            faults.append(Malformed(f"{path}[{index}]", "driver, pool and device must be named together"))
            continue
        yield ClaimDevice(*named, row.share_id, tuple(sorted(set(filter(None, own)))))
