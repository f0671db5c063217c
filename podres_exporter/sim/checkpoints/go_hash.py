"""
The checksum of a kubelet checkpoint: FNV-1a over a Go value as printed by the spew library.

Source: checkpointmanager/checksum, util/hash DeepHashObject, k8s.io/utils/dump ForHash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_FNV_OFFSET, _FNV_PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Typed:
    """A value whose type is printed before it; None is a nil slice or map."""

    type: str
    value: "Value | None"

    def __str__(self) -> str:
        """Return it as spew's `%#v` prints it with sorted keys; so do all classes here."""
        return f"({self.type}){'<nil>' if self.value is None else self.value}"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer to a struct: outermost with its *type*, inside a map or a slice without."""

    type: str
    value: "Struct"

    def __str__(self) -> str:
        """Print the pointer and what it points to."""
        return f"(*{self.type}){self.value}" if self.type else f"<*>{self.value}"


@dataclass(frozen=True, slots=True)
class Map:
    """A map; its keys are printed in order, numbers by value."""

    items: "Mapping[str, Value] | Mapping[int, Value]"

    def __str__(self) -> str:
        """Print the items."""
        return f"map[{' '.join(f'{key}:{each}' for key, each in sorted(self.items.items()))}]"


@dataclass(frozen=True, slots=True)
class Cells:
    """A slice."""

    items: "Sequence[Value]"

    def __str__(self) -> str:
        """Print the items."""
        return f"[{' '.join(map(str, self.items))}]"


class Struct:
    """A struct with its fields in order."""

    def __init__(self, **fields: Typed) -> None:
        """Keep the fields."""
        self._fields = fields

    def __str__(self) -> str:
        """Print the fields."""
        return f"{{{' '.join(f'{name}:{each}' for name, each in self._fields.items())}}}"


Value: TypeAlias = str | int | Typed | Pointer | Map | Cells | Struct


def checksum(value: Value) -> int:
    """Return the checksum of a value."""
    found = _FNV_OFFSET
    for byte in str(value).encode():
        found = ((found ^ byte) * _FNV_PRIME) & _MASK
    return found
