"""The rate limit of the pod-resources endpoint, and a switch that makes its calls hang."""

import threading

import grpc

from podres_exporter.clock import Clock
from podres_exporter.token_bucket import TokenBucket

QUERIES_PER_SECOND = 100.0
BURST = 10.0


def kubelet_limit(clock: Clock) -> TokenBucket:
    """
    Return a full bucket of 10 tokens that refills at 100 a second; one bucket for all clients and methods.

    Source: kubelet podresources grpc limiter, DefaultQPS and DefaultBurstTokens (#116459, since 1.27).
    """
    return TokenBucket(1 / QUERIES_PER_SECOND, BURST, clock.monotonic_seconds)


class Gate:
    """A gate for calls: open at first; while it is closed each call waits until it opens or the call is over."""

    def __init__(self) -> None:
        """Start open."""
        self._lock = threading.Lock()
        self._closed = False
        self._waiting: set[threading.Event] = set()

    def close(self) -> None:
        """Block calls that arrive from now on."""
        with self._lock:
            self._closed = True

    def open(self) -> None:
        """Let everything pass."""
        with self._lock:
            self._closed = False
        self.interrupt()

    def interrupt(self) -> None:
        """Let the waiting calls go on; later ones wait again if the gate is closed."""
        with self._lock:
            for passed in self._waiting:
                passed.set()

    def wait(self, context: grpc.ServicerContext) -> None:
        """Return when the gate is open, or when the call's client has given up."""
        passed = threading.Event()
        with self._lock:
            if not self._closed:
                return
            self._waiting.add(passed)
        if not context.add_callback(passed.set):
            passed.set()
        passed.wait()
        with self._lock:
            self._waiting.discard(passed)
