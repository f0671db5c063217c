"""Convert one YAML value to a Python value: TypeError for the wrong kind, ValueError if out of range."""

from collections.abc import Callable
from typing import Self, TypeVar

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.quantity import parse_quantity

T = TypeVar("T")

_MOST = 1e12
"""In seconds (30,000 years); beyond it, a float has no precision left for milliseconds."""


class Written(str):
    """
    An unquoted number, boolean or date: how it was written, and its value.

    Go's decoders use either, depending on the field's type: `X-XSS-Protection: 1` is the text `1`.
    """

    __slots__ = ("value",)
    value: object

    def __new__(cls, text: str, value: object) -> Self:
        """Keep both."""
        written = super().__new__(cls, text)
        written.value = value
        return written


def meaning(value: object) -> object:
    """Return the parsed value if no text is wanted."""
    return value.value if isinstance(value, Written) else value


def kind(value: object) -> str:
    """Return what a user would call a value of the wrong type."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else f"the value {meaning(value)!r}"


def text(value: object) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str):
        raise TypeError
    if not value:
        raise ValueError("is empty")
    return value


def amount(value: object) -> str:
    """Return a text, or a number as text; a boolean is not accepted."""
    if isinstance(meaning(value), bool) or not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


def number(value: object) -> float:
    """Return a number from 0 to 10**12; a boolean is not accepted."""
    value = meaning(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if not 0 <= value <= _MOST:
        raise ValueError(f"{value} is out of range")
    return float(value)


def integer(value: object) -> int:
    """Return a whole number; a boolean is not accepted."""
    value = meaning(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def count(value: object) -> int:
    """Return a whole number of zero or more."""
    if integer(value) < 0:
        raise ValueError(f"{value} is out of range")
    return integer(value)


def flag(value: object) -> bool | None:
    """Return a boolean."""
    value = meaning(value)
    if not isinstance(value, bool):
        raise TypeError
    return value


def size(value: object) -> int:
    """Return bytes from a whole number or a quantity."""
    return parse_quantity(value) if isinstance(value, str) else count(value)


def cpus(value: object) -> CpuSet:
    """Return a CPU set from a list text or one number."""
    return parse_cpuset(value) if isinstance(value, str) else frozenset({count(value)})


def items(value: object) -> list[object]:
    """Return a list of anything."""
    if not isinstance(value, list):
        raise TypeError
    return value


def mapping(value: object) -> dict[str, object]:
    """Return a mapping with its keys as texts."""
    if not isinstance(value, dict):
        raise TypeError
    return {str(key): item for key, item in value.items()}


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts that are not empty."""
    return _each(text, items(value))


def integers(value: object) -> tuple[int, ...]:
    """Return a list of whole numbers."""
    return _each(integer, items(value))


def _each(convert: Callable[[object], T], found: list[object]) -> tuple[T, ...]:
    """
    Return the converted items; an item of the wrong kind is a ValueError because the list itself is of the right kind.
    """
    converted = []
    for item in found:
        try:
            converted.append(convert(item))
        except TypeError as error:
            raise ValueError(f"has {kind(item)}") from error
    return tuple(converted)
