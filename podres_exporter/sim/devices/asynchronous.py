"""The handshake of kubelets up to 1.24: Register is answered at once, and the plugin is dialled afterwards."""

import logging
from pathlib import Path

from podres_exporter.sim.devices.client import PluginClient
from podres_exporter.sim.devices.handshake import Handshake
from podres_exporter.sim.devices.records import PluginError, PluginOptions

log = logging.getLogger(__name__)


class AsynchronousHandshake(Handshake):
    """
    Believes the options of the request, and tells a replaced plugin from the current one when its stream ends.

    Source: addEndpoint, runEndpoint, RegisterPlugin and DeRegisterPlugin of pkg/kubelet/cm/devicemanager/manager.go
    up to 1.24.
    """

    def register(self, resource: str, socket_path: Path, options: PluginOptions | None) -> None:
        """Return at once; a plugin that cannot be dialled never hears of it, only the log does."""
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
