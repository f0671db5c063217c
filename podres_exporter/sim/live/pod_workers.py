"""Start the containers of admitted pods, with retries, as the kubelet's pod workers do."""

import threading
from collections.abc import Callable
from random import Random

from podres_exporter.clock import Clock
from podres_exporter.sim.lifecycle import WorkerThreads
from podres_exporter.sim.live.kubelet import Kubelet

RETRY_SECONDS = 10.0
"""backOffPeriod of kubelet.go; up to half of it is added at random (workerBackOffPeriodJitterFactor)."""

_JITTER = 0.5
_JOIN_SECONDS = 5.0


class PodWorkers:
    """
    Has a thread for each pod whose start takes a call to a device plugin or a DRA driver; the caller starts others.

    So a plugin that takes its time, or refuses, holds up no other pod. Every method may be called from any thread.
    """

    def __init__(self, pods: Kubelet, clock: Clock, random: Random) -> None:
        """Start nothing yet."""
        self._pods, self._clock, self._random = pods, clock, random
        self._threads = WorkerThreads("sim-pod-worker")
        self._changed = threading.Condition()
        self._first_attempts = 0
        self._over = threading.Event()

    def start(self, uid: str, show: Callable[[], None]) -> None:
        """Start an admitted pod; *show* is called after each attempt."""
        if not self._pods.is_slow_to_start(uid):
            self._pods.start(uid)
            show()
            return
        with self._changed:
            self._first_attempts += 1
            over = self._over
        self._threads.start(uid, lambda: self._keep_starting(uid, show, over))

    def settle(self) -> None:
        """Return once every pod that was given has been tried once."""
        with self._changed:
            self._changed.wait_for(lambda: not self._first_attempts)

    def end(self) -> None:
        """Try no pod again that was given up to now."""
        with self._changed:
            self._over.set()
            self._over = threading.Event()

    def stop(self) -> None:
        """End all threads; a call to a plugin must have been ended otherwise."""
        self.end()
        self._threads.join(_JOIN_SECONDS)

    def _keep_starting(self, uid: str, show: Callable[[], None], over: threading.Event) -> None:
        try:
            live = self._pods.start(uid)
            show()
        finally:
            with self._changed:
                self._first_attempts -= 1
                self._changed.notify_all()
        while live is not None and live.must_wait:
            if self._clock.wait(over, RETRY_SECONDS * (1 + _JITTER * self._random.random())):
                return
            live = self._pods.start(uid)
            show()
