"""The object in a protobuf body, which typed clients of Go send unless they are told otherwise."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message

from podres_exporter._proto import api_bodies_pb2 as pb
from podres_exporter.moment import write_moment
from podres_exporter.sim.api.storage.status import bad_request

PROTOBUF = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_MESSAGES: Mapping[str, type[Message]] = {
    "DeleteOptions": pb.DeleteOptions,
    "ResourceSlice": pb.ResourceSlice,
    "SelfSubjectAccessReview": pb.SelfSubjectAccessReview,
}
KINDS = _MESSAGES.keys()
"""What is understood; anything else is refused as an unknown media type."""

_STATED = frozenset({"DeviceAttribute", "ResourcePool"})
"""Messages in which an empty text or a zero is a value. Elsewhere Go writes both for what is absent."""


def read_protobuf(body: bytes, kind: str) -> dict[str, Any]:
    """
    Return the object as JSON has it. Raises StatusError 400 for what is none of the *kind*.

    Source: apimachinery runtime/serializer/protobuf.
    """
    if not body.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        unknown = pb.Unknown.FromString(body.removeprefix(_MAGIC))
        found = _MESSAGES[kind].FromString(unknown.raw)
    except DecodeError as error:
        raise bad_request(f"proto: cannot parse the body as {kind}") from error
    if not unknown.HasField("raw"):
        raise bad_request(f"proto: the body has no {kind}")
    return _type_of(unknown.typeMeta) | _plain(found)


def _type_of(data: bytes) -> dict[str, Any]:
    """Return apiVersion and kind, as far as they are stated; the URL states both."""
    try:
        return _plain(pb.TypeMeta.FromString(data))
    except DecodeError:
        return {}


def _plain(message: Message) -> dict[str, Any]:
    """Return a message as JSON of the API has it: quantities and moments are texts."""
    is_stated = message.DESCRIPTOR.name in _STATED
    found = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            plain: Any = {key: _value(each) for key, each in value.items()}
        elif field.is_repeated:
            plain = [_value(each) for each in value]
        else:
            plain = _value(value)
        if is_stated or plain not in ("", 0, None) or plain is False:
            found[field.name] = plain
    return found


def _value(value: Any) -> Any:
    if isinstance(value, pb.Quantity):
        return value.string
    if isinstance(value, pb.Time):
        return write_moment(value.seconds) if value.seconds else None
    return _plain(value) if isinstance(value, Message) else value
