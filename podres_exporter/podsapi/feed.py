"""Process one WatchPods stream: decode its events into the roster and the cache."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from podres_exporter.clock import Clock
from podres_exporter.errors import PodsApiError, Reason
from podres_exporter.kube.interfaces import MetadataObserver
from podres_exporter.kube.pods.cache import PodCache
from podres_exporter.model import Malformed, PodKey, PodMeta
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.client import PodStream
from podres_exporter.podsapi.events import Ended, Event, Reported, Synced, Unknown, Unusable, decode_event
from podres_exporter.podsapi.roster import Roster

log = logging.getLogger(__name__)

NOT_EXPLAINED = "resync"
"""The event kind that counts changes found by a sync but reported by no event."""


class StreamFeed:
    """Owned by one thread."""

    def __init__(
        self, decoder: PodDecoder, roster: Roster, cache: PodCache, observer: MetadataObserver, clock: Clock
    ) -> None:
        """Keep the collaborators; nothing is read yet."""
        self._decoder, self._roster, self._cache = decoder, roster, cache
        self._observer, self._clock = observer, clock
        self._unusable: list[Malformed] = []
        self._lost: set[PodKey] = set()
        self.is_synced = False

    def read(
        self,
        stream: PodStream,
        *,
        is_same: Callable[[], bool],
        synced: Callable[[], None],
        progressed: Callable[[], None],
    ) -> None:
        """
        Process the events.

        *is_same* returns whether the kubelet is still the one that the stream was opened for; *synced* is called once
        all pods have been sent, *progressed* after each later event. Raises PodsApiError if the stream ends, or had an
        unusable event.
        """
        self.is_synced = False
        self._unusable.clear()
        self._lost.clear()
        for data in stream:
            self._observer.received(len(data))
            event = decode_event(data, self._decoder)
            if isinstance(event, Synced) and not is_same():
                # The pods were sent by the previous kubelet, so pods it did not send must not be removed.
                raise PodsApiError(Reason.UNAVAILABLE, "the kubelet restarted while sending its pods")
            self._take(event, self._clock.monotonic_seconds())
            if isinstance(event, Synced):
                synced()
            elif self.is_synced:
                progressed()

    def _take(self, event: Event, now: float) -> None:
        match event:
            case Reported(pod):
                self._observer.event("changed")
                self._report(pod.decoded.problems)
                meta = self._roster.said(pod, now)
                if meta is not None and self.is_synced:
                    self._cache.added(meta)
            case Ended(key, uid):
                self._observer.event("deleted")
                if self._roster.ended(key, uid) and self.is_synced:
                    self._cache.removed(key, uid)
                else:
                    self._cache.heard()
            case Synced():
                self._observer.event("synced")
                self._sync(now)
            case Unknown():
                self._observer.event("unknown")
            case Unusable():
                self._take_unusable(event)

    def _sync(self, now: float) -> None:
        """Note that all pods were sent: those that were not may be gone."""
        known = self._cache.metadata()
        pods = self._roster.synced(now, self._lost)
        self.is_synced = True
        if known.synced:
            self._count_differences(known.pods, pods)
        self._cache.listed(pods, is_complete=self._roster.is_complete(now) and not self._unusable)
        log.debug("metadata.synced", extra={"pods": len(pods), "unnamed": len(self._roster.unnamed())})

    def _count_differences(self, before: Mapping[PodKey, PodMeta], pods: Iterable[PodMeta]) -> None:
        """Count the pods whose current state was reported by no event."""
        after = {meta.key: meta for meta in pods}
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                self._observer.event(NOT_EXPLAINED)

    def _take_unusable(self, event: Unusable) -> None:
        """Handle an unreadable pod: before the sync, go on with the others; after it, an event is lost."""
        self._observer.event("unusable")
        self._report([Malformed(event.path, event.problem)])
        if self.is_synced:
            raise PodsApiError(Reason.MALFORMED, f"a watch event could not be read: {event.path}: {event.problem}")
        self._unusable.append(Malformed(event.path, event.problem))
        self._lost.add(event.key)

    def _report(self, items: Sequence[Malformed]) -> None:
        if items:
            self._observer.malformed(tuple(items))
        for item in items:
            log.debug("metadata.malformed_item", extra={"path": item.path, "problem": item.problem})
