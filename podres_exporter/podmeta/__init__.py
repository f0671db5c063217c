"""
The API server's JSON to the model: lists of pods, events of a watch, and what is kept of one pod.

msgspec reads the few fields that are used straight into slim records; nothing else of a pod ever becomes an object.
What leaves this package is frozen and compared by value. Nothing here knows of requests, connections or retries.
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
from podres_exporter.podmeta.labels import label_rows
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
    "label_rows",
    "parse_allowlist",
]
