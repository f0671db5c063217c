"""A token bucket: allows a burst of requests, then a steady rate."""

import threading
from collections.abc import Callable


class TokenBucket:
    """A bucket that starts full; thread-safe."""

    def __init__(self, interval_seconds: float, burst: float, now: Callable[[], float]) -> None:
        """Add a token every *interval_seconds*, up to *burst*; *now* returns monotonic seconds."""
        self.interval_seconds = interval_seconds
        self._burst, self._now = float(burst), now
        self._lock = threading.Lock()
        self._tokens, self._filled_at_seconds = self._burst, now()

    def take(self) -> bool:
        """Take one token; return False if there is none."""
        with self._lock:
            now = self._now()
            gained = (now - self._filled_at_seconds) / self.interval_seconds
            self._tokens, self._filled_at_seconds = min(self._burst, self._tokens + gained), now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
