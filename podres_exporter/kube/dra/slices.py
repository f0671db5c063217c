"""Decode lists and watch events of ResourceSlices into the pools they describe."""

import logging
from collections.abc import Callable, Collection

from msgspec.json import Decoder

from podres_exporter.clock import Clock
from podres_exporter.dra import NO_ATTRIBUTES, AttributeAllowlist, Slice, decode_slice_event, decode_slices, pools_of
from podres_exporter.dra.slices import SliceEvent
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.errors import reason_of
from podres_exporter.kube.interfaces import LIST_VERB, WATCH_VERB, ListWatchTransport, MetadataObserver
from podres_exporter.model import DraPool, Malformed
from podres_exporter.podmeta.records import Status

log = logging.getLogger(__name__)

_STATUS = Decoder(Status)


class SliceStore:
    """
    The slices of a node, from the last list and the events since. Written by one thread, read by any.

    Slices of other nodes, sent by a server that ignores the selector, are left out.
    """

    def __init__(self, node: str) -> None:
        """Start without slices."""
        self._node = node
        self._slices: dict[str, Slice] = {}
        self.pools: tuple[DraPool, ...] = ()

    def replace(self, slices: Collection[Slice]) -> None:
        """Replace all slices by those of a list."""
        self._slices = {each.name: each for each in slices if each.node == self._node}
        self.pools = pools_of(self._slices.values(), self.pools)

    def put(self, changed: Slice) -> None:
        """Add or replace a slice."""
        if changed.node == self._node:
            self._slices[changed.name] = changed
            self.pools = pools_of(self._slices.values(), self.pools)

    def remove(self, name: str) -> None:
        """Remove a slice."""
        if self._slices.pop(name, None) is not None:
            self.pools = pools_of(self._slices.values(), self.pools)


class SliceFeed:
    """Owned by one thread. Every call raises ApiServerError if the request or the watch fails."""

    def __init__(
        self,
        transport: ListWatchTransport,
        version: str,
        observer: MetadataObserver,
        store: SliceStore,
        *,
        clock: Clock,
        changed: Callable[[float, bool], None],
        allowed: AttributeAllowlist = NO_ATTRIBUTES,
    ) -> None:
        """
        Keep the collaborators; nothing is requested yet.

        *changed* is called after each list and event, with its time and whether it was a list. *allowed* attributes of
        devices are kept.
        """
        self._transport, self._version, self._observer = transport, version, observer
        self._store, self._clock, self._changed, self._allowed = store, clock, changed, allowed

    def list(self) -> str:
        """List the slices and return the list's version."""
        self._observer.request(LIST_VERB)
        body = self._transport.list()
        self._observer.received(len(body))
        found = decode_slices(body, self._version, self._allowed)
        self._report(found.malformed)
        self._store.replace(found.slices)
        self._changed(self._clock.wall_seconds(), True)
        return found.resource_version

    def watch(self, version: str, timeout_seconds: int, progressed: Callable[[str], None]) -> None:
        """Process events until the server ends the watch."""
        self._observer.request(WATCH_VERB)
        with self._transport.watch(version, timeout_seconds) as lines:
            for line in lines:
                self._observer.received(len(line))
                event = decode_slice_event(line, self._version, self._allowed)
                self._take(event)
                self._changed(self._clock.wall_seconds(), False)
                progressed(event.resource_version)

    def _take(self, event: SliceEvent) -> None:
        """Process one event. Raises ApiServerError if it ends the watch."""
        self._observer.event(event.kind.lower())
        self._report(event.malformed)
        match event.kind:
            case "ADDED" | "MODIFIED" if event.slice is not None:
                self._store.put(event.slice)
            case "ADDED" | "MODIFIED" | "DELETED":
                self._store.remove(event.name)
            case "ERROR":
                raise _failure(bytes(event.error or b""))
            case _:
                pass  # a bookmark, or an event type that this release does not know

    def _report(self, items: Collection[Malformed]) -> None:
        """Report items that could not be read."""
        if items:
            self._observer.malformed(tuple(items))
        for item in items:
            log.debug("dra.malformed_item", extra={"path": item.path, "problem": item.problem})


def _failure(raw: bytes) -> ApiServerError:
    """Return the error that ended a watch."""
    try:
        status = _STATUS.decode(raw)
    except (ValueError, RecursionError):
        return ApiServerError(WATCH_VERB, Reason.INTERNAL, "an ERROR event without a Status")
    return ApiServerError(WATCH_VERB, reason_of(status.code), f"{status.code}: {status.message[:256]}")
