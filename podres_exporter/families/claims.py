"""Metrics of DRA claim devices, for any driver."""

from collections.abc import Collection, Iterable

from podres_exporter.families.spec import Concern, ContainerFamily, Kind, NodeFamily, Row
from podres_exporter.model import NO_INTERFACE, Allocation, Certainty, ClaimUse, ContainerView, Thing, Topology


def _claim_devices(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    """Return a row per claim device; kubelets 1.27 to 1.30 name no devices, only CDI names."""
    if not view.claim_uses:
        return ()
    return _once(
        (*_device(use), use.attribution.value, use.request, _admin(use), 1)
        for use in view.claim_uses
        if use.device.driver
    )


def _cdi_devices(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    if not view.claim_uses:
        return ()
    return _once((*_device(use), cdi_device, 1) for use in view.claim_uses for cdi_device in use.device.cdi_devices)


def _device(use: ClaimUse) -> Row:
    """Return the values of _LABELS, which identify a device of a claim."""
    device = use.device
    return (use.claim, device.driver, device.pool, device.device, device.share_id)


def _admin(use: ClaimUse) -> str:
    """Return whether it is admin access; empty if the claim was not read."""
    if not use.request:
        return ""
    return "true" if use.is_admin else "false"


def _consumed(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    if not view.claim_uses:
        return ()
    return _once((*_device(use), use.request, *amount) for use in view.claim_uses for amount in use.consumed)


def _interfaces(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    if not view.claim_uses:
        return ()
    return _once(
        (*_device(use), use.request, use.interface.name, use.interface.hardware_address, 1)
        for use in view.claim_uses
        if use.interface != NO_INTERFACE
    )


def _once(rows: Iterable[Row]) -> Collection[Row]:
    """Drop duplicate rows: devices of a claim listed under two namespaces may differ only in what is not a label."""
    return list(dict.fromkeys(rows))


def _double_held(allocation: Allocation) -> Collection[Row]:
    """Return the count for each driver of the node, including 0; none if doubles cannot be judged."""
    if allocation.doubles is None:
        return []
    doubles = [(each.resource, each.certainty) for each in allocation.doubles if each.thing is Thing.CLAIM_DEVICE]
    drivers = {use.device.driver for view in allocation.pods for each in view.containers for use in each.claim_uses}
    drivers.update(driver for driver, _ in doubles)
    return [
        (driver, certainty.value, doubles.count((driver, certainty)))
        for driver in sorted(filter(None, drivers))
        for certainty in Certainty
    ]


_LABELS = ("claim", "driver", "pool", "device", "share_id")
FAMILIES = (
    ContainerFamily(
        name="podres_container_claim_device_info",
        kind=Kind.INFO,
        help="One per device of a DRA claim attached to the container. The kubelet lists all devices of a "
        'claim for each container that refers to it: attribution="container" means that the pod spec '
        'shows this container uses the device, attribution="claim" that it is unknown which of the '
        "claim's devices it uses. request and admin_access come from the ResourceClaim and are empty if "
        'it was not read; a device with admin_access="true" is monitored, not held.',
        labels=(*_LABELS, "attribution", "request", "admin_access"),
        collector="claims",
        rows=_claim_devices,
        concern=Concern.CLAIMS,
    ),
    ContainerFamily(
        name="podres_container_claim_cdi_device_info",
        kind=Kind.INFO,
        help="One per CDI name of a claim device. Driver, pool and device are empty on kubelets 1.27 to 1.30,"
        " which report CDI names only.",
        labels=(*_LABELS, "cdi_device"),
        collector="claims",
        rows=_cdi_devices,
        concern=Concern.CLAIMS,
    ),
    ContainerFamily(
        name="podres_container_claim_consumed_capacity",
        kind=Kind.GAUGE,
        help="How much the container's share of a device takes of one of its capacities (bytes, bits per second and "
        "so on, as the driver counts). Containers that use one share have the same amount; sum over share_id.",
        labels=(*_LABELS, "request", "capacity"),
        collector="dra",
        rows=_consumed,
        concern=Concern.CLAIMS,
    ),
    ContainerFamily(
        name="podres_container_claim_interface_info",
        kind=Kind.INFO,
        help="One per device of a claim attached to the container for which the driver states a network interface in "
        "the ResourceClaim (status.devices): the interface's name in the pod's network namespace and its hardware "
        "address. Either is empty if it is not stated. At most one per claim device; IP addresses are not exported.",
        labels=(*_LABELS, "request", "interface", "hardware_address"),
        collector="dra",
        rows=_interfaces,
        concern=Concern.CLAIMS,
    ),
    NodeFamily(
        name="podres_node_double_held_claim_devices",
        kind=Kind.GAUGE,
        help="DRA devices that are allocated to two claims of running pods, without a share. certain: neither"
        " claim has it for admin access; possible: that is not known, because the claims are not read. "
        "Should be 0. Absent if it is not known which pods still run.",
        labels=("driver", "certainty"),
        collector="claims",
        rows=_double_held,
    ),
)
