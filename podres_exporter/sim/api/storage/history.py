"""Recent changes, for watches that resume and for lists of an older resource version."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.sim.api.storage.objects import Object, ObjectKey, key_of
from podres_exporter.sim.api.storage.resources import Resource


class EventType(StrEnum):
    """What a watch says about an object (metav1 WatchEvent)."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Event:
    """One change: *item* after it (for a deletion the last state), *previous* before it; *version* is the change's."""

    type: EventType
    resource: Resource
    item: Object
    previous: Object | None
    version: int

    @property
    def key(self) -> ObjectKey:
        """Namespace and name of the object."""
        return key_of(self.item)


class History:
    """
    The last changes, at most *limit*; requesting an older version is an error.

    Source: the API server's watch cache, a ring per resource (storage/cacher/watch_cache.go), and etcd's compaction.
    """

    def __init__(self, limit: int) -> None:
        """Remember *limit* changes; nothing has happened yet."""
        self._events: deque[Event] = deque()
        self._limit = limit
        self.compacted_version = 0

    def append(self, event: Event) -> None:
        """Remember one more, and forget the oldest where there are too many."""
        self._events.append(event)
        while len(self._events) > self._limit:
            self.compacted_version = self._events.popleft().version

    def compact(self, version: int) -> None:
        """Forget every change up to and including *version*."""
        while self._events and self._events[0].version <= version:
            self._events.popleft()
        self.compacted_version = max(self.compacted_version, version)

    def has(self, version: int) -> bool:
        """Return whether everything that came after *version* is still known."""
        return version >= self.compacted_version

    def after(self, version: int) -> list[Event]:
        """Return the changes later than *version*, oldest first; complete only where `has` says so."""
        return [each for each in self._events if each.version > version]

    def undo(self, objects: Mapping[ObjectKey, Object], resource: Resource, version: int) -> dict[ObjectKey, Object]:
        """Return what *objects*, the present ones of the kind, were at *version*."""
        past = dict(objects)
        for event in reversed(self.after(version)):
            if event.resource != resource:
                continue
            if event.previous is None:
                del past[event.key]
            else:
                past[event.key] = event.previous
        return past
