"""The handshake of kubelets from 1.25 on: Register is answered when the plugin has been connected and asked."""

from pathlib import Path

from podres_exporter.sim.devices.calls import Calls
from podres_exporter.sim.devices.client import PluginClient
from podres_exporter.sim.devices.handshake import Handshake
from podres_exporter.sim.devices.ledger import Ledger
from podres_exporter.sim.devices.records import PluginError, PluginOptions


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
        """Connect before returning; what the request says of options is ignored (PluginConnected)."""
        del options
        self.adopt(resource, socket_path)

    def adopt(self, resource: str, socket_path: Path) -> None:
        """
        Connect before returning.

        The new client is the current one before it is connected. Where that fails the resource has none, although the
        old client may go on sending lists: its end is then noticed by nobody, as in the kubelet.
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
        """Disconnect every current client, as the server's Stop does, and hang up on the others."""
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
