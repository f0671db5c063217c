"""The DRA part of a container's answer, which changed its shape more often than the rest."""

from collections.abc import Iterable, Sequence
from random import Random

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Claim, ClaimDevice
from podres_exporter.sim.podresources.dialect import Dialect

_CLASS_NAME_TAG = b"\x0a"
"""Field 1 of DynamicResource, length-delimited: class_name of 1.27 to 1.30, which today's proto reserves."""


def dynamic_resources(claims: Sequence[Claim], dialect: Dialect, random: Random) -> list[pb.DynamicResource]:
    """
    Return one row per claim, with all of its devices; none where the release or its gate has no DRA in this API.

    Source: cm/container_manager_linux.go GetDynamicResources of 1.27 to 1.37; drivers come in map order.
    """
    if not dialect.dynamic_resources:
        return []
    return [_dynamic_resource(claim, dialect, random) for claim in claims]


def _dynamic_resource(claim: Claim, dialect: Dialect, random: Random) -> pb.DynamicResource:
    message = pb.DynamicResource(claim_name=claim.name, claim_namespace=claim.namespace)
    drivers = sorted({device.driver for device in claim.devices})
    random.shuffle(drivers)
    for driver in drivers:
        devices = [device for device in claim.devices if device.driver == driver]
        message.claim_resources.extend(_by_driver(devices, dialect))
    if dialect.class_name and claim.devices:
        name = claim.devices[0].driver.encode()
        message.MergeFromString(_CLASS_NAME_TAG + bytes([len(name)]) + name)
    return message


def _by_driver(devices: Sequence[ClaimDevice], dialect: Dialect) -> list[pb.ClaimResource]:
    """Return one row per device, or up to 1.30 one row for the driver with nothing but CDI names."""
    if dialect.class_name:
        return [pb.ClaimResource(cdi_devices=_cdi(name for device in devices for name in device.cdi_devices))]
    rows = []
    names: list[str] = []
    for device in devices:
        # The kubelet's list is declared outside of its loop over devices, so each row repeats the ones before it.
        names = [*names, *device.cdi_devices] if dialect.cdi_accumulates else list(device.cdi_devices)
        row = pb.ClaimResource(
            cdi_devices=_cdi(names), driver_name=device.driver, pool_name=device.pool, device_name=device.device
        )
        if device.share_id and dialect.share_id:
            row.share_id = device.share_id
        rows.append(row)
    return rows


def _cdi(names: Iterable[str]) -> list[pb.CDIDevice]:
    return [pb.CDIDevice(name=name) for name in names]
