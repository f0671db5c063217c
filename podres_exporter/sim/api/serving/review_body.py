"""The body of an access review, which kubectl from 1.33 on sends as protobuf and older ones as JSON."""

from collections.abc import Mapping
from typing import Any

from podres_exporter.sim.api.http.request import Request
from podres_exporter.sim.api.storage.status import bad_request
from podres_exporter.sim.api.writes.bodies import read_body

_PROTOBUF = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

# Field numbers of runtime.Unknown, SelfSubjectAccessReview, its spec, and ResourceAttributes
# (apimachinery runtime/generated.proto, authorization/v1 generated.proto).
_RAW, _SPEC, _RESOURCE_ATTRIBUTES = 2, 2, 1
_ATTRIBUTES = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}

_LENGTH_DELIMITED = 2


def read_review_spec(request: Request) -> Mapping[str, Any]:
    """Return the `spec` of a SelfSubjectAccessReview. Raises StatusError: 415 and 400 for what is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _PROTOBUF:
        return _mapping(read_body(request).get("spec"))
    if not request.body.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix")
    message = request.body.removeprefix(_MAGIC)
    for number in (_RAW, _SPEC, _RESOURCE_ATTRIBUTES):
        message = _fields(message).get(number, b"")
    names = {name: value for number, value in _fields(message).items() if (name := _ATTRIBUTES.get(number))}
    return {"resourceAttributes": {name: value.decode("utf-8", "replace") for name, value in names.items() if value}}


def _mapping(value: object) -> Mapping[str, Any]:
    """Return a part of the body, empty where it is not what it should be."""
    return value if isinstance(value, dict) else {}


def _fields(message: bytes) -> dict[int, bytes]:
    """Return a message's fields by number; all that are needed are text or messages, so others are refused with 400."""
    fields, rest = {}, message
    try:
        while rest:
            tag, rest = _varint(rest)
            size, rest = _varint(rest)
            if tag & 7 != _LENGTH_DELIMITED or size > len(rest):
                raise bad_request("proto: cannot parse the body of the review")
            fields[tag >> 3], rest = rest[:size], rest[size:]
    except IndexError as error:
        raise bad_request("unexpected EOF") from error
    return fields


def _varint(data: bytes) -> tuple[int, bytes]:
    """Return the number at the start and what follows it. Raises IndexError where it does not end."""
    number, index = 0, 0
    while True:
        number |= (data[index] & 0x7F) << (7 * index)
        index += 1
        if data[index - 1] < 0x80:
            return number, data[index:]
