"""The only shared mutable state: a reference that its one writer swaps and anyone reads."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Cell(Generic[T]):
    """Holds one immutable value. Swapping a reference is atomic in CPython, so readers need no lock."""

    def __init__(self, value: T) -> None:
        """Start with *value*."""
        self._value = value

    def get(self) -> T:
        """Return the newest value."""
        return self._value

    def set(self, value: T) -> None:
        """Replace the value; for the one writer only."""
        self._value = value
