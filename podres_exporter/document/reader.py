"""Reading a document mapping by mapping: the first fault ends it, named by its path."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

from podres_exporter.cpuset import CpuSet
from podres_exporter.document.moment import read_moment
from podres_exporter.document.plain import (
    amount_of,
    bytes_of,
    choice_of,
    count_of,
    cpus_of,
    flag_of,
    kind_of,
    label_of,
    list_of,
    shown,
    text_of,
    total_of,
)
from podres_exporter.errors import DocumentError
from podres_exporter.model import MemoryBlock
from podres_exporter.model.allocation import NumaNodes

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_NODES = "numaNodes"


class Reader:
    """
    One mapping of a document, read key by key; keys that nobody asks for are passed over.

    Where a reading method takes a default, None as default makes the key required. Null counts as absent. All of them
    raise DocumentError.
    """

    __slots__ = ("_fields", "_index", "_key", "_parent")

    def __init__(self, value: object, parent: "Reader | None" = None, key: str = "", index: int | None = None) -> None:
        """Take the value that stands in *parent* under *key*. Raises DocumentError where it is no mapping."""
        self._parent, self._key, self._index = parent, key, index
        if not isinstance(value, dict):
            raise DocumentError(self.path or "document", f"is {kind_of(value)}; a mapping belongs here")
        self._fields: dict[object, object] = value

    @property
    def path(self) -> str:
        """Where this mapping stands, such as `pods[3].containers[0]`; empty for the whole. Made when it is needed."""
        if self._parent is None:
            return ""
        return self._parent.at(self._key) + ("" if self._index is None else f"[{self._index}]")

    def at(self, key: str) -> str:
        """Return the path of *key* below this mapping."""
        path = self.path
        return f"{path}.{key}" if path else key

    def fault(self, key: str, problem: str) -> DocumentError:
        """Return the error that names *key*'s value."""
        return DocumentError(self.at(key), problem)

    def has(self, key: str) -> bool:
        """Whether the document states *key*."""
        return self._fields.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        return self._read(key, default, text_of)

    def count(self, key: str, default: int | None = None) -> int:
        """Return a whole number of zero or more."""
        return self._read(key, default, count_of)

    def size(self, key: str) -> int:
        """Return bytes of memory."""
        return self._read(key, None, bytes_of)

    def total(self, key: str) -> float:
        """Return a running total: a finite number of zero or more."""
        return self._read(key, None, total_of)

    def amount(self, key: str) -> float:
        """Return a finite number."""
        return self._read(key, None, amount_of)

    def flag(self, key: str) -> bool:
        """Return a boolean."""
        return self._read(key, None, flag_of)

    def choice(self, key: str, allowed: type[E], default: E | None = None) -> E:
        """Return a member of *allowed*."""
        return self._read(key, default, lambda value: choice_of(value, allowed))

    def moment(self, key: str) -> float | None:
        """Return the Unix seconds of a point in time; None where it is absent."""
        return self._read(key, None, lambda value: read_moment(text_of(value))) if self.has(key) else None

    def cpus(self, key: str, default: CpuSet | None = None) -> CpuSet:
        """Return the CPUs of a list such as `0-3,8`."""
        return self._read(key, default, cpus_of)

    def nodes(self, key: str) -> NumaNodes:
        """Return NUMA nodes; the empty set where none are stated."""
        return frozenset(self._items(key, (), count_of))

    def texts(self, key: str, default: Sequence[str] | None = None) -> list[str]:
        """Return a list of texts."""
        return self._items(key, default, text_of)

    def counts(self, key: str) -> tuple[tuple[str, int], ...]:
        """Return a mapping of names to whole numbers as sorted pairs, none where it is absent."""
        return self._pairs(key, count_of)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a mapping of texts to texts as sorted pairs, none where it is absent."""
        return self._pairs(key, text_of)

    def labels(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a mapping of names of metric labels to texts as sorted pairs, none where it is absent."""
        return self._pairs(key, text_of, label_of)

    def below(self, key: str) -> "Reader":
        """Return the mapping under *key*; an absent one reads as empty."""
        value = self._fields.get(key)
        return Reader({} if value is None else value, self, key)

    def each(self, key: str, default: Sequence[object] | None = None) -> list["Reader"]:
        """Return the mappings of a list."""
        return [Reader(item, self, key, index) for index, item in enumerate(self._read(key, default, list_of))]

    def distinct(self, key: str, *named: str, default: Sequence[object] | None = None) -> list["Reader"]:
        """
        Return the mappings of a list, no two of which have the same under all the keys *named*, texts or `numaNodes`.

        Those keys name a series: two rows of one name would be one series twice, which no scrape may have.
        """
        rows = self.each(key, default)
        places: dict[tuple[str | NumaNodes, ...], int] = {}
        for index, row in enumerate(rows):
            identity = tuple([row.nodes(name) if name == _NODES else row.text(name) for name in named])
            first = places.setdefault(identity, index)
            if first != index:
                values = ", ".join(shown(each) if isinstance(each, str) else str(sorted(each)) for each in identity)
                problem = f"has the {' and '.join(named)} of {key}[{first}], {values}; each belongs here once"
                raise self.fault(f"{key}[{index}]", problem)
        return rows

    def blocks(self, key: str, default: Sequence[object] | None = None) -> tuple[MemoryBlock, ...]:
        """Return a list of memory blocks."""
        return tuple(
            MemoryBlock(row.text("memoryType"), row.nodes(_NODES), row.size("bytes")) for row in self.each(key, default)
        )

    def _read(self, key: str, default: T | None, convert: Callable[[object], T]) -> T:
        value = self._fields.get(key)
        if value is None:
            if default is None:
                raise self.fault(key, "is missing")
            return default
        try:
            return convert(value)
        except ValueError as error:
            raise self.fault(key, str(error)) from error

    def _items(self, key: str, default: Sequence[T] | None, convert: Callable[[object], T]) -> list[T]:
        found = []
        items: Sequence[object] = self._read(key, default, list_of)
        for index, item in enumerate(items):
            try:
                found.append(convert(item))
            except ValueError as error:
                raise self.fault(f"{key}[{index}]", str(error)) from error
        return found

    def _pairs(
        self, key: str, convert: Callable[[object], T], name_of: Callable[[object], str] = text_of
    ) -> tuple[tuple[str, T], ...]:
        found = []
        for name, value in self.below(key)._fields.items():
            try:
                found.append((name_of(name), convert(value)))
            except ValueError as error:
                raise self.fault(f"{key}[{json.dumps(name, default=str)}]", str(error)) from error
        return tuple(sorted(found, key=lambda pair: pair[0]))
