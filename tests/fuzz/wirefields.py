"""Mutations of protobuf messages that keep the framing of fields, unless the framing itself is mutated."""

from random import Random

from builders import varint
from fuzz import atoms
from fuzz.mutators import LONGEST, damaged

Field = tuple[int, int, bytes]
"""Number, wire type, and the value as it stands behind the tag, a length left out."""


class FramingError(ValueError):
    """The bytes are no fields."""


def split(data: bytes) -> list[Field]:
    """Return the fields of a message. Raises FramingError."""
    fields, position = [], 0
    while position < len(data):
        tag, position = _number(data, position)
        kind, start = tag & 7, position
        if kind == 0:
            _, position = _number(data, position)
        elif kind == 2:
            length, start = _number(data, position)
            position = start + length
        else:
            position += {1: 8, 5: 4}.get(kind, LONGEST)
        if position > len(data):
            raise FramingError
        fields.append((tag >> 3, kind, data[start:position]))
    return fields


def join(fields: list[Field]) -> bytes:
    """Return the message of the fields."""
    return b"".join(
        varint(number << 3 | kind) + (varint(len(v)) if kind == 2 else b"") + v for number, kind, v in fields
    )


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Return the varint at a position, and where it ends."""
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise FramingError


def mutated(data: bytes, rng: Random) -> bytes:
    """Return the message with one field changed, at any depth; all that encloses it states its new length."""
    try:
        fields = split(data)
    except FramingError:
        return damaged(data, rng)
    if not fields or rng.random() < 0.1:
        return damaged(data, rng)
    place = rng.randrange(len(fields))
    number, kind, value = fields[place]
    if kind == 2 and value and rng.random() < 0.7:
        fields[place] = (number, kind, mutated(value, rng))
        return join(fields)[:LONGEST]
    _change(fields, place, rng)
    return join(fields)[:LONGEST]


def _change(fields: list[Field], place: int, rng: Random) -> None:
    """Drop, repeat or shuffle fields, or make another of one."""
    number, kind, value = fields[place]
    fields[place : place + 1] = rng.choice(
        (
            [],
            [fields[place]] * rng.choice((2, 3, 200)),
            [(rng.choice((number + 1, rng.randint(1, 20), 2**29 - 1)), kind, value)],
            [(number, rng.choice((0, 1, 3, 4, 5, 7)), value)],
            [(number, 0, rng.choice(atoms.VARINTS))],
            [(number, 2, atoms.text(rng).encode("utf-8", "surrogatepass"))],
            [(number, kind, damaged(value, rng))],
        )
    )
    if rng.random() < 0.1:
        rng.shuffle(fields)
