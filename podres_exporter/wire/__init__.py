"""
Decode the kubelet's protobuf answers into the model. Protobuf types stop here; this package returns frozen records.
"""

from podres_exporter.wire.answers import AllocatableDecoder, ListDecoder, decode_get, encode_get_request
from podres_exporter.wire.plain import DeviceRows
from podres_exporter.wire.renaming import renamed

__all__ = ["AllocatableDecoder", "DeviceRows", "ListDecoder", "decode_get", "encode_get_request", "renamed"]
