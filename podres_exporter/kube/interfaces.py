"""Interfaces between the reflectors, their transport and whoever counts what they do."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from podres_exporter.errors import Reason
from podres_exporter.model import Malformed

LIST_VERB, WATCH_VERB = "list", "watch"
VERBS = (LIST_VERB, WATCH_VERB)
"""What is asked of the API server, by RBAC's names."""

ENDED, FAILED, EXPIRED = "ended", "error", "expired"
"""Why a watch began again: its time was over, it broke, or its version was too old."""

EVENT_KINDS = ("changed", "foreign", "deleted", "bookmark", "failed", "unknown", "unusable")
"""What the lines of a watch are."""


class MetadataObserver(Protocol):
    """Told by the source of pod metadata what it does, from its thread; must not raise, or block."""

    def request(self, verb: str) -> None:
        """Take that a request begins."""
        ...

    def error(self, verb: str, reason: Reason) -> None:
        """Take that a request, or the watch that it began, has failed."""
        ...

    def restart(self, cause: str) -> None:
        """Take that a watch is over, and why: `ended`, `error` or `expired`."""
        ...

    def event(self, kind: str) -> None:
        """Take that a watch has told something: one of EVENT_KINDS."""
        ...

    def received(self, number_of_bytes: int) -> None:
        """Take that so many bytes of JSON have come."""
        ...

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Take what could not be read of otherwise good answers."""
        ...


class ListWatchTransport(Protocol):
    """Lists and watches one kind of objects. Every call ends by itself; each raises ApiServerError and nothing else."""

    def list(self) -> bytes:
        """Return a list of all objects."""
        ...

    def list_pieces(self) -> AbstractContextManager[Iterator[bytes]]:
        """Give the same list piece by piece."""
        ...

    def watch(self, version: str, timeout_seconds: int) -> AbstractContextManager[Iterator[bytes]]:
        """Begin to watch, and give the lines of what changes after *version*, until the server ends it."""
        ...

    def close(self) -> None:
        """End what is under way at once, from any thread; later calls fail as unavailable."""
        ...


class SilentObserver:
    """MetadataObserver that passes over everything."""

    def request(self, verb: str) -> None:
        """Pass over it."""

    def error(self, verb: str, reason: Reason) -> None:
        """Pass over it."""

    def restart(self, cause: str) -> None:
        """Pass over it."""

    def event(self, kind: str) -> None:
        """Pass over it."""

    def received(self, number_of_bytes: int) -> None:
        """Pass over it."""

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Pass over it."""
