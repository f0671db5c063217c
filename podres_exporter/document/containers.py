"""A container in the document: what it holds, the health of its devices, and its NUMA alignment."""

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import Annotated, ClassVar, Literal

from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.document.dra import AmountRecord, read_amounts, write_amounts
from podres_exporter.document.faults import distinct
from podres_exporter.document.values import Count, Cpus, Ids, Nodes, Record, Size, doc, read_size, write_nodes
from podres_exporter.model import (
    Alignment,
    Attribution,
    Claim,
    ClaimDevice,
    ClaimInterface,
    ClaimUse,
    Constraint,
    Container,
    ContainerView,
    Device,
    DeviceHealth,
    MemoryBlock,
    Verdict,
    share_of,
)

_RESOURCE_AND_ID = attrgetter("resource", "device_id")
_NOT_USED = "none"
"""The attribution of a device that the kubelet lists for the claim but that another container uses."""


class DeviceRecord(Record, kw_only=True):
    """A device-plugin device that a container holds."""

    resource: Annotated[str, doc("The extended resource.")]
    id: Annotated[str, doc("The device's id, unique within the resource.")]
    base: Annotated[
        str,
        doc("The physical device behind a shared id such as UUID::3. Absent if the id is that of the device."),
    ] = ""
    replica: Annotated[str, doc("The number behind a shared id. Absent if base is.")] = ""
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes it is near to. Absent if its plugin states none.")] = []

    key: ClassVar[tuple[str, ...]] = ("resource", "id")


class MemoryBlockRecord(Record, kw_only=True):
    """Memory or huge pages that the static memory manager granted."""

    memory_type: Annotated[str, doc("memory, or huge pages such as hugepages-2Mi.")]
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes it is on. Absent if none is stated.")] = []
    bytes: Annotated[Size, doc("Its size on all its nodes; the kubelet does not say how it is split.")]


class ClaimDeviceRecord(Record, kw_only=True):
    """A device of a DRA claim."""

    driver: Annotated[
        str,
        doc(
            "The DRA driver. Driver, pool and device are absent on kubelets 1.27 to 1.30, which name only CDI devices."
        ),
    ] = ""
    pool: Annotated[str, doc("The driver's pool.")] = ""
    device: Annotated[str, doc("The device's name, unique within the pool.")] = ""
    share_id: Annotated[
        str, doc("Which share of a device that several claims may use. Absent if it is not shared.")
    ] = ""
    cdi_devices: Annotated[Ids, doc("The CDI names of the device. Absent if none is named.")] = []
    attribution: Annotated[
        Literal["container", "claim", "none"],
        doc(
            "container: this container uses it. claim: the kubelet lists it for the claim, and it is unknown which "
            "container uses it. none: the pod's status names other devices for this container."
        ),
    ]
    request: Annotated[
        str,
        doc("The request of the claim that the device was allocated for. Absent if the claim was not read."),
    ] = ""
    admin_access: Annotated[
        bool, doc("The claim has admin access: the device is monitored and not held. Absent if it is held.")
    ] = False
    consumed: Annotated[
        list[AmountRecord], doc("What the claim's share takes of the device's capacities. Absent if nothing is.")
    ] = []
    interface: Annotated[
        str, doc("The network interface in the pod that the driver made of the device. Absent if it states none.")
    ] = ""
    hardware_address: Annotated[
        str, doc("The hardware address of that interface. Absent if the driver states none.")
    ] = ""


class ClaimRecord(Record, kw_only=True):
    """A ResourceClaim that a container refers to."""

    namespace: Annotated[str, doc("The claim's namespace as the kubelet lists it, which is the pod's.")] = ""
    name: Annotated[str, doc("The name of the ResourceClaim.")]
    devices: Annotated[
        list[ClaimDeviceRecord],
        doc("All devices of the claim, whichever container uses them; empty while it is not prepared."),
    ]


class DeviceHealthRecord(Record, kw_only=True):
    """The health of a device that a container holds, as the pod's status reports it."""

    resource: Annotated[
        str, doc("The extended resource, or the DRA driver. Absent if the kubelet does not list the device.")
    ] = ""
    device: Annotated[str, doc("The device's id or name.")]
    pool: Annotated[str, doc("The pool of a DRA device.")] = ""
    claim: Annotated[str, doc("The ResourceClaim of a DRA device.")] = ""
    health: Annotated[str, doc("Healthy, Unhealthy or Unknown.")]
    message: Annotated[str, doc("What the plugin or driver says of it.")] = ""


class ConstraintRecord(Record, kw_only=True):
    """What a container needs of the NUMA nodes for one resource."""

    resource: Annotated[str, doc("cpu, a memory type, or an extended resource.")]
    count: Annotated[Count, doc("How many CPUs, memory blocks or devices.")]
    needs: Annotated[
        Literal["every", "any"],
        doc("every: all of the nodes (CPUs, memory). any: one of them is enough (devices)."),
    ]
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes they are on.")] = []


class AlignmentRecord(Record, kw_only=True):
    """How well a container is aligned with the NUMA nodes."""

    verdict: Annotated[
        Verdict,
        doc(
            "aligned: one NUMA node serves all that has locality. misaligned: no node does, though one could have. "
            "spans: it needs more than one node has. unknown: no device states its node, or the CPUs' nodes are not "
            "known. unsupported: a kubelet of 1.20 to 1.22, which reports unknown locality as node 0. not_applicable: "
            "nothing that could have locality."
        ),
    ]
    numa_nodes: Annotated[Nodes, doc("The fewest nodes found to serve it. Absent if nothing has locality.")] = []
    reasons: Annotated[
        list[ConstraintRecord],
        doc("What the container needs of the nodes, by resource. Absent if nothing has locality."),
    ] = []
    unplaced: Annotated[
        Count,
        doc("How many CPUs and devices have no known node and are left out of the verdict. Absent if there are none."),
    ] = 0


class ContainerRecord(Record, kw_only=True):
    """A container that the kubelet lists."""

    name: Annotated[str, doc("The container's name.")]
    devices: Annotated[list[DeviceRecord], doc("The device-plugin devices it holds, by resource and id.")]
    exclusive_cpus: Annotated[
        Cpus, doc("Its exclusive CPUs, as a list such as 2-5,66-69; empty if it runs in the shared pool.")
    ]
    memory: Annotated[
        list[MemoryBlockRecord], doc("The memory and huge pages that the static memory manager granted it.")
    ]
    claims: Annotated[list[ClaimRecord], doc("The DRA claims that it refers to.")]
    health: Annotated[
        list[DeviceHealthRecord],
        doc("The health of its devices according to the pod's status. Absent if not reported."),
    ] = []
    alignment: Annotated[AlignmentRecord, doc("How well it is aligned with the NUMA nodes.")]

    key: ClassVar[tuple[str, ...]] = ("name",)


def write_container(view: ContainerView) -> ContainerRecord:
    """Return the container's record; an empty list means that it holds none of that kind."""
    container, alignment = view.container, view.alignment
    return ContainerRecord(
        name=container.name,
        devices=[_write_device(device, view.chosen_devices) for device in container.devices],
        exclusive_cpus=format_cpuset(container.exclusive_cpus),
        memory=[write_block(block) for block in container.memory],
        claims=[_write_claim(claim, view.claim_uses) for claim in container.claims],
        health=[_write_health(row) for row in view.health],
        alignment=AlignmentRecord(
            verdict=alignment.verdict,
            numa_nodes=write_nodes(alignment.numa_nodes),
            reasons=[_write_constraint(each) for each in alignment.constraints],
            unplaced=alignment.unplaced,
        ),
    )


def read_container(record: ContainerRecord, chosen: tuple[str, ...] = ()) -> ContainerView:
    """
    Return the container; its devices are sorted, as code that counts them relies on runs of one resource.

    *chosen* are the devices that a scheduler chose, according to the pod's metadata.
    """
    devices = [Device(each.resource, each.id, frozenset(each.numa_nodes)) for each in distinct(record.devices)]
    container = Container(
        record.name,
        tuple(sorted(devices, key=_RESOURCE_AND_ID)),
        parse_cpuset(record.exclusive_cpus),
        tuple(map(read_block, record.memory)),
        tuple(map(_read_claim, record.claims)),
    )
    alignment = Alignment(
        record.alignment.verdict,
        frozenset(record.alignment.numa_nodes),
        tuple(map(_read_constraint, record.alignment.reasons)),
        record.alignment.unplaced,
    )
    health = tuple(map(_read_health, record.health))
    return ContainerView(container, alignment, _read_uses(record.claims), health, chosen)


def write_block(block: MemoryBlock) -> MemoryBlockRecord:
    """Return the record of a memory block."""
    return MemoryBlockRecord(
        memory_type=block.memory_type, numa_nodes=write_nodes(block.numa_nodes), bytes=block.size_bytes
    )


def read_block(record: MemoryBlockRecord) -> MemoryBlock:
    """Return the memory block."""
    return MemoryBlock(record.memory_type, frozenset(record.numa_nodes), read_size(record.bytes))


def _write_device(device: Device, chosen: tuple[str, ...]) -> DeviceRecord:
    """Return the device; for a shared one, with its physical device and the number of the share."""
    base, replica = share_of(device.device_id, device.resource, chosen)
    return DeviceRecord(
        resource=device.resource,
        id=device.device_id,
        base=base if replica else "",
        replica=replica,
        numa_nodes=write_nodes(device.numa_nodes),
    )


def _write_claim(claim: Claim, uses: Iterable[ClaimUse]) -> ClaimRecord:
    """Return the claim; each device states whether the container uses it, once for each request that has it."""
    by_device: dict[ClaimDevice, list[ClaimUse]] = {device: [] for device in claim.devices}
    for use in uses:
        if use.claim == claim.name:
            # Kubelets up to 1.34 name no shares: the share is then known from the claim.
            found = by_device.get(use.device, by_device.get(replace(use.device, share_id="")))
            if found is not None:
                found.append(use)
    devices = []
    for device, found in by_device.items():
        devices += [_write_use(use.device, use) for use in found] or [_write_use(device, None)]
    return ClaimRecord(namespace=claim.namespace, name=claim.name, devices=devices)


def _write_use(device: ClaimDevice, use: ClaimUse | None) -> ClaimDeviceRecord:
    return ClaimDeviceRecord(
        driver=device.driver,
        pool=device.pool,
        device=device.device,
        share_id=device.share_id,
        cdi_devices=list(device.cdi_devices),
        attribution=_attribution(use.attribution if use else None),
        request=use.request if use else "",
        admin_access=use is not None and use.is_admin,
        consumed=write_amounts(use.consumed) if use else [],
        interface=use.interface.name if use else "",
        hardware_address=use.interface.hardware_address if use else "",
    )


def _attribution(attribution: Attribution | None) -> Literal["container", "claim", "none"]:
    match attribution:
        case Attribution.CONTAINER:
            return "container"
        case Attribution.CLAIM:
            return "claim"
        case _:
            return "none"


def _read_claim(record: ClaimRecord) -> Claim:
    return Claim(record.namespace, record.name, tuple(dict.fromkeys(map(_read_claim_device, record.devices))))


def _read_claim_device(record: ClaimDeviceRecord) -> ClaimDevice:
    return ClaimDevice(record.driver, record.pool, record.device, record.share_id, tuple(record.cdi_devices))


def _read_uses(records: list[ClaimRecord]) -> tuple[ClaimUse, ...]:
    """
    Return the uses of the claims' devices.

    Uses are by claim name, in the order of the names, without duplicates: a claim belongs to its pod, whatever
    namespace an answer lists it under.
    """
    uses_by_claim: dict[str, dict[tuple[ClaimDevice, str], ClaimUse]] = {}
    for claim in records:
        uses = uses_by_claim.setdefault(claim.name, {})
        for row in claim.devices:
            if row.attribution != _NOT_USED:
                device, attribution = _read_claim_device(row), Attribution(row.attribution)
                use = ClaimUse(
                    claim.name,
                    device,
                    attribution,
                    row.request,
                    row.admin_access,
                    read_amounts(row.consumed),
                    ClaimInterface(row.interface, row.hardware_address),
                )
                uses.setdefault((device, row.request), use)
    return tuple(use for uses in uses_by_claim.values() for use in uses.values())


def _write_health(row: DeviceHealth) -> DeviceHealthRecord:
    return DeviceHealthRecord(
        resource=row.resource,
        device=row.device,
        pool=row.pool,
        claim=row.claim,
        health=row.health,
        message=row.message,
    )


def _read_health(record: DeviceHealthRecord) -> DeviceHealth:
    return DeviceHealth(
        resource=record.resource,
        device=record.device,
        pool=record.pool,
        claim=record.claim,
        health=record.health,
        message=record.message,
    )


def _write_constraint(constraint: Constraint) -> ConstraintRecord:
    return ConstraintRecord(
        resource=constraint.resource,
        count=constraint.count,
        needs="every" if constraint.every else "any",
        numa_nodes=write_nodes(constraint.numa_nodes),
    )


def _read_constraint(record: ConstraintRecord) -> Constraint:
    every = record.needs == "every"
    return Constraint(record.resource, frozenset(record.numa_nodes), record.count, every=every)
