"""
The source of pod metadata over the kubelet's Pods API: opens one stream after another in its own thread.

A stream is reopened after the resync interval, because the kubelet silently drops events when its own queue is full and
sends none for a change of labels alone; and sooner if a sync could bring new information (see `roster`). Every
reopening is counted by its cause.
"""

import contextlib
import logging
import random
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.errors import PodsApiError, Reason
from podres_exporter.kube.interfaces import ENDED, FAILED, WATCH_VERB, MetadataObserver
from podres_exporter.kube.pods.cache import GRACE_SECONDS, PodCache
from podres_exporter.model import Metadata, MetadataOrigin, PodKey
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.alarm import Alarm
from podres_exporter.podsapi.client import PodsApiClient
from podres_exporter.podsapi.feed import StreamFeed
from podres_exporter.podsapi.roster import Roster
from podres_exporter.sources.interfaces import SocketIdentity

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
NOBODY_SECONDS = 2.0
PERMANENT = frozenset({Reason.DISABLED, Reason.UNIMPLEMENTED, Reason.DENIED})
"""Failures that persist while the same kubelet runs."""

PERMANENT_SECONDS = 300.0
STABLE_SECONDS = 30.0
"""A stream that lasted this long was healthy: the next failure counts as the first."""


def pause_seconds(failures: int, reason: Reason, uniform: float) -> float:
    """
    Return the wait after the n-th consecutive failure; *uniform* is in [0, 1).

    A stream that the kubelet closed because it was read too slowly is reopened at once the first time. If nothing
    listens, or the kubelet is not ready, the wait is at most two seconds: a quick reconnect after a restart costs
    nothing. Otherwise it is 1 s, 2 s, 4 s and so on, up to a minute, and at least a third of that. Persistent failures
    are retried every five minutes, and after a kubelet restart.
    """
    if reason in PERMANENT:
        return PERMANENT_SECONDS
    if reason is Reason.THROTTLED and failures <= 1:
        return 0.0
    longest = NOBODY_SECONDS if reason is Reason.UNAVAILABLE else LONGEST_SECONDS
    first = FIRST_SECONDS / 4 if reason is Reason.UNAVAILABLE else FIRST_SECONDS
    ceiling = float(min(longest, first * 2.0 ** min(failures - 1, 16)))
    return ceiling * (1 + 2 * uniform) / 3


log = logging.getLogger(__name__)

SYNC_SECONDS = 30.0
"""Timeout of the initial sync; 500 pods take a tenth of a second."""

SHORTEST_SECONDS = 0.1

LOOK_SECONDS = 1.0
"""How often the socket is checked for a restart while a persistent failure is waited out."""

RESTARTED = "restart"
"""The cause of a stream that is reopened because the kubelet has restarted."""

STOP_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """
    *own* is the exporter's own pod if it can be a witness. Times are in seconds: the hold-down, the resync interval,
    and the poll interval (shorter interruptions change nothing).
    """

    own: PodKey | None
    hold_down: float
    resync: float
    grace: float = GRACE_SECONDS
    sync: float = SYNC_SECONDS


class PodsApiWatch:
    """Opens streams, reads them, and retries after a pause."""

    def __init__(
        self,
        client: PodsApiClient,
        decoder: PodDecoder,
        settings: WatchSettings,
        clock: Clock,
        observer: MetadataObserver,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        """Start nothing yet."""
        self._client, self._settings, self._clock = client, settings, clock
        self._observer, self._uniform = observer, uniform
        self._cache = PodCache(
            clock,
            settings.grace,
            origin=MetadataOrigin.PODSAPI,
            synced_seconds=settings.resync + settings.sync + settings.grace,
            resumable=frozenset(),
        )
        self._roster = Roster(settings.own, settings.hold_down)
        self._feed = StreamFeed(decoder, self._roster, self._cache, observer, clock)
        self._identity: SocketIdentity | None = None
        self._failures = 0
        self._alarm = Alarm(clock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="podsapi", daemon=True)

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """Start following the pods in the background."""
        self._cache.changed = changed
        self._thread.start()

    def metadata(self) -> Metadata:
        """Return the current metadata; callable from any thread."""
        return self._cache.metadata()

    def stop(self) -> None:
        """Cancel the stream and wait for the thread."""
        self._stop.set()
        self._alarm.stop()
        self._client.close()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except Exception:
                log.exception("metadata.watch_failed")
                with contextlib.suppress(Exception):  # the observer or listener itself may have failed
                    self._failed(PodsApiError(Reason.INTERNAL, "an unexpected error, see the log"), 0.0)

    def _turn(self) -> None:
        """Read one stream to its end, then pause."""
        began = self._clock.monotonic_seconds()
        try:
            self._read()
        except PodsApiError as error:
            if not self._stop.is_set():
                self._failed(error, self._clock.monotonic_seconds() - began)
            return
        self._failures = 0

    def _read(self) -> None:
        """Read one stream until it is time for another one. Raises PodsApiError if it ends otherwise."""
        self._observer.request(WATCH_VERB)
        identity = self._client.identity()
        stream = self._client.watch()
        has_restarted = identity != self._identity
        if has_restarted and self._identity is not None and identity is not None:
            self._observer.restart(RESTARTED)
        self._roster.opened(has_restarted=has_restarted and identity is not None, is_young=self._is_young(identity))
        self._identity = identity or self._identity
        self._alarm.set(stream.cancel, self._settings.sync)
        try:
            self._feed.read(
                stream,
                is_same=lambda: self._client.identity() == identity,
                synced=lambda: self._alarm.set(stream.cancel, self._next_sync_seconds()),
                progressed=lambda: self._alarm.sooner(stream.cancel, self._next_sync_seconds()),
            )
        except PodsApiError as error:
            if not self._alarm.has_rung:
                raise
            if not self._feed.is_synced:
                detail = f"no initial sync within {self._settings.sync:g} s (socket {self._client.socket})"
                raise PodsApiError(Reason.TIMEOUT, detail) from error
            self._observer.restart(ENDED)
        finally:
            self._alarm.stop_timer()
            stream.cancel()

    def _next_sync_seconds(self) -> float:
        now = self._clock.monotonic_seconds()
        return max(SHORTEST_SECONDS, self._roster.next_sync_seconds(now, self._settings.resync))

    def _is_young(self, identity: SocketIdentity | None) -> bool:
        if identity is None:
            return True
        return self._clock.wall_seconds() - identity.created_seconds < self._settings.hold_down

    def _failed(self, error: PodsApiError, lasted_seconds: float) -> None:
        """Report a stream that failed, and pause."""
        self._observer.error(error.verb, error.reason)
        self._observer.restart(FAILED)
        self._cache.failed(error)
        self._failures = 1 if lasted_seconds >= STABLE_SECONDS else self._failures + 1
        wait = pause_seconds(self._failures, error.reason, self._uniform())
        if error.reason not in PERMANENT:
            self._clock.wait(self._stop, wait)
            return
        until = self._clock.monotonic_seconds() + wait
        while self._clock.monotonic_seconds() < until and self._client.identity() == self._identity:
            if self._clock.wait(self._stop, LOOK_SECONDS):
                return
