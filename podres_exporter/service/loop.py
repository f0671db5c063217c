"""The thread that polls, and what is known of its life."""

import logging
import threading
from collections.abc import Callable

from podres_exporter.clock import Clock
from podres_exporter.service.events import Events

log = logging.getLogger(__name__)


class PollLoop:
    """Calls *tick* until it is stopped; a tick returns how long to wait before the next one."""

    def __init__(
        self,
        tick: Callable[[], float],
        *,
        interval_seconds: float,
        patience_seconds: float,
        events: Events,
        clock: Clock,
    ) -> None:
        """
        Start nothing yet.

        *patience_seconds*: a tick that has not come for that long means that the loop hangs. It must exceed the longest
        wait plus the deadlines of one tick's calls.
        """
        self._tick, self._interval, self._patience = tick, interval_seconds, patience_seconds
        self._events, self._clock = events, clock
        self._stop = threading.Event()
        self._turned_at_seconds = clock.monotonic_seconds()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the loop to end after the call under way; returns at once."""
        self._stop.set()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the loop to end; True if it has."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def healthy(self) -> tuple[bool, str]:
        """Tell whether the loop turns, with a sentence for people. Says nothing of the kubelet."""
        age = self._clock.monotonic_seconds() - self._turned_at_seconds
        if age > self._patience:
            return False, f"the poll loop has not turned for {age:.0f} s"
        return True, "the poll loop turns"

    def turn(self) -> float:
        """Poll once and return the wait; an unexpected error is logged and counted, and the loop goes on."""
        try:
            delay = self._tick()
        except Exception:
            log.exception("poll.failed")
            self._events.loop_error()
            delay = self._interval
        self._turned_at_seconds = self._clock.monotonic_seconds()
        return delay

    def _run(self) -> None:
        """Turn until stopped."""
        while not self._clock.wait(self._stop, self.turn()):
            pass
