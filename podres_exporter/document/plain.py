"""
Plain values of JSON and YAML, checked: each function returns the value as what it should be.

All of them raise ValueError, whose text says what the value is and what belongs in its place.
"""

import re
from enum import StrEnum
from sys import float_info
from typing import TypeVar

from podres_exporter.cpuset import CpuSet, parse_cpuset

E = TypeVar("E", bound=StrEnum)

_LONGEST = 64
_MOST_COUNT = 2**63 - 1
"""What quantities are capped at; the kubelet's own numbers of nodes and CPUs have 64 bits with a sign."""
_MOST_BYTES = 2**96 - 1
"""A block's size has 64 bits without a sign (proto ContainerMemory.size), and sizes are added up."""
_LABEL = re.compile(r"label_[a-zA-Z0-9_]*")
_KINDS = {"str": "a text", "dict": "a mapping"}


def text_of(value: object) -> str:
    """Return a text that can be written again: JSON may have half of a character, which UTF-8 cannot."""
    if not isinstance(value, str):
        raise ValueError(f"is {kind_of(value)}; a text belongs here")  # noqa: TRY004 - data, not a mistake of ours
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError("has half of a character (a lone surrogate); a text of whole ones belongs here") from error
    return value


def label_of(value: object) -> str:
    """Return the name of a metric label of a pod's own, which never is that of a label of ours."""
    text = text_of(value)
    if not _LABEL.fullmatch(text):
        raise ValueError("is no name of a label; label_ and letters, digits or _ belong here")
    return text


def list_of(value: object) -> list[object]:
    """Return a list."""
    if not isinstance(value, list):
        raise ValueError(f"is {kind_of(value)}; a list belongs here")  # noqa: TRY004 - data, not a mistake of ours
    return value


def count_of(value: object, most: int = _MOST_COUNT) -> int:
    """
    Return a whole number of 0 or more, at most *most*; a boolean is none, though Python counts it as one.

    JSON has numbers of any length, and samples are floats.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"is {kind_of(value)}; a whole number of 0 or more belongs here")
    if value > most:
        raise ValueError(f"is {kind_of(value)}; a whole number of at most {most} belongs here")
    return value


def bytes_of(value: object) -> int:
    """Return the size of a memory block, or of several."""
    return count_of(value, _MOST_BYTES)


def amount_of(value: object) -> float:
    """Return a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= float_info.max:
        raise ValueError(f"is {kind_of(value)}; a finite number belongs here")
    return float(value)


def total_of(value: object) -> float:
    """Return a finite number of 0 or more: a counter is never below."""
    total = amount_of(value)
    if total < 0:
        raise ValueError(f"is {kind_of(value)}; a number of 0 or more belongs here")
    return total


def flag_of(value: object) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"is {kind_of(value)}; true or false belongs here")  # noqa: TRY004 - data, not a mistake of ours
    return value


def cpus_of(value: object) -> CpuSet:
    """Return the CPUs of a list text such as `0-3,8`."""
    return parse_cpuset(text_of(value))


def choice_of(value: object, allowed: type[E]) -> E:
    """Return a member of *allowed*."""
    text = text_of(value)
    try:
        return allowed(text)
    except ValueError as error:
        raise ValueError(f"is {shown(text)}; known are {', '.join(allowed)}") from error


def shown(text: str) -> str:
    """Return a text of the document in quotes, short enough for a message."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def kind_of(value: object) -> str:
    """Return what a value is, in words; numbers and booleans as they stand."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "a number beyond all bounds" if abs(value) >= 1e16 else str(value)
    return _KINDS.get(type(value).__name__, f"a {type(value).__name__}")
