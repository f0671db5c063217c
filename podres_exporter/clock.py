"""The clock, injected everywhere: the only module that reads the time."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for display, monotonic time for ages, and a wait that can be interrupted."""

    def wall_seconds(self) -> float:
        """Seconds since the Unix epoch; may jump."""
        ...

    def monotonic_seconds(self) -> float:
        """Seconds since an arbitrary point; never goes back."""
        ...

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Wait until *event* is set or the timeout expires; return True if it was set."""
        ...


class SystemClock:
    """The system's clocks."""

    def wall_seconds(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()  # noqa: TID251 - this module is the exception

    def monotonic_seconds(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()  # noqa: TID251 - this module is the exception

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Wait on the event with a timeout."""
        return event.wait(timeout_seconds)
