"""A clock that moves only when it is advanced, for threads that wait on it."""

import heapq
import itertools
import math
import threading

_LOOK_SECONDS = 0.2
"""How late, in real time, a stop is noticed."""


class SteppedClock:
    """A Clock that many threads wait on, and that is moved from outside."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._now = 0.0
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self.parked = 0

    def wall_seconds(self) -> float:
        return 1_700_000_000.0 + self._now

    def monotonic_seconds(self) -> float:
        return self._now

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Park the thread until the clock is moved so far, or the event is set."""
        due = threading.Event()
        with self._lock:
            heapq.heappush(self._waiting, (self._now + timeout_seconds, next(self._order), due))
            self.parked += 1
        while not due.wait(_LOOK_SECONDS):
            if event.is_set():
                break
        return event.is_set()

    def next_due_seconds(self) -> float:
        """Return when somebody wants to be woken; endless where nobody does."""
        with self._lock:
            return self._waiting[0][0] if self._waiting else math.inf

    def advance_to(self, seconds: float) -> None:
        """Move on, and wake who is due."""
        with self._lock:
            self._now = max(self._now, seconds)
            while self._waiting and self._waiting[0][0] <= self._now:
                _, _, due = heapq.heappop(self._waiting)
                self.parked -= 1
                due.set()
