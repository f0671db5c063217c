"""
The snapshot document `podres/v1` (JSON, YAML): write and read it without loss.

envelope is the whole document; pods, containers, metadata, stock, topology, usage and status are its parts: typed
records, and functions that convert them from and to the model. values has shared types, faults reports errors with
their path, schema prints the JSON Schema from the records.

An absent key means that something is unknown, not stated, or not applicable; null is never written and reads the same.
An empty list or text means that there is none. Unknown keys are ignored: a newer release may add some.
"""

from podres_exporter.document.envelope import (
    API_VERSION,
    KIND,
    Decoded,
    Fields,
    decode,
    decode_dated,
    decode_json,
    encode,
    encode_json,
    prepare,
)

__all__ = [
    "API_VERSION",
    "KIND",
    "Decoded",
    "Fields",
    "decode",
    "decode_dated",
    "decode_json",
    "encode",
    "encode_json",
    "prepare",
]
