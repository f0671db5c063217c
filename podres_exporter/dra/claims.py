"""Decode a ResourceClaim: which request has which device."""

from sys import intern

from msgspec.json import Decoder

from podres_exporter.dra.devices import amounts
from podres_exporter.dra.records import AllocatedDevices, ClaimAllocation, ClaimStatus, ResourceClaim
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model.dra import ClaimFacts, ClaimResult
from podres_exporter.podmeta.faults import UNREADABLE, pod_error

_CLAIM = Decoder(ResourceClaim)


def decode_claim(body: bytes) -> ClaimFacts | None:
    """
    Return the claim, None if nothing is allocated to it. Raises ApiServerError (malformed) if it is not a claim.

    Its configuration may contain anything and is not kept.
    """
    try:
        wire = _CLAIM.decode(body)
        allocation = (wire.status or ClaimStatus()).allocation
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
            )
            for each in ((allocation or ClaimAllocation()).devices or AllocatedDevices()).results or ()
        )
    except UNREADABLE as error:
        detail = f"{len(body)} bytes are not a claim: {pod_error(error)}"
        raise ApiServerError("get", Reason.MALFORMED, detail) from error
    return ClaimFacts(wire.metadata.namespace, wire.metadata.name, wire.metadata.uid, results)
