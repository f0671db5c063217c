"""
Decode Dynamic Resource Allocation objects (ResourceSlices, ResourceClaims) and combine slices into pools.

Pure. The opaque configuration of claims may contain anything and is never kept.
"""

from podres_exporter.dra.claims import decode_claim
from podres_exporter.dra.devices import NO_ATTRIBUTES, AttributeAllowlist
from podres_exporter.dra.slices import Slice, SliceList, decode_slice_event, decode_slices, pools_of

__all__ = [
    "NO_ATTRIBUTES",
    "AttributeAllowlist",
    "Slice",
    "SliceList",
    "decode_claim",
    "decode_slice_event",
    "decode_slices",
    "pools_of",
]
