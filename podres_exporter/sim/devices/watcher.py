"""The plugin watcher: discovers plugins by their sockets in plugins_registry instead of by Register."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from podres_exporter.clock import Clock
from podres_exporter.sim.devices.sockets import SocketId, plugin_sockets
from podres_exporter.sim.devices.watched_registration import Handlers, Visit, visit
from podres_exporter.sim.lifecycle import WorkerThreads
from podres_exporter.sim.rpc.connection import Connection

log = logging.getLogger(__name__)

_JOIN_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 122.0


@dataclass(slots=True)
class _Seen:
    """One socket. *outcome* is None while the visit is under way."""

    identity: SocketId
    connection: Connection
    outcome: Visit | None = None
    retry_seconds: float = _FIRST_RETRY_SECONDS
    retry_at_seconds: float = 0.0


class PluginWatcher:
    """
    Compares the directory with what it saw before; visits sockets that are new, and drops plugins whose socket went.

    Each visit has a thread of its own, so that a dead socket, which is dialled for ten seconds, delays no other one. A
    visit that failed is repeated, after 0.5 s at first and twice as long each time.

    Source: pluginmanager/pluginwatcher/plugin_watcher.go, reconciler/reconciler.go; the waits are those of
    k8s.io/kubernetes/pkg/util/goroutinemap/exponentialbackoff.
    """

    def __init__(
        self,
        directory: Path,
        handlers: Handlers,
        clock: Clock,
        *,
        dial_timeout_seconds: float,
        changed: Callable[[], None],
    ) -> None:
        """*changed* is called after each visit."""
        self._directory = directory
        self._handlers = handlers
        self._clock = clock
        self._dial_timeout_seconds = dial_timeout_seconds
        self._changed = changed
        self._threads = WorkerThreads("plugin-watcher")
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._seen: dict[Path, _Seen] = {}

    def begin(self, poll_seconds: float | None) -> None:
        """Make the directory; look at it now and then every *poll_seconds*, or only when `scan` is called for None."""
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._stop.clear()
        if poll_seconds is not None:
            self._threads.start("poll", lambda: self._poll(poll_seconds))

    def end(self) -> None:
        """Begin no more visits, break off those under way, and forget every socket; the threads end soon."""
        self._stop.set()
        with self._lock:
            seen, self._seen = self._seen, {}
        for each in seen.values():
            each.connection.close()

    def join(self) -> None:
        """Wait for the threads; only after `end`."""
        self._threads.join(_JOIN_SECONDS)

    def scan(self) -> None:
        """Look at the directory once: plugins whose socket went are dropped when this returns, visits may go on."""
        with self._lock:
            if self._stop.is_set():
                return
            present = plugin_sockets(self._directory)
            # What is being visited is left alone: one operation per socket at a time.
            gone = [
                (path, seen.outcome)
                for path, seen in self._seen.items()
                if seen.outcome is not None and present.get(path) != seen.identity
            ]
            for path, _ in gone:
                del self._seen[path]
        for _, outcome in gone:
            if outcome.name is not None:
                self._handlers[outcome.type].drop(outcome.name, outcome.endpoint)
        for path, identity in present.items():
            self._consider(path, identity)

    def _poll(self, poll_seconds: float) -> None:
        self.scan()
        while not self._clock.wait(self._stop, poll_seconds):
            self.scan()

    def _consider(self, path: Path, identity: SocketId) -> None:
        """Begin a visit to a socket that is new, or whose last visit failed long enough ago."""
        with self._lock:
            seen = self._seen.get(path)
            if self._stop.is_set() or (seen is not None and not self._due(seen)):
                return
            retry = _FIRST_RETRY_SECONDS if seen is None else min(2 * seen.retry_seconds, _LAST_RETRY_SECONDS)
            now = _Seen(identity, Connection(path), retry_seconds=retry)
            self._seen[path] = now
        self._threads.start(path.name, lambda: self._visit(path, now))

    def _due(self, seen: _Seen) -> bool:
        failed = seen.outcome is not None and seen.outcome.name is None
        return failed and self._clock.monotonic_seconds() >= seen.retry_at_seconds

    def _visit(self, path: Path, seen: _Seen) -> None:
        outcome = visit(seen.connection, path, self._handlers, self._dial_timeout_seconds)
        if outcome.problem:
            log.warning("sim.plugin.refused", extra={"socket": path.name, "error": outcome.problem})
        with self._lock:
            seen.retry_at_seconds = self._clock.monotonic_seconds() + seen.retry_seconds
            seen.outcome = outcome
        self._changed()
