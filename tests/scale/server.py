"""Simulated API servers for many clients, in this process or in their own."""

import itertools
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from typing import Any, Protocol, cast

from fake_clock import FakeClock

from podres_exporter.sim.api import ANY, PODS, ApiServer, Entry, Fail, Store

Counts = dict[tuple[str, str, int], int]


class Server(Protocol):
    """What is done to a simulated API server, here or in a process of its own; bare data go in and out."""

    def url(self) -> str: ...
    def fill(self, nodes: Sequence[str], pods_per_node: int, pod_bytes: int) -> int: ...
    def churn(self, number: int) -> None: ...
    def advance(self, seconds: float) -> None: ...
    def down(self) -> None: ...
    def up(self) -> None: ...
    def forget(self) -> None: ...
    def storm(self, retry_after_seconds: int) -> None: ...
    def calm(self) -> None: ...
    def open_watches(self) -> int: ...
    def counts(self) -> Counts: ...
    def recent(self) -> tuple[Entry, ...]: ...
    def clear(self) -> None: ...
    def stop(self) -> None: ...


class LocalServer:
    """A simulated API server with the pods of some nodes, on a clock of its own."""

    def __init__(self) -> None:
        """Begin to answer."""
        self._clock = FakeClock()
        self._store = Store(self._clock, history_limit=100_000)
        self._api = ApiServer(self._store, self._clock)
        self._api.start()
        self._pods: list[dict[str, Any]] = []
        self._turn = itertools.count()

    def url(self) -> str:
        """Return where it is reached."""
        return self._api.url

    def fill(self, nodes: Sequence[str], pods_per_node: int, pod_bytes: int) -> int:
        """Create the pods; return how many bytes of JSON each has."""
        for node in nodes:
            for number in range(pods_per_node):
                name = f"workload-7c9d5b8f6-{number:05d}"
                pod = {
                    "metadata": {"namespace": f"of-{node}", "name": name, "annotations": {"x": "x" * pod_bytes}},
                    "spec": {"nodeName": node, "containers": [{"name": "main", "image": "i"}]},
                    "status": {"phase": "Running"},
                }
                self._pods.append(pod)
                self._store.create(PODS, pod)
        return pod_bytes

    def churn(self, number: int) -> None:
        """Change so many pods, one after the other: an event each."""
        for turn in itertools.islice(self._turn, number):
            pod = self._pods[turn * 7919 % len(self._pods)]
            self._store.update(PODS, {**pod, "metadata": {**pod["metadata"], "labels": {"turn": str(turn)}}})

    def advance(self, seconds: float) -> None:
        """Let time go by; watches notice it within TICKS_SECONDS."""
        self._clock.advance(seconds)

    def down(self) -> None:
        """Cut every connection, and refuse new ones."""
        self._api.go_down()

    def up(self) -> None:
        """Answer again, knowing all that has been."""
        self._api.start()

    def forget(self) -> None:
        """Know the present only, as a watch cache that has just been filled: every older version is a 410."""
        news = {"metadata": {"namespace": "other", "name": f"news-{self._store.version}"}, "spec": {}}
        self._store.create(PODS, news)
        self._store.compact()

    def storm(self, retry_after_seconds: int) -> None:
        """Cut every connection, and answer everything with a 429."""
        self._api.faults.on_requests(ANY, Fail(429, retry_after_seconds))
        self._api.drop_connections()

    def calm(self) -> None:
        """End the storm."""
        self._api.faults.clear()

    def open_watches(self) -> int:
        """Return how many watches are open."""
        return self._api.faults.open_watches

    def counts(self) -> Counts:
        """Return the server's own record: requests by verb, path and code."""
        return self._api.requests.counts

    def recent(self) -> tuple[Entry, ...]:
        """Return the last requests, at most a thousand."""
        return self._api.requests.recent

    def clear(self) -> None:
        """Clear the record."""
        self._api.requests.clear()

    def stop(self) -> None:
        """Answer no more."""
        self._api.stop()


class _Manager(BaseManager):
    """A process that has a simulated API server."""


_Manager.register("LocalServer", LocalServer)


@contextmanager
def remote_server() -> Iterator[Server]:
    """Yield a server in a process of its own."""
    manager = _Manager(ctx=multiprocessing.get_context("spawn"))
    manager.start()
    try:
        yield cast("Server", manager.LocalServer())  # type: ignore[attr-defined]  # made by register
    finally:
        manager.shutdown()
