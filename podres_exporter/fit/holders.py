"""Find who holds what is short, and whose removal would make room."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from podres_exporter.admission import PodRequest, Policy, Scope, release
from podres_exporter.fit.node import NodeNow, uid_of
from podres_exporter.fit.room import CPU, Room
from podres_exporter.fit.walk import walk
from podres_exporter.join.stock import pod_memory
from podres_exporter.model import Allocation, PodKey, PodMeta, PodView

MOST_TRIED = 16
"""How many pods are tried, largest first: each costs an admission run per policy."""


@dataclass(frozen=True, slots=True)
class Holder:
    """
    A pod that holds *amount* (CPUs, devices or bytes) of a resource near the given node.

    *ending*: it is being deleted, or has finished but is still listed; empty otherwise.
    """

    namespace: str
    name: str
    resource: str
    amount: int
    ending: str = ""


def nearest_node(rooms: Iterable[Room]) -> int | None:
    """
    Return the NUMA node closest to fitting everything: fewest resources short, then the least amount.

    None where nothing has a node.
    """
    placed = [room for room in rooms if room.is_placed]
    nodes = sorted({node for room in placed for node in room.by_node})

    def distance(node: int) -> tuple[int, float, int]:
        lacking = [1 - room.free_on(node) / room.asked for room in placed if room.free_on(node) < room.asked]
        return len(lacking), sum(lacking), node

    return min(nodes, key=distance, default=None)


def holders(allocation: Allocation, resources: Iterable[str], node: int | None) -> tuple[Holder, ...]:
    """Return who holds these resources near the node (None: anywhere), largest first; blocks on several nodes count."""
    found = [
        Holder(*view.pod.key, resource, amount, ending_text(view.meta))
        for resource in resources
        for view in allocation.pods
        if (amount := _held(view, resource, node, allocation))
    ]
    order = {resource: index for index, resource in enumerate(resources)}
    return tuple(sorted(found, key=lambda each: (order[each.resource], -each.amount, each.namespace, each.name)))


def ending_text(meta: PodMeta | None) -> str:
    """Return how the pod's resources are about to be freed, empty if they are not."""
    if meta is None:
        return ""
    return "being deleted" if meta.is_deleting else meta.phase.lower() if meta.phase in {"Succeeded", "Failed"} else ""


def _held(view: PodView, resource: str, node: int | None, allocation: Allocation) -> int:
    pod, topology = view.pod, allocation.topology
    if resource == CPU:
        cpus = pod.all_exclusive_cpus()
        return len(cpus if node is None or topology is None else cpus & topology.cpus_by_node.get(node, frozenset()))
    if "/" not in resource:
        blocks = [block for block in pod_memory(pod, view.meta) if block.memory_type == resource]
        return sum(block.size_bytes for block in blocks if node is None or node in block.numa_nodes)
    devices = {
        device.device_id: device for each in pod.containers for device in each.devices if device.resource == resource
    }
    return sum(node is None or node in device.numa_nodes for device in devices.values())


def would_free(
    now: NodeNow, pod: PodRequest, policy: Policy, scope: Scope, candidates: Iterable[PodKey]
) -> tuple[PodKey, ...]:
    """Return the candidates whose removal alone would make the pod fit; at most MOST_TRIED are tried."""
    distinct = list(dict.fromkeys(candidates))[:MOST_TRIED]
    return tuple(
        key
        for key in distinct
        if walk(replace(now, managers=release(now.managers, uid_of(key))), pod, policy, scope).rejection is None
    )
