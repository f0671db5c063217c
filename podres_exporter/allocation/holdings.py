"""What a pod holds that no other pod can hold at the same time, and of what it may hold something."""

from collections.abc import Iterable
from dataclasses import replace

from podres_exporter.model import ClaimDevice, Container, Device, Pod, PodMeta

Item = tuple[str, ...]
"""A whole device, an exclusive CPU, or a DRA device that is not shared: what two pods cannot hold at once."""

_SHARED: Item = ()


def items(pod: Pod) -> frozenset[Item]:
    """Return everything of the pod that no other pod can hold at the same time."""
    devices = [device for container in pod.containers for device in container.devices]
    of_claims = [each for container in pod.containers for claim in container.claims for each in claim.devices]
    held: list[int | Device | ClaimDevice] = [*pod.all_exclusive_cpus(), *devices, *of_claims]
    return frozenset(map(_item, held)) - {_SHARED}


def without(pod: Pod, lost: frozenset[Item]) -> Pod:
    """Return the pod without the items."""

    def cpus(holder: Pod | Container) -> frozenset[int]:
        return frozenset(cpu for cpu in holder.exclusive_cpus if _item(cpu) not in lost)

    containers = tuple(
        replace(
            container,
            devices=tuple(each for each in container.devices if _item(each) not in lost),
            exclusive_cpus=cpus(container),
            claims=tuple(
                replace(claim, devices=tuple(each for each in claim.devices if _item(each) not in lost))
                for claim in container.claims
            ),
        )
        for container in pod.containers
    )
    return replace(pod, containers=containers, exclusive_cpus=cpus(pod))


def _item(held: int | Device | ClaimDevice) -> Item:
    if isinstance(held, int):
        return ("cpu", str(held))
    if isinstance(held, Device):
        return ("device", held.resource, held.device_id)
    is_whole = held.driver and not held.share_id
    return ("claim", held.driver, held.pool, held.device) if is_whole else _SHARED


def resources_of(pods: Iterable[Pod]) -> frozenset[str]:
    """Return the names of what the pods hold: extended resources, `cpu`, memory types, DRA drivers."""
    found: set[str] = set()
    for pod in pods:
        if pod.all_exclusive_cpus():
            found.add("cpu")
        blocks = [*pod.memory, *(block for container in pod.containers for block in container.memory)]
        found.update(block.memory_type for block in blocks)
        for container in pod.containers:
            found.update(device.resource for device in container.devices)
            found.update(each.driver for claim in container.claims for each in claim.devices if each.driver)
    return frozenset(found)


def asked_for(pods: Iterable[PodMeta]) -> frozenset[str]:
    """
    Return of what the pods may hold some, by what their containers ask for.

    Exclusive CPUs and memory blocks are given to Guaranteed pods only. What a DRA driver serves as an extended resource
    is no device of that resource.

    Source: kubelet cpumanager and memorymanager policy_static.go; KEP-5004.
    """
    found: set[str] = set()
    for meta in pods:
        by_claim = set(meta.extended_requests)
        found.update(name for spec in meta.containers for name, _ in spec.devices if (spec.name, name) not in by_claim)
        if meta.qos_class != "Guaranteed":
            continue
        found.update(memory_type for spec in meta.containers for memory_type, _ in spec.memory)
        if meta.has_pod_resources or any(spec.whole_cpus for spec in meta.containers):
            found.add("cpu")
        if meta.has_pod_resources:
            found.add("memory")
    return frozenset(found)
