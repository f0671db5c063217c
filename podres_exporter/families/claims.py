"""Devices of DRA claims, of any driver."""

from collections.abc import Collection, Iterable

from podres_exporter.families.spec import ContainerFamily, ContainerView, Kind, Row


def _claim_devices(view: ContainerView) -> Collection[Row]:
    """Return a row per claim device; kubelets 1.27 to 1.30 do not name devices, only their CDI names."""
    return _once(
        (claim.name, device.driver, device.pool, device.device, device.share_id, 1)
        for claim in view.container.claims
        for device in claim.devices
        if device.driver
    )


def _cdi_devices(view: ContainerView) -> Collection[Row]:
    return _once(
        (claim.name, device.driver, device.pool, device.device, device.share_id, cdi_device, 1)
        for claim in view.container.claims
        for device in claim.devices
        for cdi_device in device.cdi_devices
    )


def _once(rows: Iterable[Row]) -> Collection[Row]:
    """Return each row once: claims are the pod's, so their namespace is no label, whatever an answer may say of it."""
    return list(dict.fromkeys(rows))


_LABELS = ("claim", "driver", "pool", "device", "share_id")
FAMILIES = (
    ContainerFamily(
        name="podres_container_claim_device_info",
        kind=Kind.INFO,
        help="One per device of a DRA claim that the container refers to. The kubelet lists all devices of the "
        "claim on each such container, whichever of its requests the container uses.",
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
