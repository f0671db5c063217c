"""A clock that moves only when a test advances it or waits on it."""

import threading


class FakeClock:
    """Implements podres_exporter.clock.Clock without ever sleeping."""

    def __init__(self, wall_seconds: float = 1_700_000_000.0) -> None:
        """Start at a wall time; the monotonic clock starts at 100, so that it cannot be mistaken for an age."""
        self._wall = wall_seconds
        self._monotonic = 100.0
        self._lock = threading.Lock()

    def wall_seconds(self) -> float:
        """Seconds since the Unix epoch."""
        with self._lock:
            return self._wall

    def monotonic_seconds(self) -> float:
        """Seconds since 100 s before the clock was made."""
        with self._lock:
            return self._monotonic

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Return at once: True if the event is set, else False after the clock has been moved by the timeout."""
        if event.is_set():
            return True
        self.advance(timeout_seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let time go by on both clocks."""
        with self._lock:
            self._wall += seconds
            self._monotonic += seconds
