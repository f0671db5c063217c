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
"""A DaemonSet that is rolled out must not ask all at once."""

SHORTEST_WATCH_SECONDS, WATCH_SPREAD_SECONDS = 240, 60
"""Watches that began together, after the API server was away, must not end together."""

STOP_SECONDS = 1.5


class Feed(Protocol):
    """One list and one watch of objects; both raise ApiServerError."""

    def list(self) -> str:
        """Take all objects, and return their version."""
        ...

    def watch(self, version: str, timeout_seconds: int, progressed: Callable[[str], None]) -> None:
        """Take event after event until the server ends the watch; *progressed* is told the version of each."""
        ...


class Reflector:
    """Lists, watches, and begins again after a pause, as `reflection` has it."""

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

        *failed* is told of each request or watch that fails; *uniform* gives the random numbers, in [0, 1), by which
        the nodes stay out of step.
        """
        self._transport, self._clock, self._observer, self._uniform = transport, clock, observer, uniform
        self._feed, self._failed = feed, failed
        self._state = ReflectorState()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start_following(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Cut the connection and wait for the thread; it is left behind where it hangs in DNS or a handshake."""
        self._stop.set()
        self._transport.close()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        """Do one thing after another until stopped."""
        action: Action = FIRST_PAUSE
        while not self._stop.is_set():
            try:
                action = self._turn(action)
            except Exception:
                log.exception("metadata.watch_failed")
                action = self._step(Disconnected(Reason.INTERNAL))
                with contextlib.suppress(Exception):  # observer or listener may be what is broken
                    self._note(ApiServerError(WATCH_VERB, Reason.INTERNAL, "an unexpected error, see the log"))

    def _turn(self, action: Action) -> Action:
        """Do one thing, and return what is next."""
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
        """Pause, list or watch, to the end. Raises ApiServerError."""
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
        """Tell that a request, or the watch that it began, is over before its time."""
        self._observer.error(error.verb, error.reason)
        if error.verb == WATCH_VERB:
            self._observer.restart(EXPIRED if error.reason is Reason.GONE else FAILED)
        self._failed(error)

    def _step(self, happening: Happening, lasted_seconds: float = 0.0) -> Action:
        """Keep the new state and return what is to be done."""
        self._state, action = step(self._state, happening, lasted_seconds)
        return action
