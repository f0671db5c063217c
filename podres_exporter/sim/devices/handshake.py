"""The handshake between kubelet and device plugin: synchronous from release 1.25 on, asynchronous before."""

import logging
import threading
from abc import ABC, abstractmethod
from pathlib import Path

from podres_exporter.sim.devices.api import state_of
from podres_exporter.sim.devices.calls import Calls, list_text
from podres_exporter.sim.devices.client import PluginClient
from podres_exporter.sim.devices.ledger import Ledger
from podres_exporter.sim.devices.records import PluginError, PluginOptions
from podres_exporter.sim.lifecycle import WorkerThreads

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
        """Remove the resource's plugin, because its socket was removed (DeRegisterPlugin)."""

    def begin(self) -> None:
        """Take plugins from now on."""
        with self._lock:
            self._open = True

    def end(self) -> None:
        """Accept no more plugins and disconnect the present ones; the threads end soon. See `join`."""
        with self._lock:
            self._open = False
            alive = tuple(self._alive)
        for client in alive:
            client.close()

    def join(self) -> None:
        """Wait for the threads; only after `end`, when no plugin can register."""
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


class SynchronousHandshake(Handshake):
    """
    Dials, asks for the options, answers, then reads lists.

    One client per resource is the current one, and it alone stands in `_current`. The kubelet's flaw is kept: when a
    stream ends, whichever it was, the *current* client is disconnected, so that the end of a stream that a new
    registration has replaced takes the new plugin down with it (measured on 1.36).

    Source: connectClient, runClient and disconnectClient of plugin/v1beta1/handler.go, 1.25 to 1.36.
    """

    def __init__(self, ledger: Ledger, dial_timeout_seconds: float, calls: Calls | None = None) -> None:
        """Start closed."""
        super().__init__(ledger, dial_timeout_seconds, calls)
        self._current: dict[str, PluginClient] = {}

    def register(self, resource: str, socket_path: Path, options: PluginOptions | None) -> None:
        """Connect before returning; the options of the request are ignored (PluginConnected)."""
        del options
        self.adopt(resource, socket_path)

    def adopt(self, resource: str, socket_path: Path) -> None:
        """
        Connect before returning.

        The new client is the current one before it is connected. Where that fails the resource has none, although the
        old client may go on sending lists: its end is then not noticed, as in the kubelet.
        """
        client = self._client(resource, socket_path)
        with self._lock:
            self._current[resource] = client
        try:
            client.dial(self._dial_timeout_seconds)
            self._ledger.connect(client, client.options())
        except PluginError:
            self._forget(resource)
            self._hang_up(client)
            raise
        self._threads.start(resource, lambda: self._run(client))

    def drop(self, resource: str) -> None:
        """Disconnect the current client, if there is one."""
        client = self._forget(resource)
        if client is not None:
            self._hang_up(client)
            self._ledger.disconnect(resource)

    def end(self) -> None:
        """Disconnect every client: current ones as the server's Stop does, then the others."""
        super().end()
        with self._lock:
            resources = tuple(self._current)
        for resource in resources:
            self.drop(resource)

    def _run(self, client: PluginClient) -> None:
        self._read(client)
        self.drop(client.resource)
        self._hang_up(client)

    def _forget(self, resource: str) -> PluginClient | None:
        with self._lock:
            return self._current.pop(resource, None)


class AsynchronousHandshake(Handshake):
    """
    Believes the options of the request, and tells a replaced plugin from the current one when its stream ends.

    Source: addEndpoint, runEndpoint, RegisterPlugin and DeRegisterPlugin of pkg/kubelet/cm/devicemanager/manager.go
    up to 1.24.
    """

    def register(self, resource: str, socket_path: Path, options: PluginOptions | None) -> None:
        """Return at once; that a plugin cannot be dialled is only logged."""
        client = self._client(resource, socket_path)
        self._threads.start(resource, lambda: self._dial_and_run(client, options))

    def adopt(self, resource: str, socket_path: Path) -> None:
        """Connect and ask for the options before returning: no request came that could state them."""
        client = self._client(resource, socket_path)
        try:
            client.dial(self._dial_timeout_seconds)
            self._ledger.connect(client, client.options())
        except PluginError:
            self._hang_up(client)
            raise
        self._threads.start(resource, lambda: self._run(client))

    def drop(self, resource: str) -> None:
        """Hang up; the end of the stream does the rest."""
        plugin = self._ledger.plugin(resource)
        if plugin is not None and plugin.client is not None:
            plugin.client.close()

    def _dial_and_run(self, client: PluginClient, options: PluginOptions | None) -> None:
        try:
            client.dial(self._dial_timeout_seconds)
        except PluginError as error:
            log.warning("sim.plugin.unreachable", extra={"resource": client.resource, "error": str(error)})
            self._hang_up(client)
            return
        self._ledger.connect(client, options)
        self._run(client)

    def _run(self, client: PluginClient) -> None:
        self._read(client)
        self._hang_up(client)
        self._ledger.disconnect(client.resource, client)
