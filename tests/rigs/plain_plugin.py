"""A device plugin in plain gRPC, without code of the package, and a client of the kubelet's registration."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import grpc

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter._proto import pluginregistration_v1_pb2 as registration_pb

_OPTIONS = (("grpc.default_authority", "localhost"), ("grpc.use_local_subchannel_pool", 1))


def device(name: str, *nodes: int, health: str = "Healthy") -> pb.Device:
    """Return a device near these nodes; without any it states no topology."""
    topology = pb.TopologyInfo(nodes=[pb.NUMANode(ID=node) for node in nodes]) if nodes else None
    return pb.Device(ID=name, health=health, topology=topology)


def register(
    kubelet: Path,
    endpoint: str,
    resource: str = "example.com/gpu",
    version: str = "v1beta1",
    options: pb.DevicePluginOptions | None = None,
    timeout_seconds: float = 60.0,
) -> tuple[grpc.StatusCode, str]:
    """Call Register over a new connection and return the status."""
    request = pb.RegisterRequest(version=version, endpoint=endpoint, resource_name=resource, options=options)
    with grpc.insecure_channel(f"unix:{kubelet}", options=_OPTIONS) as channel:
        call: grpc.UnaryUnaryMultiCallable[pb.RegisterRequest, pb.Empty] = channel.unary_unary(
            "/v1beta1.Registration/Register", pb.RegisterRequest.SerializeToString, pb.Empty.FromString
        )
        try:
            call(request, timeout=timeout_seconds)
        except grpc.RpcError as error:
            return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""


class PlainPlugin:
    """
    Serves the devices that it is given; `asked` holds every call with what it named, in order.

    `errors` makes a method fail with UNKNOWN and this text. `info` is what it tells the plugin watcher, and `statuses`
    what that one told it.
    """

    def __init__(self, path: Path, *devices: pb.Device) -> None:
        """Bind and listen, but do not accept: that is what `serve` is for."""
        self.path = path
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.authorities: list[str] = []
        self.errors: dict[str, str] = {}
        self.options = pb.DevicePluginOptions()
        self.preferred = pb.PreferredAllocationResponse()
        self.allocation = pb.AllocateResponse(container_responses=[pb.ContainerAllocateResponse()])
        self.info = registration_pb.PluginInfo(type="DevicePlugin", supported_versions=["v1beta1"])
        self.statuses: SimpleQueue[tuple[bool, str]] = SimpleQueue()
        self._devices = devices
        self._streams: list[SimpleQueue[pb.ListAndWatchResponse | None]] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool, options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers((self._device_plugin(), self._registration()))
        self._server.add_insecure_port(f"unix:{path}")

    def serve(self) -> "PlainPlugin":
        """Accept."""
        self._server.start()
        return self

    def close(self) -> None:
        """Stop serving; gRPC removes the socket."""
        self._server.stop(None).wait()
        self._pool.shutdown()

    def send(self, *devices: pb.Device, stream: int = -1) -> None:
        """Send a list over one stream, the newest by default."""
        self._devices = devices
        self._streams[stream].put(pb.ListAndWatchResponse(devices=devices))

    def end(self, stream: int) -> None:
        """End one of the streams, counted from the oldest."""
        self._streams[stream].put(None)

    def _device_plugin(self) -> grpc.GenericRpcHandler:
        unary, plain = grpc.unary_unary_rpc_method_handler, pb.Empty
        return grpc.method_handlers_generic_handler(
            "v1beta1.DevicePlugin",
            {
                "GetDevicePluginOptions": unary(
                    self._get_options, plain.FromString, pb.DevicePluginOptions.SerializeToString
                ),
                "ListAndWatch": grpc.unary_stream_rpc_method_handler(
                    self._list_and_watch, plain.FromString, pb.ListAndWatchResponse.SerializeToString
                ),
                "GetPreferredAllocation": unary(
                    self._get_preferred,
                    pb.PreferredAllocationRequest.FromString,
                    pb.PreferredAllocationResponse.SerializeToString,
                ),
                "Allocate": unary(self._allocate, pb.AllocateRequest.FromString, pb.AllocateResponse.SerializeToString),
                "PreStartContainer": unary(
                    self._prestart,
                    pb.PreStartContainerRequest.FromString,
                    pb.PreStartContainerResponse.SerializeToString,
                ),
            },
        )

    def _registration(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            "pluginregistration.Registration",
            {
                "GetInfo": grpc.unary_unary_rpc_method_handler(
                    self._get_info,
                    registration_pb.InfoRequest.FromString,
                    registration_pb.PluginInfo.SerializeToString,
                ),
                "NotifyRegistrationStatus": grpc.unary_unary_rpc_method_handler(
                    self._notify,
                    registration_pb.RegistrationStatus.FromString,
                    registration_pb.RegistrationStatusResponse.SerializeToString,
                ),
            },
        )

    def _note(self, context: grpc.ServicerContext, method: str, *ids: str) -> None:
        self.asked.append((method, ids))
        if method in self.errors:
            context.abort(grpc.StatusCode.UNKNOWN, self.errors[method])

    def _get_options(self, _: pb.Empty, context: grpc.ServicerContext) -> pb.DevicePluginOptions:
        self._note(context, "GetDevicePluginOptions")
        return self.options

    def _list_and_watch(self, _: pb.Empty, context: grpc.ServicerContext) -> Iterator[pb.ListAndWatchResponse]:
        messages: SimpleQueue[pb.ListAndWatchResponse | None] = SimpleQueue()
        messages.put(pb.ListAndWatchResponse(devices=self._devices))
        with self._lock:
            self._streams.append(messages)
        context.add_callback(lambda: messages.put(None))
        self._note(context, "ListAndWatch")
        while (message := messages.get()) is not None:
            yield message

    def _get_preferred(
        self, request: pb.PreferredAllocationRequest, context: grpc.ServicerContext
    ) -> pb.PreferredAllocationResponse:
        (asked,) = request.container_requests
        self._note(
            context,
            "GetPreferredAllocation",
            *asked.available_deviceIDs,
            "of",
            *asked.must_include_deviceIDs,
            str(asked.allocation_size),
        )
        return self.preferred

    def _allocate(self, request: pb.AllocateRequest, context: grpc.ServicerContext) -> pb.AllocateResponse:
        (asked,) = request.container_requests
        self._note(context, "Allocate", *asked.devices_ids)
        return self.allocation

    def _prestart(
        self, request: pb.PreStartContainerRequest, context: grpc.ServicerContext
    ) -> pb.PreStartContainerResponse:
        self._note(context, "PreStartContainer", *request.devices_ids)
        return pb.PreStartContainerResponse()

    def _get_info(self, _: registration_pb.InfoRequest, context: grpc.ServicerContext) -> registration_pb.PluginInfo:
        self._note(context, "GetInfo")
        return self.info

    def _notify(
        self, status: registration_pb.RegistrationStatus, context: grpc.ServicerContext
    ) -> registration_pb.RegistrationStatusResponse:
        self._note(context, "NotifyRegistrationStatus")
        self.statuses.put((status.plugin_registered, status.error))
        return registration_pb.RegistrationStatusResponse()
