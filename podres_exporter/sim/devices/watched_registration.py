"""Plugins found by the plugin watcher: ask each what it is, and hand it to the handler of its type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from podres_exporter._proto import pluginregistration_v1_pb2 as pb
from podres_exporter.sim.devices.handshake import Handshake
from podres_exporter.sim.devices.records import PluginError
from podres_exporter.sim.devices.registration import check_watched
from podres_exporter.sim.rpc.connection import Connection, WireError

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


Handlers = Mapping[str, PluginHandler]
"""By type of plugin."""

_INFO_TIMEOUT_SECONDS = 1.0
_NOTIFY_TIMEOUT_SECONDS = 5.0
_SERVICE = "pluginregistration.Registration"


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known after a visit. *name* is None where the plugin was not taken, and may be asked again."""

    name: str | None
    problem: str
    type: str = ""
    endpoint: Path = Path()


def visit(connection: Connection, socket_path: Path, handlers: Handlers, dial_timeout_seconds: float) -> Visit:
    """
    Return what came of it; the connection is closed. Nothing is raised, for the watcher has other sockets to see.

    A plugin that was valid but could not be connected has registered as far as the kubelet knows: it gets the error
    and is not asked again. Nor is one that does not take the news.

    Source: GenerateRegisterPluginFunc and notifyPlugin of pluginmanager/operationexecutor/operation_generator.go.
    """
    try:
        info = _ask(connection, socket_path, dial_timeout_seconds)
        endpoint = Path(info.endpoint) if info.endpoint else socket_path
        taken, problem = _introduce(info, socket_path, endpoint, handlers)
        told = _notify(connection, socket_path, problem)
        return Visit(info.name if taken else None, told, info.type, endpoint)
    except PluginError as error:
        return Visit(None, str(error))
    finally:
        connection.close()


def _ask(connection: Connection, socket_path: Path, dial_timeout_seconds: float) -> pb.PluginInfo:
    """Return who the plugin is; raises PluginError."""
    try:
        connection.dial(dial_timeout_seconds)
    except WireError as error:
        reason = f"failed to dial socket {socket_path}, err: {error}"
        raise PluginError(f"RegisterPlugin error -- dial failed at socket {socket_path}, err: {reason}") from error
    try:
        return connection.call(f"/{_SERVICE}/GetInfo", pb.InfoRequest(), pb.PluginInfo, _INFO_TIMEOUT_SECONDS)
    except WireError as error:
        text = f"failed to get plugin info using RPC GetInfo at socket {socket_path}, err: {error}"
        raise PluginError(f"RegisterPlugin error -- {text}") from error


def _introduce(info: pb.PluginInfo, socket_path: Path, endpoint: Path, handlers: Handlers) -> tuple[bool, str]:
    """Return whether the plugin counts as registered, and the error that it gets."""
    handler = handlers.get(info.type)
    if handler is None:
        text = f"RegisterPlugin error -- no handler registered for plugin type: {info.type} at socket {socket_path}"
        return False, text
    try:
        handler.validate(info.name, info.supported_versions, endpoint)
    except PluginError as error:
        return False, f"RegisterPlugin error -- plugin validation failed with err: {error}"
    try:
        handler.adopt(info.name, info.supported_versions, endpoint)
    except PluginError as error:
        return True, f"RegisterPlugin error -- plugin registration failed with err: {error}"
    return True, ""


def _notify(connection: Connection, socket_path: Path, problem: str) -> str:
    """Tell the plugin, and return what went wrong so far, if only that."""
    status = pb.RegistrationStatus(plugin_registered=not problem, error=problem)
    method = f"/{_SERVICE}/NotifyRegistrationStatus"
    try:
        connection.call(method, status, pb.RegistrationStatusResponse, _NOTIFY_TIMEOUT_SECONDS)
    except WireError as error:
        text = f"failed to send registration status at socket {socket_path}, err: {problem}: {error}"
        return f"RegisterPlugin error -- {text}"
    return problem
