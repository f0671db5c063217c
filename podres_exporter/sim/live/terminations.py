"""Terminate pods that were deleted with a grace period: first their containers, then the pod."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.sim.api.storage.objects import at
from podres_exporter.sim.lifecycle import WorkerThreads
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.status_writer import StatusWriter

_JOIN_SECONDS = 5.0
_MINIMUM_SECONDS = 2.0
"""What a container gets at least after its preStop hook (minimumGracePeriodInSeconds of kuberuntime)."""


class Terminations:
    """
    Containers end at once when they are stopped, which is after the `sleep` of a preStop hook.

    Until then the pod is Running, is listed and holds what it has. Used from any thread.

    Source: pod_workers.go SyncTerminatingPod; kuberuntime_container.go killContainer; status_manager.go syncPod.
    """

    def __init__(self, pods: Kubelet, writer: StatusWriter, clock: Clock) -> None:
        """End nothing yet."""
        self._pods, self._writer, self._clock = pods, writer, clock
        self._threads = WorkerThreads("sim-termination")
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._waiting: dict[str, threading.Event] = {}

    def terminate(self, pod: Mapping[str, Any], put: Callable[[Callable[[], None]], None]) -> None:
        """End a pod that has a deletionTimestamp; *put* does what takes no time in the order of the sync loop."""
        uid = pod["metadata"]["uid"]
        seconds = sleep_seconds(pod)
        with self._lock:
            if uid in self._waiting:
                if seconds:
                    return  # a second deletion does not begin the hook again
                self._waiting[uid].set()
                return
            if seconds:
                shorter = self._waiting[uid] = threading.Event()
        if not seconds:
            put(lambda: self._end(pod))
            return
        over = self._over
        self._threads.start(uid, lambda: self._sleep(pod, seconds, shorter, over))

    def end(self) -> None:
        """Forget what is under way, as a kubelet that is killed: it is begun again by the next one."""
        with self._lock:
            self._over.set()
            self._over = threading.Event()
            for each in self._waiting.values():
                each.set()
            self._waiting.clear()

    def stop(self) -> None:
        """End all threads."""
        self.end()
        self._threads.join(_JOIN_SECONDS)

    def _sleep(self, pod: Mapping[str, Any], seconds: float, shorter: threading.Event, over: threading.Event) -> None:
        self._clock.wait(shorter, seconds)
        if not over.is_set():
            with self._lock:
                self._waiting.pop(pod["metadata"]["uid"], None)
            self._end(pod)

    def _end(self, pod: Mapping[str, Any]) -> None:
        uid = pod["metadata"]["uid"]
        held = self._pods.held(uid)
        live = self._pods.finish(uid)
        if live is not None:
            self._writer.write(pod, live, held)
        self._writer.confirm_deletion(pod)


def sleep_seconds(pod: Mapping[str, Any]) -> float:
    """Return how long the containers' preStop hooks sleep, at most the grace period."""
    hooks = [at(each, "lifecycle.preStop.sleep.seconds") for each in at(pod, "spec.containers") or ()]
    longest = max((each for each in hooks if isinstance(each, int)), default=0)
    grace = pod["metadata"].get("deletionGracePeriodSeconds")
    return float(min(longest, max(grace, _MINIMUM_SECONDS)) if isinstance(grace, int) else longest)
