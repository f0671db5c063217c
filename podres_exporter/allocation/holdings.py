"""What a pod holds that no other pod can hold at the same time, and of what it may hold something."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from podres_exporter.model import ClaimDevice, Container, Device, MemoryBlock, Pod, PodMeta

Held = int | Device | MemoryBlock | ClaimDevice
"""One thing that a pod holds; a number is an exclusive CPU."""

H = TypeVar("H", bound=Held)

Item = tuple[str, ...]
"""What names a whole device, an exclusive CPU or an unshared DRA device; empty for what two pods can hold at once."""


def _held(pod: Pod) -> Iterator[Held]:
    """Yield everything that the pod holds."""
    yield from pod.all_exclusive_cpus()
    yield from pod.memory
    for container in pod.containers:
        yield from container.devices
        yield from container.memory
        for claim in container.claims:
            yield from claim.devices


def _named(held: Held) -> tuple[str, Item]:
    """Return the resource that something is of, empty where that is not known, and its item."""
    match held:
        case Device():
            return held.resource, (held.resource, held.device_id)
        case MemoryBlock():
            return held.memory_type, ()
        case ClaimDevice():
            is_whole = held.driver and not held.share_id
            return held.driver, (held.driver, held.pool, held.device) if is_whole else ()
    return "cpu", ("cpu", str(held))


def items(pod: Pod) -> frozenset[Item]:
    """Return everything of the pod that no other pod can hold at the same time."""
    return frozenset(_named(each)[1] for each in _held(pod)) - {()}


def resources_of(pods: Iterable[Pod]) -> frozenset[str]:
    """Return the names of what the pods hold: extended resources, `cpu`, memory types, DRA drivers."""
    return frozenset(_named(each)[0] for pod in pods for each in _held(pod)) - {""}


def taken_from(retained: Iterable[Pod], said: Iterable[tuple[Pod, Pod | None]]) -> Iterator[Pod]:
    """
    Yield the retained pods that have lost something to pods that are *said*, without that.

    Each of the latter comes as it is and as it was said before. What several held at the same time is shared, and
    proves nothing.
    """
    nothing = frozenset[Item]()
    gained = nothing.union(*(items(pod) - (items(before) if before else nothing) for pod, before in said))
    for pod in retained if gained else ():
        if gained & items(pod):
            yield _without(pod, gained)


def _without(pod: Pod, lost: frozenset[Item]) -> Pod:
    """Return the pod without the items."""

    def left(held: Iterable[H]) -> tuple[H, ...]:
        return tuple(each for each in held if _named(each)[1] not in lost)

    def left_of(container: Container) -> Container:
        claims = tuple(replace(claim, devices=left(claim.devices)) for claim in container.claims)
        cpus = frozenset(left(container.exclusive_cpus))
        return replace(container, devices=left(container.devices), exclusive_cpus=cpus, claims=claims)

    cpus = frozenset(left(pod.exclusive_cpus))
    return replace(pod, containers=tuple(map(left_of, pod.containers)), exclusive_cpus=cpus)


def asked_for(pods: Iterable[PodMeta]) -> frozenset[str]:
    """
    Return of what the pods may hold some, by what their containers ask for.

    Exclusive CPUs and memory blocks are given to Guaranteed pods only. What a DRA driver serves as an extended resource
    is no device of that resource.

    Source: kubelet cpumanager and memorymanager policy_static.go; KEP-5004.
    """
    found: set[str] = set()
    for meta in pods:
        for spec in meta.containers:
            found.update(name for name, _ in spec.devices if (spec.name, name) not in meta.extended_requests)
            if meta.qos_class == "Guaranteed":
                found.update(memory_type for memory_type, _ in spec.memory)
                found.update(["cpu"] if spec.whole_cpus else [])
        if meta.qos_class == "Guaranteed" and meta.has_pod_resources:
            found |= {"cpu", "memory"}
    return frozenset(found)
