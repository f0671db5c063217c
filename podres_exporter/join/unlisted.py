"""
Compute what pods hold although the kubelet does not list it; which items is unknown.

Three causes, one rule: leftovers of plain init containers, sidecars on kubelets that do not list them, and unreadable
items. Free amounts are reduced accordingly.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from podres_exporter.join.requests import GUARANTEED
from podres_exporter.model import (
    Container,
    ContainerKind,
    ContainerSpec,
    Pod,
    PodMeta,
    Unlisted,
    UnlistedReason,
    count_by_resource,
)

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Managed:
    """What this node's kubelet manages: extended resources of device plugins, exclusive CPUs, memory types."""

    plugin_resources: frozenset[str] = frozenset()
    static_cpus: bool = False
    memory_types: frozenset[str] = frozenset()


def unlisted_holdings(
    pod: Pod, meta: PodMeta | None, managed: Managed, *, damaged: bool = False
) -> tuple[Unlisted, ...]:
    """
    Return what the listed pod holds beyond what is listed, sorted by container and resource.

    *damaged*: an item of the pod could not be read, so whatever a listed container lacks may be that item. Without
    *meta*, the pod's requests are unknown.

    Source: kubelet server_v1.go of each release (which containers are listed), devicesToReuse and cpusToReuse (what an
    init container leaves stays the pod's); measured on 1.29.14 and 1.36.3.
    """
    if meta is None:
        return ()
    listed = {container.name: container for container in pod.containers}
    found = [
        row
        for resource, amount, held in _amounts(meta, managed)
        for row in _of_resource(meta, resource, amount, held if damaged else None, listed)
    ]
    return tuple(sorted(found, key=lambda row: (row.container, row.resource)))


Amount = Callable[[ContainerSpec], int]
Held = Callable[[Container], int]


def _amounts(meta: PodMeta, managed: Managed) -> Iterator[tuple[str, Amount, Held]]:
    """Yield each resource that the pod requests, with each container's requested and listed amounts."""
    names = {name for spec in meta.containers for name, _ in spec.devices} & managed.plugin_resources
    for name in sorted(names):
        yield name, _devices_of(name, meta), _held_devices_of(name)
    if meta.qos_class != GUARANTEED or meta.has_pod_resources:
        return
    if managed.static_cpus and any(spec.whole_cpus for spec in meta.containers):
        yield CPU, lambda spec: spec.whole_cpus, lambda container: len(container.exclusive_cpus)
    for kind in sorted({kind for spec in meta.containers for kind, _ in spec.memory} & managed.memory_types):
        yield kind, _bytes_of(kind), _held_bytes_of(kind)


def _of_resource(
    meta: PodMeta, resource: str, amount: Amount, held: Held | None, listed: dict[str, Container]
) -> Iterator[Unlisted]:
    """
    Yield what is held of one resource, container by container in the order of admission.

    What an init container held is reused by later containers; a sidecar or app container keeps what it has.
    """
    spare, keeper = 0, ""
    for spec in sorted(meta.containers, key=lambda each: each.kind is ContainerKind.APP):
        count = amount(spec)
        if not count:
            continue
        if spec.kind is ContainerKind.INIT:
            if count > spare:
                spare, keeper = count, spec.name
            continue
        spare -= min(spare, count)
        container = listed.get(spec.name)
        if container is None:
            yield Unlisted(spec.name, resource, count, UnlistedReason.NOT_LISTED)
        elif held is not None and held(container) < count:
            yield Unlisted(spec.name, resource, count - held(container), UnlistedReason.UNREADABLE)
    left = Unlisted(keeper, resource, spare, UnlistedReason.INIT_CONTAINER)
    # The memory manager releases an init container's block once the next container starts; no other manager does.
    if spare and (not left.is_memory or meta.phase == "Pending"):
        yield left


def _devices_of(resource: str, meta: PodMeta) -> Amount:
    """Return how many devices a container requests from its plugin, without those that a DRA claim serves."""
    return lambda spec: 0 if (spec.name, resource) in meta.extended_requests else dict(spec.devices).get(resource, 0)


def _held_devices_of(resource: str) -> Held:
    return lambda container: dict(count_by_resource(container.devices)).get(resource, 0)


def _bytes_of(memory_type: str) -> Amount:
    return lambda spec: dict(spec.memory).get(memory_type, 0)


def _held_bytes_of(memory_type: str) -> Held:
    return lambda container: sum(block.size_bytes for block in container.memory if block.memory_type == memory_type)


def totals(holdings: Collection[Unlisted]) -> dict[str, int]:
    """Return the unlisted amounts by resource."""
    found: dict[str, int] = {}
    for row in holdings:
        found[row.resource] = found.get(row.resource, 0) + row.amount
    return found
