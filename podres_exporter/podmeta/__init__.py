"""
Decode the API server's pods: lists, watch events, and the metadata kept of each pod.

msgspec decodes the few used fields straight into slim records; nothing else of a pod becomes an object. Results are
frozen and compared by value. Nothing here deals with requests, connections or retries.
"""

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist
from podres_exporter.podmeta.answers import decode_event, decode_list
from podres_exporter.podmeta.events import (
    Bookmark,
    Changed,
    Deleted,
    Event,
    Failed,
    Foreign,
    PodList,
    Unknown,
    Unusable,
)
from podres_exporter.podmeta.faults import PodError
from podres_exporter.podmeta.liststream import PodListReader
from podres_exporter.podmeta.pod import DecodedPod, PodDecoder

__all__ = [
    "Bookmark",
    "Changed",
    "DecodedPod",
    "Deleted",
    "Event",
    "Failed",
    "Foreign",
    "LabelAllowlist",
    "PodDecoder",
    "PodError",
    "PodList",
    "PodListReader",
    "Unknown",
    "Unusable",
    "decode_event",
    "decode_list",
    "parse_allowlist",
]
