"""The Registration service: the kubelet's checks of a plugin that registers, in its order and with its messages."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import grpc

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices.api import (
    REGISTRATION,
    SUPPORTED_VERSIONS,
    VERSION,
    is_extended_resource_name,
    options_of,
)
from podres_exporter.sim.devices.handshake import Handshake
from podres_exporter.sim.devices.records import PluginError
from podres_exporter.sim.rpc.go_texts import plain_slice, quoted, quoted_slice
from podres_exporter.sim.rpc.unix_server import Services

log = logging.getLogger(__name__)


def check_request(version: str, resource: str) -> None:
    """
    Raise PluginError unless a plugin of this version and resource may register.

    Source: Register of plugin/v1beta1/server.go, texts in api.go beside it.
    """
    if version not in SUPPORTED_VERSIONS:
        supported = quoted_slice(SUPPORTED_VERSIONS)
        raise PluginError(
            f"requested API version {quoted(version)} is not supported by kubelet. Supported version is {supported}"
        )
    _check_name(resource)


def check_watched(versions: Sequence[str], resource: str) -> None:
    """
    Raise PluginError unless a plugin that the watcher found may register.

    Source: ValidatePlugin of plugin/v1beta1/handler.go.
    """
    if not set(versions) & set(SUPPORTED_VERSIONS):
        supported = plain_slice(versions)
        raise PluginError(f"manager version, {VERSION}, is not among plugin supported versions {supported}")
    try:
        _check_name(resource)
    except PluginError as error:
        raise PluginError(f"invalid name of device plugin socket: {error}") from None


def registration_service(handshake: Handshake, directory: Path) -> Services:
    """Return the service; plugins' sockets are looked for in *directory*."""

    def register(request: pb.RegisterRequest, context: grpc.ServicerContext) -> pb.Empty:
        options = options_of(request.options) if request.HasField("options") else None
        try:
            check_request(request.version, request.resource_name)
            # filepath.Join: the endpoint is a name below the directory, whatever it begins with.
            socket_path = Path(os.path.normpath(f"{directory}/{request.endpoint}"))
            handshake.register(request.resource_name, socket_path, options)
        except PluginError as error:
            log.warning("sim.plugin.refused", extra={"resource": request.resource_name, "error": str(error)})
            # Every error of a handler in the kubelet is a bare Go error, which gRPC sends as UNKNOWN.
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return pb.Empty()

    handler = grpc.unary_unary_rpc_method_handler(register, pb.RegisterRequest.FromString, pb.Empty.SerializeToString)
    return Services({REGISTRATION: {"Register": handler}})


def _check_name(resource: str) -> None:
    if not is_extended_resource_name(resource):
        raise PluginError(f"the ResourceName {quoted(resource)} is invalid")
