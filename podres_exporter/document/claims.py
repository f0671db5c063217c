"""A container's DRA claims: what the kubelet lists of them, and which of their devices the container uses."""

from collections.abc import Iterable

from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated
from podres_exporter.model import Attribution, Claim, ClaimDevice, ClaimUse, ContainerView

NOT_USED = "none"
"""Attribution of a device that the kubelet lists for the claim and that is another container's."""


def write_claims(view: ContainerView) -> list[Fields]:
    """Return the container's claims; each device says whether the container uses it."""
    attributions = {(use.claim, use.device): use.attribution.value for use in view.claim_uses}
    return [
        stated(
            {
                "namespace": claim.namespace or None,
                "name": claim.name,
                "devices": [
                    _write_device(device, attributions.get((claim.name, device), NOT_USED)) for device in claim.devices
                ],
            }
        )
        for claim in view.container.claims
    ]


def read_claims(readers: Iterable[Reader]) -> tuple[tuple[Claim, ...], tuple[ClaimUse, ...]]:
    """
    Return the claims, and the uses of their devices.

    Uses go by the claim's name, in the order in which the names come, each device once: a claim is its pod's, whatever
    namespaces an answer may list it under.
    """
    claims = []
    uses_by_claim: dict[str, dict[ClaimDevice, ClaimUse]] = {}
    for reader in readers:
        name, rows = reader.text("name"), reader.each("devices")
        devices = tuple(_read_device(row) for row in rows)
        claims.append(Claim(reader.text("namespace", ""), name, devices))
        uses = uses_by_claim.setdefault(name, {})
        for device, row in zip(devices, rows, strict=True):
            if row.text("attribution") != NOT_USED:
                uses.setdefault(device, ClaimUse(name, device, row.choice("attribution", Attribution)))
    return tuple(claims), tuple(use for uses in uses_by_claim.values() for use in uses.values())


def _write_device(device: ClaimDevice, attribution: str) -> Fields:
    return stated(
        {
            "driver": device.driver or None,
            "pool": device.pool or None,
            "device": device.device or None,
            "shareId": device.share_id or None,
            "cdiDevices": list(device.cdi_devices) or None,
            "attribution": attribution,
        }
    )


def _read_device(reader: Reader) -> ClaimDevice:
    return ClaimDevice(
        driver=reader.text("driver", ""),
        pool=reader.text("pool", ""),
        device=reader.text("device", ""),
        share_id=reader.text("shareId", ""),
        cdi_devices=tuple(reader.texts("cdiDevices", ())),
    )
