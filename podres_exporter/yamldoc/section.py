"""Typed access to the mappings of a document; every fault is collected with its path, and reading continues."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from podres_exporter.cpuset import CpuSet
from podres_exporter.yamldoc import values

T = TypeVar("T")


_MOST = 100
"""More faults than a user fixes in one go; contradictions grow with the square of the document's size."""


class Problems:
    """
    The faults found so far, one sentence each, in document order; at most a hundred, then a note that there are more.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.found: list[str] = []

    def add(self, path: str, sentence: str) -> None:
        """Add a fault; *sentence* says what is wrong and what to do."""
        if len(self.found) < _MOST:
            self.found.append(f"{path}: {sentence}")
        elif not self.is_full:
            self.found.append("there are more; fix these first")

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached, so that no further faults need to be found."""
        return len(self.found) > _MOST


class Section:
    """
    One mapping of the document.

    Each reader returns a usable value of its type even if the document has none, so that one fault does not hide the
    next. If a reader has a default, None as default makes the key required. `finish` reports the keys that no reader
    has read.
    """

    def __init__(self, content: object, path: str, problems: Problems) -> None:
        """Take any YAML value; if it is not a mapping, that is a fault and the section is empty."""
        self.path = path
        self.usable = isinstance(content, Mapping)
        self._problems = problems
        self._known: set[str] = set()
        self._content: dict[str, object] = {}
        if isinstance(content, Mapping):
            self._content = {str(key): value for key, value in content.items()}
        else:
            problems.add(path or "document", f"is {values.kind(content)}; write a mapping of keys to values")

    def at(self, key: str) -> str:
        """Return the path of *key* below this section."""
        return f"{self.path}.{key}" if self.path else key

    def fault(self, key: str, sentence: str) -> None:
        """Report a fault of *key*'s value."""
        self._problems.add(self.at(key), sentence)

    def has(self, key: str) -> bool:
        """Whether the document states *key* with a value other than null."""
        self._known.add(key)
        return self._content.get(key) is not None

    def names(self) -> tuple[str, ...]:
        """Return every key, in the document's order."""
        return tuple(self._content)

    def entries(self) -> tuple[tuple[str, object], ...]:
        """Return every key with its raw value, for values that must not appear in messages."""
        self._known.update(self._content)
        return tuple(self._content.items())

    def finish(self) -> None:
        """Report every key that no reader has read."""
        for key in self._content:
            if key not in self._known:
                self.fault(key, f"unknown key; remove it or choose one of {', '.join(sorted(self._known))}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        return self._read(key, default, "", values.text, "write a text in quotes")

    def amount(self, key: str) -> str:
        """Return an amount as the text that was written, even if YAML parsed it as a number."""
        return self._read(key, None, "0", values.amount, "write an amount such as 2, 500m or 4Gi")

    def choice(self, key: str, allowed: Sequence[str], default: str | None) -> str:
        """Return one of *allowed*; the first of them if the document has something else."""
        remedy = f"write one of {', '.join(allowed)}"
        chosen = self._read(key, default, allowed[0], values.text, remedy)
        if chosen in allowed:
            return chosen
        self.fault(key, f"{chosen!r} is unknown; {remedy}")
        return allowed[0]

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number of zero or more, such as seconds."""
        return self._read(key, default, 0.0, values.number, "write a number of 0 or more")

    def count(self, key: str, default: int | None = None) -> int:
        """Return a whole number of zero or more."""
        return self._read(key, default, 0, values.count, "write a whole number of 0 or more")

    def switch(self, key: str) -> bool | None:
        """Return a boolean, None if the key is absent."""
        return self._read(key, False, None, values.flag, "write true or false") if self.has(key) else None

    def size(self, key: str, default: int | None = None) -> int:
        """Return bytes, from a whole number or a quantity such as `256Gi`."""
        return self._read(key, default, 0, values.size, "write bytes or a quantity such as 256Gi")

    def cpus(self, key: str, default: CpuSet | None = None) -> CpuSet:
        """Return a CPU set from a list text such as `0-3,8`; a bare number is accepted."""
        return self._read(key, default, frozenset(), values.cpus, "write a CPU list in quotes, such as '0-3,8'")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty if the key is absent."""
        return self._read(key, (), (), values.texts, "write a list of texts in quotes")

    def integers(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers, negative ones included, empty if the key is absent."""
        return self._read(key, (), (), values.integers, "write a list of numbers such as [0, 1]")

    def mapping(self, key: str) -> dict[str, object]:
        """Return the raw mapping under *key*, empty if the key is absent."""
        nothing: dict[str, object] = {}
        return self._read(key, nothing, nothing, values.mapping, "write a mapping of keys to values")

    def section(self, key: str) -> "Section":
        """Return the mapping under *key*; an absent one is an empty section."""
        return Section(self._content[key] if self.has(key) else {}, self.at(key), self._problems)

    def named(self, key: str) -> "Section":
        """
        Return the mapping under *key*, whose keys are names chosen by the user; an absent one is an empty section.
        """
        return _Named(self._content[key] if self.has(key) else {}, self.at(key), self._problems)

    def sections(self, key: str) -> Iterator["Section"]:
        """Yield the mappings of the list under *key*, none if it is absent."""
        nothing: list[object] = []
        for index, item in enumerate(self._read(key, nothing, nothing, values.items, "write a list")):
            section = Section(item, f"{self.at(key)}[{index}]", self._problems)
            if section.usable:
                yield section

    def _read(self, key: str, default: T | None, fallback: T, convert: Callable[[object], T], remedy: str) -> T:
        if not self.has(key):
            if default is None:
                self.fault(key, f"is missing; {remedy}")
                return fallback
            return default
        try:
            return convert(self._content[key])
        except TypeError:
            self.fault(key, f"is {values.kind(self._content[key])}; {remedy}")
        except ValueError as error:
            self.fault(key, f"{error}; {remedy}")
        return fallback


class _Named(Section):
    """A section whose paths quote its keys: `devices["nvidia.com/gpu"]`."""

    def at(self, key: str) -> str:
        """Return the path of one entry."""
        return f"{self.path}[{json.dumps(key)}]"
