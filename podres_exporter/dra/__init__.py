"""
Dynamic Resource Allocation as the API server tells it: JSON of ResourceSlices and ResourceClaims to records, pools.

Pure. Claims' opaque configuration may hold anything and is never kept.
"""

from podres_exporter.dra.claims import decode_claim
from podres_exporter.dra.pools import pools_of
from podres_exporter.dra.slices import Slice, SliceList, decode_slice_event, decode_slices

__all__ = ["Slice", "SliceList", "decode_claim", "decode_slice_event", "decode_slices", "pools_of"]
