"""The queue of changes for one watch."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from podres_exporter.sim.api.storage.history import Event
from podres_exporter.sim.api.storage.objects import Object
from podres_exporter.sim.api.storage.resources import Resource


@dataclass(frozen=True, slots=True)
class Batch:
    """What was taken at once: the changes, and the version up to which the reader now knows everything."""

    events: tuple[Event, ...]
    version: int


class Feed:
    """
    The changes of one kind from a version on; made by `Store.follow`, and to be closed.

    *initial* is the state to begin with, that of `started_version`, empty where the watch goes on from a
    version. A reader that leaves more than *limit* changes lying loses the feed, as a slow watcher loses its connection
    (cacheWatcher.add in storage/cacher).
    """

    def __init__(
        self,
        resource: Resource,
        initial: Iterable[Object],
        backlog: Iterable[Event],
        *,
        changed: threading.Condition,
        version: Callable[[], int],
        forget: Callable[["Feed"], None],
        limit: int,
    ) -> None:
        """Begin with *backlog*; *changed* is the store's lock, *forget* takes the feed off its list."""
        self.resource = resource
        self.initial = tuple(initial)
        self.started_version = version()
        self.is_lost = False
        self._waiting = deque(backlog)
        self._changed = changed
        self._version = version
        self._forget = forget
        self._limit = max(limit, len(self._waiting))

    def __enter__(self) -> Self:
        """Leaving the block closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._forget(self)

    def put(self, event: Event) -> None:
        """Add a change; the store calls it with its lock held."""
        if len(self._waiting) >= self._limit:
            self.is_lost = True
            self._waiting.clear()
        if not self.is_lost:
            self._waiting.append(event)

    def take(self, timeout_seconds: float) -> Batch:
        """Return what has come, waiting for it up to the timeout in real time; may be empty."""
        with self._changed:
            if not self._waiting and not self.is_lost:
                self._changed.wait(timeout_seconds)
            events = tuple(self._waiting)
            self._waiting.clear()
            return Batch(events, self._version())
