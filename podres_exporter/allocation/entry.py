"""One pod in the cache: what the kubelet last said of it, and what of that can be held by one pod only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from podres_exporter.model import Claim, ClaimDevice, Container, Pod

Item = tuple[str, ...]
"""A whole device, an exclusive CPU, or a DRA device that is not shared: what two pods cannot hold at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A pod as the kubelet last said it, all rows under its name together.

    *uid* is what the metadata had for it then, empty where that was not followed or did not know it. *start* is the
    start of the kubelet that said it, *said_at* when. *refusals* counts the `not_found` answers to Get since.
    *has_two_rows*: List had several entries under the name. *is_unconfirmed*: Get failed since there was news of it.
    """

    pod: Pod
    uid: str
    start: int
    said_at: float
    refusals: int = 0
    has_two_rows: bool = False
    is_unconfirmed: bool = False


def items(pod: Pod) -> frozenset[Item]:
    """Return everything of the pod that no other pod can hold at the same time."""
    found: set[Item] = {("cpu", str(cpu)) for cpu in pod.all_exclusive_cpus()}
    for container in pod.containers:
        found.update(("device", device.resource, device.device_id) for device in container.devices)
        found.update(_claim_item(device) for claim in container.claims for device in claim.devices if _is_whole(device))
    return frozenset(found)


def _is_whole(device: ClaimDevice) -> bool:
    """Return whether the device of a claim can be told, and is no share of one."""
    return bool(device.driver and not device.share_id)


def _claim_item(device: ClaimDevice) -> Item:
    return ("claim", device.driver, device.pool, device.device)


def without(entry: Entry, lost: frozenset[Item]) -> Entry:
    """Return the entry without the items; the same one where it holds none of them."""
    if not lost & items(entry.pod):
        return entry
    pod = entry.pod
    containers = tuple(_container_without(container, lost) for container in pod.containers)
    cpus = frozenset(cpu for cpu in pod.exclusive_cpus if ("cpu", str(cpu)) not in lost)
    return replace(entry, pod=replace(pod, containers=containers, exclusive_cpus=cpus))


def _container_without(container: Container, lost: frozenset[Item]) -> Container:
    return replace(
        container,
        devices=tuple(each for each in container.devices if ("device", each.resource, each.device_id) not in lost),
        exclusive_cpus=frozenset(cpu for cpu in container.exclusive_cpus if ("cpu", str(cpu)) not in lost),
        claims=tuple(_claim_without(claim, lost) for claim in container.claims),
    )


def _claim_without(claim: Claim, lost: frozenset[Item]) -> Claim:
    devices = tuple(each for each in claim.devices if not (_is_whole(each) and _claim_item(each) in lost))
    return claim if len(devices) == len(claim.devices) else replace(claim, devices=devices)


def resources_of(pods: Iterable[Pod]) -> frozenset[str]:
    """Return the names of what the pods hold: extended resources, `cpu`, memory types."""
    found: set[str] = set()
    for pod in pods:
        if pod.all_exclusive_cpus():
            found.add("cpu")
        found.update(block.memory_type for block in pod.memory)
        for container in pod.containers:
            found.update(device.resource for device in container.devices)
            found.update(block.memory_type for block in container.memory)
    return frozenset(found)
