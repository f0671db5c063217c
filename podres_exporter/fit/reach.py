"""Detect what the kubelet's answers cannot decide, and what they may omit."""

from podres_exporter.admission import PodRequest, Policy, Qos
from podres_exporter.fit.hurdles import WHOLE_NODE, Hurdle
from podres_exporter.fit.notes import MOST_NODES
from podres_exporter.model import Allocation


def is_out_of_reach(allocation: Allocation, pod: PodRequest, policy: Policy) -> bool:
    """
    Return whether the kubelet's answers are insufficient: allocatable unknown, CPUs without topology, or hints over too
    many NUMA nodes.
    """
    wants_cpus = any(pod.exclusive_cpus(each) for each in pod.containers)
    wants_memory = pod.qos is Qos.GUARANTEED
    wanted = {resource for each in pod.containers for resource, count in each.devices.items() if count}
    if allocation.cpus.allocatable is None:
        return wants_cpus or wants_memory or bool(wanted)
    if allocation.topology is None:
        return policy is not Policy.NONE and wants_cpus and bool(allocation.cpus.by_kubelet)
    memory = {node for row in allocation.memory for node in row.numa_nodes}
    if wants_memory and len(memory) > MOST_NODES:
        return True
    if policy is Policy.NONE:
        return False
    with_cpus = [node for node, cpus in allocation.topology.cpus_by_node.items() if cpus]
    near = {node for row in allocation.devices if row.resource in wanted for node in row.numa_nodes}
    return (wants_cpus and len(with_cpus) > MOST_NODES) or len(near) > MOST_NODES


def may_have_more(allocation: Allocation, hurdle: Hurdle) -> bool:
    """
    Return whether the node may have more of a device than the kubelet reports.

    The kubelet omits devices with an empty topology, all or some of a resource's. Their existence shows if none is
    reported at all, or if reported devices state NUMA nodes and a held, unreported one states none.

    Source: kubelet cm/container_manager.go containerDevicesFromResourceDeviceInstances; measured on 1.27 and 1.36.
    """
    if hurdle.obstacle not in WHOLE_NODE or hurdle.room is None or "/" not in hurdle.room.resource:
        return False
    rows = [row for row in allocation.devices if row.resource == hurdle.room.resource]
    if not any(row.reported for row in rows):
        return True
    placed = all(row.numa_nodes for row in rows if row.reported)
    return placed and any(row.unallocatable_held and not row.numa_nodes for row in rows)
