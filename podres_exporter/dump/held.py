"""Everything held on a node, item by item: a CPU set of one NUMA node, a memory block, a device, a claim device."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.families.spec import by_node
from podres_exporter.model import (
    Allocation,
    Attribution,
    ClaimUse,
    ContainerView,
    Device,
    DraDevice,
    DraKey,
    Mark,
    MemoryBlock,
    PodMeta,
    PodView,
    Topology,
    Verdict,
)
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.model.shares import share_of
from podres_exporter.text.amounts import CPU


class Thing(StrEnum):
    """The kinds of items."""

    CPU = "cpu"
    MEMORY = "memory"
    DEVICE = "device"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Held:
    """
    One item held by a container; *container* is empty for what the kubelet lists for the pod itself.

    *resource* is `cpu`, a memory type, an extended resource or a DRA driver. *item* is a CPU list, a device id or the
    name of a claim's device, else its CDI names; empty for memory, and for a claim without devices yet. *base* is the
    physical device: the id behind replicas, or the UUID of a claim's device as its slice states it. *amount* is in
    CPUs, bytes or devices. *is_allocatable* is None if unknown; *verdict* is the container's. *mark*: how the pod's
    rows are known.
    """

    namespace: str
    pod: str
    container: str
    thing: Thing
    resource: str
    item: str
    amount: int
    numa_nodes: NumaNodes = frozenset()
    base: str = ""
    share: str = ""
    claim: str = ""
    pool: str = ""
    cdi_devices: tuple[str, ...] = ()
    attribution: Attribution | None = None
    request: str = ""
    is_admin: bool = False
    health: str = ""
    message: str = ""
    is_allocatable: bool | None = None
    verdict: Verdict | None = None
    meta: PodMeta | None = None
    mark: Mark = Mark.CURRENT


def held_things(allocation: Allocation | None) -> Iterator[Held]:
    """Yield everything held: pods in order, the pod's own lists before its containers'."""
    if allocation is None:
        return
    reported = _reported(allocation)
    slices = allocation.dra.devices() if allocation.dra else {}
    for view in allocation.pods:
        pod = view.pod
        yield from _cpus(view, "", pod.exclusive_cpus, allocation.topology)
        yield from _memory(view, "", pod.memory)
        for each in view.containers:
            name, verdict = each.container.name, each.alignment.verdict
            yield from _cpus(view, name, each.container.exclusive_cpus, allocation.topology, verdict)
            yield from _memory(view, name, each.container.memory, verdict)
            yield from (_device(view, each, device, reported) for device in each.container.devices)
            yield from _claims(view, each, slices)


def _reported(allocation: Allocation) -> dict[str, frozenset[str] | None]:
    """Return the ids reported as allocatable by resource; None if the kubelet does not report them."""
    found: dict[str, frozenset[str] | None] = {}
    for stock in allocation.devices:
        before = found.get(stock.resource, frozenset())
        found[stock.resource] = None if before is None or stock.reported is None else before | stock.reported
    return found


def _cpus(
    view: PodView, container: str, cpus: CpuSet, topology: Topology | None, verdict: Verdict | None = None
) -> Iterator[Held]:
    for node, some in by_node(cpus, topology):
        yield Held(
            *view.pod.key,
            container,
            Thing.CPU,
            CPU,
            format_cpuset(some),
            len(some),
            frozenset([int(node)]) if node else frozenset(),
            verdict=verdict,
            meta=view.meta,
            mark=view.mark,
        )


def _memory(
    view: PodView, container: str, blocks: tuple[MemoryBlock, ...], verdict: Verdict | None = None
) -> Iterator[Held]:
    for block in blocks:
        yield Held(
            *view.pod.key,
            container,
            Thing.MEMORY,
            block.memory_type,
            "",
            block.size_bytes,
            block.numa_nodes,
            verdict=verdict,
            meta=view.meta,
            mark=view.mark,
        )


def _device(view: PodView, each: ContainerView, device: Device, reported: dict[str, frozenset[str] | None]) -> Held:
    base, replica = share_of(device.device_id, device.resource, each.chosen_devices)
    health, message = _health(each, device.resource, device.device_id)
    ids = reported.get(device.resource)
    return Held(
        *view.pod.key,
        each.container.name,
        Thing.DEVICE,
        device.resource,
        device.device_id,
        1,
        device.numa_nodes,
        base=base,
        share=replica,
        health=health,
        message=message,
        is_allocatable=None if ids is None else device.device_id in ids,
        verdict=each.alignment.verdict,
        meta=view.meta,
        mark=view.mark,
    )


def _claims(view: PodView, each: ContainerView, slices: Mapping[DraKey, DraDevice]) -> Iterator[Held]:
    """Yield the claim devices that the container uses or may use, and claims without devices yet."""
    common = (*view.pod.key, each.container.name, Thing.CLAIM)
    verdict = each.alignment.verdict
    for use in each.claim_uses:
        device = use.device
        health, message = _health(each, device.driver, device.device, device.pool, use.claim)
        stated = slices.get((device.driver, device.pool, device.device))
        yield Held(
            *common,
            device.driver,
            device.device or ",".join(device.cdi_devices),
            1,
            stated.numa_nodes if stated else frozenset(),
            base=stated.uuid if stated else "",
            share=device.share_id,
            claim=use.claim,
            pool=device.pool,
            cdi_devices=device.cdi_devices,
            attribution=use.attribution,
            request=use.request,
            is_admin=use.is_admin,
            health=health,
            message=message,
            verdict=verdict,
            meta=view.meta,
            mark=view.mark,
        )
    for name in unprepared(each):
        yield Held(*common, "", "", 0, claim=name, verdict=verdict, meta=view.meta, mark=view.mark)


def unprepared(view: ContainerView) -> list[str]:
    """Return the names of the container's claims without devices yet."""
    prepared = {claim.name for claim in view.container.claims if claim.devices}
    return list(dict.fromkeys(claim.name for claim in view.container.claims if claim.name not in prepared))


def _health(view: ContainerView, resource: str, device: str, pool: str = "", claim: str = "") -> tuple[str, str]:
    """Return the health of one device in the pod's status and its reason; several words if rows differ."""
    wanted = (resource, device, pool, claim)
    rows = [row for row in view.health if (row.resource, row.device, row.pool, row.claim) == wanted]
    return ",".join(dict.fromkeys(row.health for row in rows)), "; ".join(row.message for row in rows if row.message)


def by_driver(uses: tuple[ClaimUse, ...]) -> dict[tuple[str, bool], int]:
    """Return the number of claim devices by (driver, else claim; whether the container certainly uses them)."""
    counts: dict[tuple[str, bool], int] = {}
    for use in uses:
        key = (use.device.driver or f"claim {use.claim}", use.attribution is Attribution.CONTAINER)
        counts[key] = counts.get(key, 0) + 1
    return counts
