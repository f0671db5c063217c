"""Interfaces between the reflectors, their transport, and the observer that counts their requests."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from podres_exporter.errors import Reason
from podres_exporter.model import Malformed

LIST_VERB, WATCH_VERB = "list", "watch"
VERBS = (LIST_VERB, WATCH_VERB)
"""The requests sent to the API server, by RBAC verb."""

ENDED, FAILED, EXPIRED = "ended", "error", "expired"
"""Why a watch was restarted: its time was over, it failed, or its version was too old."""

EVENT_KINDS = ("changed", "foreign", "deleted", "bookmark", "failed", "unknown", "unusable")
"""The kinds of watch events."""


class MetadataObserver(Protocol):
    """Observes the requests of a metadata source, from its thread; must neither raise nor block."""

    def request(self, verb: str) -> None:
        """A request begins."""
        ...

    def error(self, verb: str, reason: Reason) -> None:
        """A request, or the watch that it opened, has failed."""
        ...

    def restart(self, cause: str) -> None:
        """A watch is over, because it `ended`, by an `error`, or because its version `expired`."""
        ...

    def event(self, kind: str) -> None:
        """A watch event was received: one of EVENT_KINDS."""
        ...

    def received(self, number_of_bytes: int) -> None:
        """So many bytes of JSON were received."""
        ...

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Items of otherwise good answers could not be read."""
        ...


class ListWatchTransport(Protocol):
    """Lists and watches one kind of objects. Every call has a deadline and raises ApiServerError and nothing else."""

    def list(self) -> bytes:
        """Return a list of all objects."""
        ...

    def list_pieces(self, *, is_latest: bool = False) -> AbstractContextManager[Iterator[bytes]]:
        """Yield the same list in pieces; *is_latest*: not from a cache, which may be behind."""
        ...

    def watch(self, version: str, timeout_seconds: int) -> AbstractContextManager[Iterator[bytes]]:
        """Open a watch, and yield the lines of what changes after *version*, until the server ends it."""
        ...

    def close(self) -> None:
        """Abort all pending requests at once, from any thread; later calls fail as unavailable."""
        ...


class SilentObserver:
    """A MetadataObserver that ignores everything."""

    def request(self, verb: str) -> None:
        """Ignore it."""

    def error(self, verb: str, reason: Reason) -> None:
        """Ignore it."""

    def restart(self, cause: str) -> None:
        """Ignore it."""

    def event(self, kind: str) -> None:
        """Ignore it."""

    def received(self, number_of_bytes: int) -> None:
        """Ignore it."""

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Ignore it."""
