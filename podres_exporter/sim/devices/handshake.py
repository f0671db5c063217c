"""How a plugin becomes the resource's plugin and ceases to be it: what kubelets of all releases do."""

import logging
import threading
from abc import ABC, abstractmethod
from pathlib import Path

from podres_exporter.sim.devices.api import state_of
from podres_exporter.sim.devices.calls import Calls, list_text
from podres_exporter.sim.devices.client import PluginClient
from podres_exporter.sim.devices.ledger import Ledger
from podres_exporter.sim.devices.records import PluginError, PluginOptions
from podres_exporter.sim.rpc.worker_threads import WorkerThreads

log = logging.getLogger(__name__)

_JOIN_SECONDS = 5.0


class Handshake(ABC):
    """
    Connects plugins, reads their lists into the ledger, and notices their end. May be used from any thread.

    `begin` opens it; `end` closes every connection and waits for the threads, after which `begin` may open it again.
    """

    def __init__(self, ledger: Ledger, dial_timeout_seconds: float, calls: Calls | None = None) -> None:
        """Start closed. *calls* gets every list."""
        self._ledger, self._calls = ledger, calls or Calls()
        self._dial_timeout_seconds = dial_timeout_seconds
        self._threads = WorkerThreads("device-plugin")
        self._lock = threading.Lock()
        self._open = False
        self._alive: set[PluginClient] = set()

    @abstractmethod
    def register(self, resource: str, socket_path: Path, options: PluginOptions | None) -> None:
        """Connect a plugin that called Register, with the options of its request; raises PluginError."""

    @abstractmethod
    def adopt(self, resource: str, socket_path: Path) -> None:
        """Connect a plugin that the plugin watcher found (RegisterPlugin); raises PluginError."""

    @abstractmethod
    def drop(self, resource: str) -> None:
        """Let the resource's plugin go, for the plugin watcher's socket has gone (DeRegisterPlugin)."""

    def begin(self) -> None:
        """Take plugins from now on."""
        with self._lock:
            self._open = True

    def end(self) -> None:
        """Take no more plugins and hang up on those that are there; the threads end soon. See `join`."""
        with self._lock:
            self._open = False
            alive = tuple(self._alive)
        for client in alive:
            client.close()

    def join(self) -> None:
        """Wait for the threads; only after `end`, and after nobody calls in any more."""
        self._threads.join(_JOIN_SECONDS)

    def _client(self, resource: str, socket_path: Path) -> PluginClient:
        """Return a new client that `end` will close; raises PluginError where that has happened already."""
        client = PluginClient(resource, socket_path)
        with self._lock:
            if self._open:
                self._alive.add(client)
                return client
        client.close()
        raise PluginError("failed to dial device plugin: context canceled")

    def _hang_up(self, client: PluginClient) -> None:
        client.close()
        with self._lock:
            self._alive.discard(client)

    def _read(self, client: PluginClient) -> None:
        """Take over list after list, until the stream ends (client.Run)."""
        log.info("sim.plugin.connected", extra={"resource": client.resource, "socket": client.socket_path.name})
        for devices in client.lists():
            states = [(device.ID, state_of(device)) for device in devices]
            healthy = [name for name, state in states if state.healthy]
            sick = [name for name, state in states if not state.healthy]
            self._calls.note(client.resource, "ListAndWatch", "", list_text(healthy, sick))
            self._ledger.replace(client.resource, states)
        log.info("sim.plugin.disconnected", extra={"resource": client.resource, "socket": client.socket_path.name})
