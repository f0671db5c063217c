"""Decode a ResourceClaim: which request has which device, and the network interface that a driver made of it."""

from collections.abc import Iterable
from sys import intern

from msgspec.json import Decoder

from podres_exporter.dra.devices import amounts
from podres_exporter.dra.records import AllocatedDevices, ClaimStatus, DeviceStatus, ResourceClaim
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model.dra import NO_INTERFACE, ClaimFacts, ClaimInterface, ClaimResult
from podres_exporter.podmeta.faults import UNREADABLE, pod_error

_CLAIM = Decoder(ResourceClaim)


def decode_claim(body: bytes) -> ClaimFacts | None:
    """
    Return the claim, None if nothing is allocated to it. Raises ApiServerError (malformed) if it is not a claim.

    Its configuration may contain anything and is not kept.
    """
    try:
        wire = _CLAIM.decode(body)
        status = wire.status or ClaimStatus()
        allocation, interfaces = status.allocation, _interfaces(status.devices or ())
        if allocation is None:
            return None
        results = tuple(
            ClaimResult(
                intern(each.request),
                intern(each.driver),
                intern(each.pool),
                each.device,
                each.share_id or "",
                bool(each.admin_access),
                amounts(each.consumed_capacity or {}),
                interfaces.get((each.driver, each.pool, each.device, each.share_id or ""), NO_INTERFACE),
            )
            for each in (allocation.devices or AllocatedDevices()).results or ()
        )
    except UNREADABLE as error:
        detail = f"{len(body)} bytes are not a claim: {pod_error(error)}"
        raise ApiServerError("get", Reason.MALFORMED, detail) from error
    meta, pods = wire.metadata, frozenset(each.uid for each in status.reserved_for or () if each.uid)
    return ClaimFacts(meta.namespace, meta.name, meta.uid, results, pods)


def _interfaces(devices: Iterable[DeviceStatus]) -> dict[tuple[str, str, str, str], ClaimInterface]:
    """Return the interfaces by driver, pool, device and share."""
    return {
        (each.driver, each.pool, each.device, each.share_id or ""): ClaimInterface(
            intern(data.interface_name or ""), data.hardware_address or ""
        )
        for each in devices
        if (data := each.network_data) is not None
    }
