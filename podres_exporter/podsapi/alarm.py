"""Calls a function once a time is over, from a thread of its own: what ends a stream that blocks its reader."""

import threading
from collections.abc import Callable

from podres_exporter.clock import Clock


class Alarm:
    """For one thread, `stop` excepted. *has_rung*: since it was set last."""

    def __init__(self, clock: Clock) -> None:
        """Set nothing yet."""
        self._clock = clock
        self.has_rung = False
        self._timer: threading.Timer | None = None
        self._due = 0.0
        self._is_stopped = False

    def set(self, ring: Callable[[], None], seconds: float) -> None:
        """Call *ring* after so many seconds, in place of what was set before."""
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
        """Call *ring* after so many seconds, unless that is set for an earlier moment already."""
        if not self.has_rung and self._clock.monotonic_seconds() + seconds < self._due:
            self.set(ring, seconds)

    def stop_timer(self) -> None:
        """Call nothing any more; whether it has rung stays known."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Call nothing ever again."""
        self._is_stopped = True
        self.stop_timer()
