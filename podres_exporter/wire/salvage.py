"""
Recover the readable fields of a damaged protobuf message.

One broken byte makes protobuf reject an entire answer. The wire format frames every field, so broken ones can be found,
left out and reported, and the rest kept. Only damaged messages are handled here.
"""

import re
from collections.abc import Iterable
from typing import cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from podres_exporter.model import Malformed, Unknown


def salvage(data: bytes, into: Message, path: str = "") -> list[Malformed]:
    r"""
    Merge every readable field of *data* into *into*; return what could not be read, with paths below *path*.

    A text that is not UTF-8 is kept with its invalid bytes written as `\xNN` (dropping a device's id would report the
    device as free) and returned like any other fault. Fields of a newer kubelet are ignored.

    Raises DecodeError, with *into* unchanged, if the fields cannot be separated at all.

    Source: protobuf encoding, "Message structure"; proto3 requires UTF-8 in string fields; fields count from 1.
    """
    unread = UnknownFieldSet(Empty.FromString(data))
    faults: list[Malformed] = []
    seen: dict[int, int] = {}
    for position in range(len(unread)):
        field = unread[position]
        descriptor = cast("FieldDescriptor | None", into.DESCRIPTOR.fields_by_number.get(field.field_number))
        if descriptor is None:
            if not field.field_number:
                # Field number 0 is invalid, so this is not a newer kubelet's field: some content has been lost here.
                faults.append(Malformed(path, "a field with the number 0 cannot be read"))
            continue
        index = seen[descriptor.number] = seen.get(descriptor.number, -1) + 1
        name = f"{descriptor.name}[{index}]" if descriptor.is_repeated else descriptor.name
        framed = _frame(descriptor.number, field.wire_type, field.data)
        try:
            into.MergeFrom(type(into).FromString(framed))
        except DecodeError:
            faults += _repair(field.data, descriptor, into, f"{path}.{name}" if path else name)
    return faults


def _repair(data: object, descriptor: FieldDescriptor, into: Message, path: str) -> list[Malformed]:
    """Merge one damaged field as far as possible: recurse into a message, repair a text, give up on anything else."""
    if isinstance(data, bytes) and descriptor.message_type is not None:
        owner = type(into)()
        child = getattr(owner, descriptor.name)
        child = child.add() if descriptor.is_repeated else child
        try:
            faults = salvage(data, child, path)
        except DecodeError:
            return [Malformed(path, "not a protobuf message")]
        child.SetInParent()
        into.MergeFrom(owner)
        return faults
    if isinstance(data, bytes) and descriptor.type == FieldDescriptor.TYPE_STRING:
        text = data.decode("utf-8", "backslashreplace").encode()
        into.MergeFrom(type(into).FromString(_frame(descriptor.number, 2, text)))
        return [Malformed(path, "not UTF-8; invalid bytes are shown as \\xNN")]
    return [Malformed(path, "cannot be read")]


def _frame(number: int, wire_type: int, data: object) -> bytes:
    """Return one field in its wire encoding; groups, which proto3 does not have, are returned empty."""
    tag = _varint(number << 3 | wire_type)
    match wire_type, data:
        case 0, int():
            return tag + _varint(data)
        case 1, int():
            return tag + data.to_bytes(8, "little")
        case 5, int():
            return tag + data.to_bytes(4, "little")
        case 2, bytes():
            return tag + _varint(len(data)) + data
        case _:
            return b""


def _varint(value: int) -> bytes:
    """Return a non-negative number as a base-128 varint."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


_INDEX = re.compile(r"\[[^\]]*\]")
_STRAY_BYTES = "not UTF-8"
_LOCALITY, _CLAIMS = "topology", "dynamic_resources"
"""Damage in these fields leaves all amounts known: NUMA nodes, and DRA devices, which are in no free figure."""


def unreadable(faults: Iterable[Malformed]) -> Unknown:
    """Return which resources the unusable items may belong to, so that nothing is claimed to be free of them."""
    found = Unknown()
    for fault in faults:
        found |= _unknown(fault, _INDEX.sub("", fault.path).split("."))
    return found


def _unknown(fault: Malformed, fields: list[str]) -> Unknown:
    """Return what is unknown because of one fault; *fields* is its path in the message."""
    is_mended = fault.problem.startswith(_STRAY_BYTES) and fields[-1] != "resource_name"
    if is_mended or _LOCALITY in fields or _CLAIMS in fields:
        return Unknown()
    if fault.resource:
        return Unknown(resources=frozenset({fault.resource}))
    if "devices" in fields:
        return Unknown(devices=True)
    return Unknown(resources=frozenset({"cpu"})) if fields[-1] == "cpu_ids" else Unknown(everything=True)
