"""A watch: the lines a client gets, and when bookmarks and its end are due; without the connection."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from podres_exporter.sim.api.http.answer import AS_IT_IS, Form, encode
from podres_exporter.sim.api.http.options import ListOptions
from podres_exporter.sim.api.reads.versions import in_version
from podres_exporter.sim.api.storage.feed import Batch, Feed
from podres_exporter.sim.api.storage.history import Event, EventType
from podres_exporter.sim.api.storage.objects import Object, key_of
from podres_exporter.sim.api.storage.resources import PODS, Resource
from podres_exporter.sim.api.storage.status import StatusError, too_large_version
from podres_exporter.sim.api.storage.store import Store
from podres_exporter.sim.api.tables.rows import as_table

_HEARTBEAT_SECONDS = 60.0
_BEFORE_END_SECONDS = (2.0, 1.0)

DEFAULT_TIMEOUT_SECONDS = 1800.0
"""How long a watch lasts that names no time; the real server adds up to as much again at random."""


class Schedule:
    """
    The moments of one watch, in seconds of the monotonic clock.

    A bookmark comes every minute and twice just before the end.
    Source: cacheWatcher.nextBookmarkTime in storage/cacher; measured on 1.36.3.
    """

    def __init__(self, started_at: float, timeout_seconds: float) -> None:
        """Plan a watch of that length."""
        self._next_heartbeat = started_at + _HEARTBEAT_SECONDS
        self._ends_at = started_at + timeout_seconds
        self._last = [self._ends_at - before for before in _BEFORE_END_SECONDS if before < timeout_seconds]

    def is_over(self, now: float) -> bool:
        """Return whether the watch has lasted its time."""
        return now >= self._ends_at

    def due_bookmarks(self, now: float) -> int:
        """Return how many bookmarks are due now; those of minutes slept through come as one."""
        due = len([moment for moment in self._last if moment <= now])
        self._last = [moment for moment in self._last if moment > now]
        if self._next_heartbeat <= now and self._next_heartbeat < self._ends_at - _BEFORE_END_SECONDS[0]:
            due += 1
        while self._next_heartbeat <= now:
            self._next_heartbeat += _HEARTBEAT_SECONDS
        return due


_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class View:
    """What one client sees of a kind: which objects, and in which form; *include* is a Table's `includeObject`."""

    resource: Resource
    namespace: str | None
    options: ListOptions
    form: Form = AS_IT_IS
    include: str = "Metadata"
    version: str = "v1"

    def shows(self, item: Object | None) -> bool:
        """Return whether the object is in the client's namespace and selected."""
        return item is not None and self.namespace in {None, key_of(item)[0]} and self.options.selector.matches(item)

    def line(self, kind: EventType, item: Object, wall_seconds: float) -> bytes:
        """Return one line of the stream; Tables have one row, that of a bookmark none."""
        shown = in_version(item, self.resource, self.version)
        if self.form.is_table:
            rows = () if kind is EventType.BOOKMARK else (item,)
            shown = as_table(self.resource, rows, item["metadata"], wall_seconds, self.include)
        return encode({"type": kind, "object": shown})

    def event_line(self, event: Event, wall_seconds: float) -> bytes | None:
        """
        Return what a change is to this client, None where it is nothing.

        An object that a change takes out of the selection is DELETED with its last selected state and the change's
        version, one that comes in is ADDED. Source: cacheWatcher.convertToWatchEvent in storage/cacher.
        """
        was, is_now = self.shows(event.previous), self.shows(event.item) and event.type is not EventType.DELETED
        if is_now:
            return self.line(EventType.MODIFIED if was else EventType.ADDED, event.item, wall_seconds)
        if not was or event.previous is None:
            return None
        metadata = {**event.previous["metadata"], "resourceVersion": str(event.version)}
        return self.line(EventType.DELETED, {**event.previous, "metadata": metadata}, wall_seconds)

    def bookmark_line(self, version: int, annotations: dict[str, str] | None = None) -> bytes:
        """Return a bookmark: an object of the kind with nothing but a version, and the annotations."""
        metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        # Go writes the fields of a pod that are never left out, and clients with typed records rely on them.
        rest = {"spec": {"containers": None}, "status": {}} if self.resource == PODS else {}
        item = {"kind": self.resource.kind, "apiVersion": self.resource.api_version, "metadata": metadata, **rest}
        return self.line(EventType.BOOKMARK, item, 0.0)


def error_line(error: StatusError) -> bytes:
    """Return the last line of a watch that fails."""
    return encode({"type": EventType.ERROR, "object": error.body})


class Watch:
    """
    A watch from beginning to end, in lines; the creator of `feed` closes it.

    Without a version, or with 0, it begins with the present state. With `sendInitialEvents` that ends with a bookmark
    that says so (KEP 3157, WatchList), and a version from the future is a 504 then; otherwise it is silence until it
    is the present.
    Raises StatusError 410 where the version is too old: an ERROR event, the HTTP status is 200.
    """

    def __init__(self, store: Store, view: View) -> None:
        """Begin to collect changes."""
        options = view.options
        asked = options.version or 0
        sends_initial = options.send_initial_events
        if sends_initial is None and not asked:
            # The server's default since WatchList is on: SetListOptionsDefaults in apimachinery.
            sends_initial = True
        if sends_initial and asked > store.version:
            raise too_large_version(asked, store.version)
        self._view = view
        self._asked = asked
        self._ends_initial = bool(sends_initial and options.allow_bookmarks)
        since = None if sends_initial else asked or store.version
        self.feed: Feed = store.follow(view.resource, since)
        self._known = self.feed.started_version if since is None else asked

    @property
    def known_version(self) -> int:
        """The version up to which the client has been told everything."""
        return self._known

    def initial_lines(self, wall_seconds: float) -> Iterator[bytes]:
        """Yield the state to begin with, and the bookmark that ends it."""
        for item in self.feed.initial:
            if self._view.shows(item):
                yield self._view.line(EventType.ADDED, item, wall_seconds)
        if self._ends_initial:
            yield self._view.bookmark_line(self._known, {_INITIAL_EVENTS_END: "true"})

    def lines(self, batch: Batch, wall_seconds: float) -> Iterator[bytes]:
        """Yield what the client gets of a batch of changes."""
        for event in batch.events:
            if event.version > self._asked and (line := self._view.event_line(event, wall_seconds)):
                yield line
        self._known = batch.version

    def bookmark(self) -> bytes | None:
        """Return a bookmark, None where the client does not want any or is ahead of the server."""
        if not self._view.options.allow_bookmarks or self._known < self._asked:
            return None
        return self._view.bookmark_line(self._known)
