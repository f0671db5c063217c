"""What takes a plugin that the plugin watcher has found, by its type."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from podres_exporter.sim.devices.handshake import Handshake
from podres_exporter.sim.devices.registration import check_watched

DEVICE_PLUGIN_TYPE = "DevicePlugin"
DRA_PLUGIN_TYPE = "DRAPlugin"


class PluginHandler(Protocol):
    """Takes plugins of one type; see ValidatePlugin, RegisterPlugin and DeRegisterPlugin of pluginmanager/cache."""

    def validate(self, name: str, versions: Sequence[str], endpoint: Path) -> None:
        """Raise PluginError unless the plugin may register."""
        ...

    def adopt(self, name: str, versions: Sequence[str], endpoint: Path) -> None:
        """Take it; raises PluginError."""
        ...

    def drop(self, name: str, endpoint: Path) -> None:
        """Let it go."""
        ...


class DevicePlugins:
    """Hands device plugins to the Device Manager's handshake."""

    def __init__(self, handshake: Handshake) -> None:
        """Keep the handshake."""
        self._handshake = handshake

    def validate(self, name: str, versions: Sequence[str], endpoint: Path) -> None:
        """Raise PluginError unless version and resource are right."""
        del endpoint
        check_watched(versions, name)

    def adopt(self, name: str, versions: Sequence[str], endpoint: Path) -> None:
        """Connect; raises PluginError."""
        del versions
        self._handshake.adopt(name, endpoint)

    def drop(self, name: str, endpoint: Path) -> None:
        """Disconnect the resource's plugin, whichever it is."""
        del endpoint
        self._handshake.drop(name)
