"""
One snapshot as a document for people and programs, `podres/v1`, and back without loss.

envelope is the whole; pods, containers, metadata, node and status are its parts: typed records, and functions from the
model and back. values has the types they share, faults converts plain values and names what
is wrong where, schema prints the JSON Schema from the records.

A key that is absent says that something is unknown, not stated, or does not apply; null is never written and reads the
same. An empty list or text says that there is none. Unknown keys are ignored: a newer release may add some.
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
