"""A DRA driver in plain gRPC, without code of the package: registration, prepare, unprepare, health."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc

from podres_exporter._proto import dra_v1_pb2 as pb
from podres_exporter._proto import drahealth_v1alpha1_pb2 as health_pb
from podres_exporter._proto import pluginregistration_v1_pb2 as registration_pb


class PlainDriver:
    """
    Prepares every claim with the devices that `devices` has for its name; `asked` holds every call.

    `errors` makes claims of these names fail, `skips` leaves them out of the answer.
    """

    def __init__(
        self, directory: Path, name: str = "dra.example.com", versions: tuple[str, ...] = ("v1.DRAPlugin",)
    ) -> None:
        """Bind in *directory*, which the plugin watcher looks at."""
        self.name, self.versions = name, versions
        self.path = directory / f"{name}-reg.sock"
        self.asked: list[tuple[str, str]] = []
        self.devices: dict[str, list[pb.Device]] = {}
        self.errors: dict[str, str] = {}
        self.skips: set[str] = set()
        self.statuses: SimpleQueue[tuple[bool, str]] = SimpleQueue()
        self._health: SimpleQueue[health_pb.NodeWatchResourcesResponse | None] = SimpleQueue()
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool, options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers(tuple(self._services()))
        self._server.add_insecure_port(f"unix:{self.path}")

    def serve(self) -> "PlainDriver":
        """Accept."""
        self._server.start()
        return self

    def close(self) -> None:
        """Stop serving; gRPC removes the socket."""
        self._health.put(None)
        self._server.stop(None).wait()
        self._pool.shutdown()

    def say(self, device: str, health: "health_pb.HealthStatus", message: str = "", pool: str = "n1") -> None:
        """Report the health of one device."""
        row = health_pb.DeviceHealth(
            device=health_pb.DeviceIdentifier(pool_name=pool, device_name=device), health=health, message=message
        )
        self._health.put(health_pb.NodeWatchResourcesResponse(devices=[row]))

    def _services(self) -> Iterator[grpc.GenericRpcHandler]:
        unary, generic = grpc.unary_unary_rpc_method_handler, grpc.method_handlers_generic_handler
        for version in ("v1", "v1beta1"):
            yield generic(
                f"k8s.io.kubelet.pkg.apis.dra.{version}.DRAPlugin",
                {
                    "NodePrepareResources": unary(
                        self._prepare,
                        pb.NodePrepareResourcesRequest.FromString,
                        pb.NodePrepareResourcesResponse.SerializeToString,
                    ),
                    "NodeUnprepareResources": unary(
                        self._unprepare,
                        pb.NodeUnprepareResourcesRequest.FromString,
                        pb.NodeUnprepareResourcesResponse.SerializeToString,
                    ),
                },
            )
        yield generic(
            "v1alpha1.DRAResourceHealth",
            {
                "NodeWatchResources": grpc.unary_stream_rpc_method_handler(
                    self._watch,
                    health_pb.NodeWatchResourcesRequest.FromString,
                    health_pb.NodeWatchResourcesResponse.SerializeToString,
                )
            },
        )
        yield generic(
            "pluginregistration.Registration",
            {
                "GetInfo": unary(
                    self._info, registration_pb.InfoRequest.FromString, registration_pb.PluginInfo.SerializeToString
                ),
                "NotifyRegistrationStatus": unary(
                    self._notify,
                    registration_pb.RegistrationStatus.FromString,
                    registration_pb.RegistrationStatusResponse.SerializeToString,
                ),
            },
        )

    def _info(self, _: Any, __: grpc.ServicerContext) -> registration_pb.PluginInfo:
        return registration_pb.PluginInfo(
            type="DRAPlugin", name=self.name, endpoint=str(self.path), supported_versions=self.versions
        )

    def _notify(
        self, status: registration_pb.RegistrationStatus, _: grpc.ServicerContext
    ) -> registration_pb.RegistrationStatusResponse:
        self.statuses.put((status.plugin_registered, status.error))
        return registration_pb.RegistrationStatusResponse()

    def _prepare(
        self, request: pb.NodePrepareResourcesRequest, _: grpc.ServicerContext
    ) -> pb.NodePrepareResourcesResponse:
        self.asked += [("prepare", claim.name) for claim in request.claims]
        return pb.NodePrepareResourcesResponse(
            claims={
                claim.uid: pb.NodePrepareResourceResponse(
                    devices=self.devices.get(claim.name, []), error=self.errors.get(claim.name, "")
                )
                for claim in request.claims
                if claim.name not in self.skips
            }
        )

    def _unprepare(
        self, request: pb.NodeUnprepareResourcesRequest, _: grpc.ServicerContext
    ) -> pb.NodeUnprepareResourcesResponse:
        self.asked += [("unprepare", claim.name) for claim in request.claims]
        return pb.NodeUnprepareResourcesResponse(
            claims={claim.uid: pb.NodeUnprepareResourceResponse() for claim in request.claims}
        )

    def _watch(
        self, _: health_pb.NodeWatchResourcesRequest, context: grpc.ServicerContext
    ) -> Iterator[health_pb.NodeWatchResourcesResponse]:
        over = threading.Event()
        context.add_callback(over.set)
        context.add_callback(lambda: self._health.put(None))
        while not over.is_set():
            answer = self._health.get()
            if answer is None:
                return
            yield answer
