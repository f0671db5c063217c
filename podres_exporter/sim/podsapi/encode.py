"""Encode a JSON API object as Kubernetes protobuf, for the fields that the descriptors know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from podres_exporter._proto import core_v1_pod_pb2 as pb


def pod_bytes(pod: Mapping[str, Any]) -> bytes:
    """Return a pod, with its maps in the order of their keys as Go marshals them; unknown fields are left out."""
    message = pb.Pod()
    _fill(message, pod)
    return message.SerializeToString(deterministic=True)


def _fill(message: Message, value: Mapping[str, Any]) -> None:
    fields = message.DESCRIPTOR.fields_by_name
    for name, part in value.items():
        field = cast("FieldDescriptor | None", fields.get(name))
        if field is None or part is None:
            continue
        if _is_map(field):
            _fill_map(getattr(message, name), field, part)
        elif field.message_type is not None and field.is_repeated:
            for item in part:
                _fill_one(getattr(message, name).add(), item)
        elif field.message_type is not None:
            child = getattr(message, name)
            child.SetInParent()
            _fill_one(child, part)
        else:
            setattr(message, name, part)


def _fill_one(message: Message, value: Any) -> None:
    """Fill a message: a quantity is a text or a number in JSON, a time a text."""
    if isinstance(message, pb.Quantity):
        message.string = str(value)
    elif isinstance(message, pb.Time):
        message.seconds = int(datetime.fromisoformat(str(value)).timestamp())
    else:
        _fill(message, value)


def _fill_map(target: Any, field: FieldDescriptor, value: Mapping[str, Any]) -> None:
    entry = cast("Descriptor", field.message_type)
    is_message = entry.fields_by_name["value"].message_type is not None
    for key, item in value.items():
        if is_message:
            _fill_one(target[key], item)
        else:
            target[key] = item


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
