"""Run one reflector in its own thread: list, watch, and retry with backoff."""

import contextlib
import logging
import random
import threading
from collections.abc import Callable
from typing import Protocol

from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.errors import may_be_loading
from podres_exporter.kube.interfaces import ENDED, EXPIRED, FAILED, WATCH_VERB, ListWatchTransport, MetadataObserver
from podres_exporter.kube.reflector.pacing import Pause
from podres_exporter.kube.reflector.state import (
    Action,
    Disconnected,
    Ended,
    Happening,
    List,
    Listed,
    Progressed,
    ReflectorState,
    Rested,
    Watch,
    step,
)

log = logging.getLogger(__name__)

FIRST_PAUSE = Pause(0.0, 0.5)
"""Spreads the first lists when a DaemonSet is rolled out."""

SHORTEST_WATCH_SECONDS, WATCH_SPREAD_SECONDS = 240, 60
"""Spreads the ends of watches that were all opened when the API server came back."""

STOP_SECONDS = 1.5


class Feed(Protocol):
    """Lists and watches one kind of objects; both methods raise ApiServerError."""

    def list(self) -> str:
        """List all objects and return the list's version."""
        ...

    def watch(self, version: str, timeout_seconds: int, progressed: Callable[[str], None]) -> None:
        """Process events until the server ends the watch; *progressed* is called with the version of each."""
        ...


class Reflector:
    """Lists, watches, and retries after a pause, following the table in `state`."""

    def __init__(
        self,
        transport: ListWatchTransport,
        feed: Feed,
        failed: Callable[[ApiServerError], None],
        clock: Clock,
        observer: MetadataObserver,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        """
        Start nothing yet.

        *failed* is called for each request or watch that fails; *uniform* returns random numbers in [0, 1) that
        desynchronise the nodes.
        """
        self._transport, self._clock, self._observer, self._uniform = transport, clock, observer, uniform
        self._feed, self._failed = feed, failed
        self._state = ReflectorState()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start_following(self) -> None:
        """Start in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Close the connection and wait for the thread; it is abandoned if it hangs in DNS or a handshake."""
        self._stop.set()
        self._transport.close()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        """Execute one action after another until stopped."""
        action: Action = FIRST_PAUSE
        while not self._stop.is_set():
            try:
                action = self._turn(action)
            except Exception:
                log.exception("metadata.watch_failed")
                action = self._step(Disconnected(Reason.INTERNAL))
                with contextlib.suppress(Exception):  # the observer or listener itself may have failed
                    self._note(ApiServerError(WATCH_VERB, Reason.INTERNAL, "an unexpected error, see the log"))

    def _turn(self, action: Action) -> Action:
        """Execute one action and return the next one."""
        began = self._clock.monotonic_seconds()
        try:
            happening = self._do(action)
        except ApiServerError as error:
            if self._stop.is_set():
                return action
            self._note(error)
            happening = Disconnected(
                error.reason,
                error.retry_after_seconds,
                is_unreached=error.is_unreached,
                is_loading=may_be_loading(error.detail),
            )
        return self._step(happening, self._clock.monotonic_seconds() - began)

    def _do(self, action: Action) -> Happening:
        """Pause, list or watch until done. Raises ApiServerError."""
        match action:
            case List():
                return Listed(self._feed.list())
            case Watch(version):
                timeout = SHORTEST_WATCH_SECONDS + int(WATCH_SPREAD_SECONDS * self._uniform())
                self._feed.watch(version, timeout, self._progressed)
                self._observer.restart(ENDED)
                return Ended()
            case _:
                self._clock.wait(self._stop, action.seconds(self._uniform()))
                return Rested()

    def _progressed(self, version: str) -> None:
        """Note that everything up to a version is known."""
        self._step(Progressed(version))

    def _note(self, error: ApiServerError) -> None:
        """Report that a request, or the watch that it opened, has failed."""
        self._observer.error(error.verb, error.reason)
        if error.verb == WATCH_VERB:
            self._observer.restart(EXPIRED if error.reason is Reason.GONE else FAILED)
        self._failed(error)

    def _step(self, happening: Happening, lasted_seconds: float = 0.0) -> Action:
        """Store the new state and return the next action."""
        self._state, action = step(self._state, happening, lasted_seconds)
        return action
