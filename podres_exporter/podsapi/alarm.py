"""A timer thread that calls a function after a timeout, to cancel a stream whose reader is blocked."""

import threading
from collections.abc import Callable

from podres_exporter.clock import Clock


class Alarm:
    """Not thread-safe, except for `stop`. *has_rung*: since it was last set."""

    def __init__(self, clock: Clock) -> None:
        """Start without a timeout."""
        self._clock = clock
        self.has_rung = False
        self._timer: threading.Timer | None = None
        self._due = 0.0
        self._is_stopped = False

    def set(self, ring: Callable[[], None], seconds: float) -> None:
        """Call *ring* after this many seconds, replacing the previous timeout."""
        self.stop_timer()
        self.has_rung = False
        if self._is_stopped:
            return

        def rung() -> None:
            self.has_rung = True
            ring()

        self._due = self._clock.monotonic_seconds() + seconds
        timer = self._timer = threading.Timer(seconds, rung)
        timer.daemon = True
        timer.start()

    def sooner(self, ring: Callable[[], None], seconds: float) -> None:
        """Call *ring* after this many seconds, unless an earlier timeout is set."""
        if not self.has_rung and self._clock.monotonic_seconds() + seconds < self._due:
            self.set(ring, seconds)

    def stop_timer(self) -> None:
        """Cancel the timeout; `has_rung` is kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """End the timer thread."""
        self._is_stopped = True
        self.stop_timer()
