"""The kubelet's limit on calls to its pod-resources endpoint."""

import threading

from podres_exporter.clock import Clock

QUERIES_PER_SECOND = 100.0
BURST = 10.0


class TokenBucket:
    """
    A full bucket of 10 tokens that refills at 100 a second; one bucket for all clients and methods.

    Source: kubelet podresources grpc limiter, DefaultQPS and DefaultBurstTokens (#116459, since 1.27).
    """

    def __init__(self, clock: Clock) -> None:
        """Start full."""
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = BURST
        self._filled_at = clock.monotonic_seconds()

    def take(self) -> bool:
        """Take one token; False where there is none, which costs nothing."""
        with self._lock:
            now = self._clock.monotonic_seconds()
            self._tokens = min(BURST, self._tokens + (now - self._filled_at) * QUERIES_PER_SECOND)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
