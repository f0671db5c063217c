"""Clocks of the exporter and the node that move only in steps of the storm."""

import threading

from fake_clock import FakeClock

from podres_exporter.clock import SystemClock

_LOOK_SECONDS = 0.002
"""How often, in real time, a waiting thread checks the clock."""


class StormClock(FakeClock):
    """Stands still until `advance`; who waits for a later time waits in real time. Wall time can be set at will."""

    def __init__(self, ahead_seconds: float) -> None:
        """Begin that far ahead of the machine's wall clock, so that no socket made now looks young."""
        super().__init__(SystemClock().wall_seconds() + ahead_seconds)
        self._waiting: dict[str, float] = {}

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Wait until the event is set or enough steps have gone by."""
        name, until = threading.current_thread().name, self.monotonic_seconds() + timeout_seconds
        with self._lock:
            self._waiting[name] = until
        try:
            while not event.wait(_LOOK_SECONDS):
                if self.monotonic_seconds() >= until:
                    return event.is_set()
            return True
        finally:
            with self._lock:
                self._waiting.pop(name, None)

    def waits(self, thread_name: str) -> bool:
        """Return whether the thread waits for a time that has not come."""
        with self._lock:
            return self._waiting.get(thread_name, 0.0) > self._monotonic

    def set_wall(self, by_seconds: float) -> None:
        """Set the wall clock, forward or back."""
        with self._lock:
            self._wall += by_seconds


class NodeClock:
    """The same time for the simulated node, whose plugins and timeline look around in real time."""

    def __init__(self, clock: StormClock) -> None:
        """Follow *clock*."""
        self._clock = clock

    def wall_seconds(self) -> float:
        """Seconds since the Unix epoch."""
        return self._clock.wall_seconds()

    def monotonic_seconds(self) -> float:
        """Seconds of the storm's clock."""
        return self._clock.monotonic_seconds()

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Wait on the event in real time."""
        return event.wait(timeout_seconds)
