"""The poll loop's thread: poll at intervals, refresh when woken, and report liveness."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from podres_exporter.clock import Clock
from podres_exporter.service.events import Events

log = logging.getLogger(__name__)

T = TypeVar("T")

GATHER_SECONDS = 0.1
"""How long to wait for further news after the first: one change of a pod produces several events."""
SPACING_SECONDS = 0.5
"""Minimum time between refreshes, and from a poll to a refresh."""


class Polled(Protocol):
    """The interface of what the loop drives."""

    def tick(self) -> float:
        """Poll; return how many seconds to wait before the next poll."""
        ...

    def refresh(self) -> None:
        """Do what is due between two polls."""
        ...

    def due(self) -> float:
        """Return in how many seconds `refresh` is due."""
        ...

    def failed(self) -> None:
        """Note that one of the other methods raised an unexpected error."""
        ...


class PollLoop:
    """
    Calls `tick` until stopped; a tick returns how long to wait before the next one.

    In between it calls `refresh` when woken or when due, but not sooner than SPACING_SECONDS after the last call.
    """

    def __init__(
        self,
        polled: Polled,
        *,
        woken: threading.Event,
        interval_seconds: float,
        patience_seconds: float,
        events: Events,
        clock: Clock,
    ) -> None:
        """
        Start nothing yet.

        *woken* is set by any thread when there is news. *patience_seconds*: without a tick for that long, the loop is
        considered hung. It must exceed the longest wait plus the deadlines of one tick's calls.
        """
        self._polled = polled
        self._interval, self._patience = interval_seconds, patience_seconds
        self._events, self._clock = events, clock
        self._stop, self._woken = threading.Event(), woken
        self._turned_at_seconds = clock.monotonic_seconds()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Make the loop end after the current call; returns at once."""
        self._stop.set()
        self._woken.set()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the loop to end; return True if it has."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def healthy(self) -> tuple[bool, str]:
        """Return whether the loop is alive, with a sentence for display. It says nothing about the kubelet."""
        age = self._clock.monotonic_seconds() - self._turned_at_seconds
        if age > self._patience:
            return False, f"the poll loop has not run for {age:.0f} s"
        return True, "the poll loop is running"

    def turn(self) -> float:
        """Poll once and return the wait; an unexpected error is logged and counted, and the loop continues."""
        delay = self._guarded(self._polled.tick)
        self._turned_at_seconds = self._clock.monotonic_seconds()
        return self._interval if delay is None else delay

    def _guarded(self, call: Callable[[], T]) -> T | None:
        """Return the call's result; None, logged and counted, if it raises."""
        try:
            return call()
        except Exception:
            log.exception("poll.failed")
            self._events.loop_error()
            try:
                self._polled.failed()
            except Exception:
                log.exception("poll.failed")
            return None

    def _run(self) -> None:
        """Poll until stopped."""
        while not self._stop.is_set():
            self._pause(self.turn())

    def _pause(self, seconds: float) -> None:
        """Wait for the next poll, and refresh whenever there is news."""
        until = self._clock.monotonic_seconds() + seconds
        while (left := until - self._clock.monotonic_seconds()) > 0 and not self._clock.wait(
            self._stop, min(SPACING_SECONDS, left)
        ):
            left = until - self._clock.monotonic_seconds()
            due = self._guarded(self._polled.due)
            pause = left if due is None else min(left, max(0.0, due))
            is_woken = left > 0 and self._clock.wait(self._woken, pause)
            if pause >= left and not is_woken:
                return
            if is_woken and self._clock.wait(self._stop, GATHER_SECONDS):
                return
            self._woken.clear()
            self._guarded(self._polled.refresh)
