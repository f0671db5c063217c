"""Devices of DRA claims, of any driver."""

from collections.abc import Collection

from podres_exporter.families.spec import ContainerFamily, ContainerView, Kind, Row


def _claim_devices(view: ContainerView) -> Collection[Row]:
    """Return a row per claim device; kubelets 1.27 to 1.30 do not name devices, only their CDI names."""
    return [
        (claim.name, device.driver, device.pool, device.device, device.share_id, 1)
        for claim in view.container.claims
        for device in claim.devices
        if device.driver
    ]


def _cdi_devices(view: ContainerView) -> Collection[Row]:
    return [
        (claim.name, device.driver, device.pool, device.device, device.share_id, cdi_device, 1)
        for claim in view.container.claims
        for device in claim.devices
        for cdi_device in device.cdi_devices
    ]


_LABELS = ("claim", "driver", "pool", "device", "share_id")
FAMILIES = (
    ContainerFamily(
        name="podres_container_claim_device_info",
        kind=Kind.INFO,
        help="One per device of a DRA claim that the container refers to. The kubelet lists all devices of the "
        "claim on "
        "each such container, whichever of its requests the container uses.",
        labels=_LABELS,
        collector="claims",
        rows=_claim_devices,
    ),
    ContainerFamily(
        name="podres_container_claim_cdi_device_info",
        kind=Kind.INFO,
        help="One per CDI name of a claim device. Driver, pool and device are empty on kubelets 1.27 to 1.30, "
        "which name nothing else.",
        labels=(*_LABELS, "cdi_device"),
        collector="claims",
        rows=_cdi_devices,
    ),
)
