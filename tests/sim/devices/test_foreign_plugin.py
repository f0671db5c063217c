"""
A device plugin in plain gRPC works with the simulated kubelet.

It knows gRPC and the API's messages, in the shape of what grpc_tools generates, and nothing else of this project.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as api
from podres_exporter.clock import SystemClock
from podres_exporter.sim.devices import AllocateResult, DeviceManager, DeviceNode, DeviceState

RESOURCE = "vendor.example/fpga"
LONG = 60.0


class RegistrationStub:
    """What grpc_tools generates for a client of the kubelet."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.Register: grpc.UnaryUnaryMultiCallable[api.RegisterRequest, api.Empty] = channel.unary_unary(
            "/v1beta1.Registration/Register",
            request_serializer=api.RegisterRequest.SerializeToString,
            response_deserializer=api.Empty.FromString,
        )


class FpgaPlugin:
    """Two devices on two NUMA nodes; serves, registers, and does both again when the kubelet's socket is a new one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "fpga.sock"
        self.health = {"fpga0": "Healthy", "fpga1": "Healthy"}
        self.started: list[str] = []
        self._changed = threading.Condition()
        self._generation = 0
        self._server: grpc.Server | None = None
        self._pool: ThreadPoolExecutor | None = None

    def serve_and_register(self) -> None:
        self.close()
        self._pool = ThreadPoolExecutor(4)
        self._server = grpc.server(self._pool)
        add_device_plugin_to_server(self, self._server)
        self._server.add_insecure_port(f"unix://{self.socket}")
        self._server.start()
        with grpc.insecure_channel(f"unix://{self.directory / 'kubelet.sock'}") as channel:
            request = api.RegisterRequest(version="v1beta1", endpoint="fpga.sock", resource_name=RESOURCE)
            RegistrationStub(channel).Register(request, timeout=LONG)

    def sicken(self, name: str) -> None:
        with self._changed:
            self.health[name] = "Unhealthy"
            self._generation += 1
            self._changed.notify_all()

    def close(self) -> None:
        if self._server is not None and self._pool is not None:
            stopped = self._server.stop(None)
            with self._changed:
                self._generation += 1
                self._changed.notify_all()
            stopped.wait()
            self._pool.shutdown()

    def GetDevicePluginOptions(self, _: api.Empty, __: grpc.ServicerContext) -> api.DevicePluginOptions:  # noqa: N802
        return api.DevicePluginOptions(pre_start_required=True)

    def ListAndWatch(  # noqa: N802
        self, _: api.Empty, context: grpc.ServicerContext
    ) -> Iterator[api.ListAndWatchResponse]:
        while context.is_active():
            with self._changed:
                seen = self._generation
                devices = [
                    api.Device(ID=name, health=health, topology=api.TopologyInfo(nodes=[api.NUMANode(ID=node)]))
                    for node, (name, health) in enumerate(self.health.items())
                ]
            yield api.ListAndWatchResponse(devices=devices)
            with self._changed:
                while seen == self._generation:
                    self._changed.wait()

    def Allocate(self, request: api.AllocateRequest, _: grpc.ServicerContext) -> api.AllocateResponse:  # noqa: N802
        return api.AllocateResponse(
            container_responses=[
                api.ContainerAllocateResponse(
                    envs={"FPGA": " ".join(each.devices_ids)},
                    devices=[
                        api.DeviceSpec(container_path=f"/dev/{name}", host_path=f"/dev/{name}", permissions="rw")
                        for name in each.devices_ids
                    ],
                )
                for each in request.container_requests
            ]
        )

    def PreStartContainer(  # noqa: N802
        self, request: api.PreStartContainerRequest, _: grpc.ServicerContext
    ) -> api.PreStartContainerResponse:
        self.started.extend(request.devices_ids)
        return api.PreStartContainerResponse()


def add_device_plugin_to_server(servicer: FpgaPlugin, server: grpc.Server) -> None:
    """What grpc_tools generates for a server; this plugin does not implement GetPreferredAllocation."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "GetDevicePluginOptions": grpc.unary_unary_rpc_method_handler(
            servicer.GetDevicePluginOptions, api.Empty.FromString, api.DevicePluginOptions.SerializeToString
        ),
        "ListAndWatch": grpc.unary_stream_rpc_method_handler(
            servicer.ListAndWatch, api.Empty.FromString, api.ListAndWatchResponse.SerializeToString
        ),
        "Allocate": grpc.unary_unary_rpc_method_handler(
            servicer.Allocate, api.AllocateRequest.FromString, api.AllocateResponse.SerializeToString
        ),
        "PreStartContainer": grpc.unary_unary_rpc_method_handler(
            servicer.PreStartContainer,
            api.PreStartContainerRequest.FromString,
            api.PreStartContainerResponse.SerializeToString,
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1beta1.DevicePlugin", handlers),))


@pytest.fixture
def manager(short_dir: Path) -> Iterator[DeviceManager]:
    with DeviceManager(short_dir, SystemClock(), watch_seconds=None) as one:
        yield one


@pytest.fixture
def plugin(manager: DeviceManager) -> Iterator[FpgaPlugin]:
    one = FpgaPlugin(manager.socket_path.parent)
    one.serve_and_register()
    yield one
    one.close()


def listed(manager: DeviceManager) -> bool:
    return set(manager.healthy().get(RESOURCE, {})) == {"fpga0", "fpga1"}


def test_it_registers_and_is_listed(manager: DeviceManager, plugin: FpgaPlugin) -> None:
    assert plugin.socket.is_socket()
    assert manager.wait_until(lambda: listed(manager), LONG)
    assert {"fpga0": DeviceState((0,)), "fpga1": DeviceState((1,))} == manager.healthy()[RESOURCE]


def test_it_allocates_and_prepares(manager: DeviceManager, plugin: FpgaPlugin) -> None:
    result = manager.allocate(RESOURCE, ["fpga1"])
    manager.prestart(RESOURCE, ["fpga1"])

    assert AllocateResult({"FPGA": "fpga1"}, devices=(DeviceNode("/dev/fpga1", "/dev/fpga1", "rw"),)) == result
    assert ["fpga1"] == plugin.started


def test_it_is_not_asked_what_it_does_not_implement(manager: DeviceManager, plugin: FpgaPlugin) -> None:
    """The call would be answered with UNIMPLEMENTED, and so with an error."""
    assert manager.wait_until(lambda: listed(manager), LONG)
    assert () == manager.preferred(RESOURCE, sorted(plugin.health), [], 1)


def test_a_device_falls_sick(manager: DeviceManager, plugin: FpgaPlugin) -> None:
    assert manager.wait_until(lambda: listed(manager), LONG)
    plugin.sicken("fpga0")

    assert manager.wait_until(lambda: set(manager.healthy()[RESOURCE]) == {"fpga1"}, LONG)
    assert {"fpga0", "fpga1"} == set(manager.capacity()[RESOURCE])


def test_it_survives_a_restart_of_the_kubelet(manager: DeviceManager, plugin: FpgaPlugin) -> None:
    """It watches its own socket, as most plugins do, and begins again when the kubelet has wiped it."""
    assert manager.wait_until(lambda: listed(manager), LONG)

    def watch() -> None:
        eventually(lambda: not plugin.socket.exists() and (plugin.directory / "kubelet.sock").exists())
        plugin.serve_and_register()

    watching = threading.Thread(target=watch)
    watching.start()
    manager.restart()

    assert manager.wait_until(lambda: listed(manager), LONG)
    watching.join(LONG)
    assert {"FPGA": "fpga0"} == manager.allocate(RESOURCE, ["fpga0"]).envs


def test_its_death_takes_its_devices(manager: DeviceManager, plugin: FpgaPlugin) -> None:
    assert manager.wait_until(lambda: listed(manager), LONG)
    plugin.close()

    assert manager.wait_until(lambda: not manager.healthy()[RESOURCE], LONG)
    assert {"fpga0", "fpga1"} == set(manager.capacity()[RESOURCE])
