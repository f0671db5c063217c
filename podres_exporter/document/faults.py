"""
Convert plain values to records, reporting every fault with its path.

msgspec converts and validates quickly, but its errors name no mapping keys and no remedy. If it rejects a document, the
document is checked again, slowly, with the same types, to report what is wrong where.
"""

import json
from collections.abc import Callable, Sequence
from operator import attrgetter
from sys import float_info
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from podres_exporter.document.values import PARSE, Record
from podres_exporter.errors import DocumentError

R = TypeVar("R", bound=Record)
T = TypeVar("T")

_LONGEST = 64
_KINDS = {"str": "a text", "dict": "a mapping", "NoneType": "null"}


def read(document: object, kind: type[R], parse: Callable[[R], T]) -> T:
    """
    Return the result of *parse* as a record of this kind.

    Raises DocumentError with the path of the malformed value; *parse* may raise ValueError without a path.
    """
    try:
        return parse(_converted(document, kind))
    except DocumentError:
        raise
    except (ValueError, msgspec.ValidationError) as error:
        cleaned = _cleaned(document, inspect.type_info(kind), "")
        try:
            return parse(_converted(cleaned, kind))
        except DocumentError:
            raise
        except (ValueError, msgspec.ValidationError):
            raise DocumentError("document", str(error)) from error


def distinct(records: Sequence[R]) -> Sequence[R]:
    """Return the records; raises ValueError if two have equal keys."""
    if len(records) > 1:
        values = list(map(attrgetter(*type(records[0]).key), records))
        names = values if isinstance(values[0], str) else [tuple(map(_hashable, each)) for each in values]
        if len(set(names)) < len(records):
            raise ValueError("two records of one name")
    return records


def shown(text: str) -> str:
    """Return a quoted text of the document, short enough for a message."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def _converted(document: object, kind: type[R]) -> R:
    record = msgspec.convert(document, kind)
    msgspec.json.encode(record)  # rejects lone surrogates, which are possible in JSON but not in UTF-8
    return record


def _cleaned(value: object, kind: inspect.Type, path: str) -> object:
    """
    Return the value without ignored parts: unknown keys, and null in place of an absent key.

    Raises DocumentError at the first fault, in the order of the types.
    """
    return _CLEANERS[type(kind)](value, kind, path)


def _annotated(value: object, kind: inspect.Metadata, path: str) -> object:
    cleaned = _cleaned(value, kind.type, path)
    parse: Callable[[object], object] | None = (kind.extra or {}).get(PARSE)
    if parse is not None:
        try:
            parse(cleaned)
        except ValueError as error:
            raise DocumentError(path, str(error)) from error
    return cleaned


def _optional(value: object, kind: inspect.UnionType, path: str) -> object:
    return _cleaned(value, next(each for each in kind.types if not isinstance(each, inspect.NoneType)), path)


def _struct(value: object, kind: inspect.StructType, path: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DocumentError(path or "document", f"is {_kind_of(value)}; must be a mapping")
    cleaned = {}
    for field in kind.fields:
        name = field.encode_name
        place = f"{path}.{name}" if path else name
        if value.get(name) is not None:
            cleaned[name] = _cleaned(value[name], field.type, place)
        elif field.required:
            raise DocumentError(place, "is missing")
    return cleaned


def _list(value: object, kind: inspect.ListType, path: str) -> list[object]:
    if not isinstance(value, list):
        raise DocumentError(path, f"is {_kind_of(value)}; must be a list")
    items = [_cleaned(item, kind.item_type, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(kind.item_type, inspect.StructType):
        names = {field.name: field.encode_name for field in kind.item_type.fields}
        _check_distinct(items, [names[each] for each in getattr(kind.item_type.cls, "key", ())], path)
    return items


def _check_distinct(items: Sequence[object], names: Sequence[str], path: str) -> None:
    """Reject two mappings with equal values under all these names: texts, or NUMA nodes in any order."""
    places: dict[str, int] = {}
    for index, item in enumerate(items if names else ()):
        fields = item if isinstance(item, dict) else {}
        own = [fields[name] if isinstance(fields.get(name), str) else sorted(fields.get(name, ())) for name in names]
        first = places.setdefault(json.dumps(own), index)
        if first != index:
            what, values = " and ".join(names), ", ".join(shown(e) if isinstance(e, str) else str(e) for e in own)
            problem = f"has the {what} of {path.rpartition('.')[2]}[{first}], {values}; each may occur only once"
            raise DocumentError(f"{path}[{index}]", problem)


def _dict(value: object, kind: inspect.DictType, path: str) -> dict[object, object]:
    if not isinstance(value, dict):
        raise DocumentError(path, f"is {_kind_of(value)}; must be a mapping")
    cleaned = {}
    for name, inner in value.items():
        place = f"{path}[{json.dumps(name, default=str)}]"
        cleaned[_cleaned(name, kind.key_type, place)] = _cleaned(inner, kind.value_type, place)
    return cleaned


def _text(value: object, _: object, path: str) -> str:
    if not isinstance(value, str):
        raise DocumentError(path, f"is {_kind_of(value)}; must be a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        problem = "contains half of a character (a lone surrogate); must be valid Unicode"
        raise DocumentError(path, problem) from error
    return value


def _choice(value: object, kind: inspect.EnumType | inspect.LiteralType, path: str) -> str:
    known = [each.value for each in kind.cls] if isinstance(kind, inspect.EnumType) else kind.values
    text = _text(value, kind, path)
    if text not in known:
        raise DocumentError(path, f"is {shown(text)}; known are {', '.join(map(str, known))}")
    return text


def _flag(value: object, _: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise DocumentError(path, f"is {_kind_of(value)}; must be true or false")
    return value


def _count(value: object, kind: inspect.IntType, path: str) -> int:
    """Return a whole number of 0 or more; a boolean is not accepted, though Python counts it as an integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DocumentError(path, f"is {_kind_of(value)}; must be a whole number of 0 or more")
    if kind.le is not None and value > kind.le:
        raise DocumentError(path, f"is {_kind_of(value)}; must be a whole number of at most {kind.le}")
    return value


def _amount(value: object, kind: inspect.FloatType, path: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= float_info.max:
        raise DocumentError(path, f"is {_kind_of(value)}; must be a finite number")
    if kind.ge is not None and value < kind.ge:
        raise DocumentError(path, f"is {_kind_of(value)}; must be a number of {kind.ge:g} or more")
    return value


_CLEANERS: dict[type[inspect.Type], Callable[[object, Any, str], object]] = {
    inspect.Metadata: _annotated,
    inspect.UnionType: _optional,
    inspect.StructType: _struct,
    inspect.ListType: _list,
    inspect.DictType: _dict,
    inspect.StrType: _text,
    inspect.EnumType: _choice,
    inspect.LiteralType: _choice,
    inspect.BoolType: _flag,
    inspect.IntType: _count,
    inspect.FloatType: _amount,
}
"""The types that records are made of."""


def _hashable(value: str | list[int]) -> str | frozenset[int]:
    return value if isinstance(value, str) else frozenset(value)


def _kind_of(value: object) -> str:
    """Return what a value is, in words; numbers and booleans literally."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "too large" if abs(value) >= 1e16 else str(value)
    return _KINDS.get(type(value).__name__, f"a {type(value).__name__}")
