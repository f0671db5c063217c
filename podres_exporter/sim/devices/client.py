"""The kubelet's client of one device plugin."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices.api import DEVICE_PLUGIN, options_of, result_of
from podres_exporter.sim.devices.records import AllocateResult, PluginError, PluginOptions
from podres_exporter.sim.rpc.connection import Connection, WireError

DIAL_TIMEOUT_SECONDS = 10.0
"""What dial of client.go gives a plugin."""

PRE_START_TIMEOUT_SECONDS = 30.0
"""KubeletPreStartContainerRPCTimeoutInSecs of the API's constants.go."""

_PATIENCE_SECONDS = 60.0
"""Timeout of the other calls; the kubelet has none, but here a silent plugin must not block a pod indefinitely."""


class PluginClient:
    """
    A connection to the socket at *socket_path*, made once and closed once. May be used from any thread.

    Source: client.go of pkg/kubelet/cm/devicemanager/plugin/v1beta1 and endpoint.go of pkg/kubelet/cm/devicemanager.
    """

    def __init__(self, resource: str, socket_path: Path) -> None:
        """Connect to nothing yet."""
        self.resource = resource
        self.socket_path = socket_path
        self._connection = Connection(socket_path)

    def dial(self, timeout_seconds: float) -> None:
        """Wait for the connection; raises PluginError once the time is over."""
        try:
            self._connection.dial(timeout_seconds)
        except WireError as error:
            raise PluginError(f"failed to dial device plugin: {error}") from error

    def options(self) -> PluginOptions:
        """Return the plugin's options; raises PluginError."""
        method = f"/{DEVICE_PLUGIN}/GetDevicePluginOptions"
        try:
            return options_of(self._connection.call(method, pb.Empty(), pb.DevicePluginOptions, _PATIENCE_SECONDS))
        except WireError as error:
            raise PluginError(f"failed to get device plugin options: {error}") from error

    def lists(self) -> Iterator[Sequence[pb.Device]]:
        """Yield every list that the plugin sends, until the stream ends, however it ends."""
        method = f"/{DEVICE_PLUGIN}/ListAndWatch"
        try:
            for answer in self._connection.stream(method, pb.Empty(), pb.ListAndWatchResponse):
                yield answer.devices
        except WireError:
            # The kubelet logs "ListAndWatch ended unexpectedly" and treats every end alike.
            return

    def preferred(self, available: Sequence[str], must_include: Sequence[str], size: int) -> tuple[str, ...]:
        """Return the plugin's choice, which may be anything; raises PluginError."""
        asked = pb.ContainerPreferredAllocationRequest(
            available_deviceIDs=available, must_include_deviceIDs=must_include, allocation_size=size
        )
        request = pb.PreferredAllocationRequest(container_requests=[asked])
        method = f"/{DEVICE_PLUGIN}/GetPreferredAllocation"
        try:
            answer = self._connection.call(method, request, pb.PreferredAllocationResponse, _PATIENCE_SECONDS)
        except WireError as error:
            raise PluginError(f"device plugin GetPreferredAllocation rpc failed with err: {error}") from error
        return tuple(answer.container_responses[0].deviceIDs) if answer.container_responses else ()

    def allocate(self, ids: Sequence[str]) -> AllocateResult:
        """Return the first container's part of the answer; raises PluginError, also where there is none."""
        request = pb.AllocateRequest(container_requests=[pb.ContainerAllocateRequest(devices_ids=ids)])
        try:
            answer = self._connection.call(
                f"/{DEVICE_PLUGIN}/Allocate", request, pb.AllocateResponse, _PATIENCE_SECONDS
            )
        except WireError as error:
            raise PluginError(str(error)) from error
        if not answer.container_responses:
            # The kubelet appends the answer as Go prints it, which differs by release and says nothing.
            raise PluginError("no containers return in allocation response")
        return result_of(answer.container_responses[0])

    def prestart(self, ids: Sequence[str]) -> None:
        """Tell the plugin that a container is about to start; raises PluginError."""
        request = pb.PreStartContainerRequest(devices_ids=ids)
        method = f"/{DEVICE_PLUGIN}/PreStartContainer"
        try:
            self._connection.call(method, request, pb.PreStartContainerResponse, PRE_START_TIMEOUT_SECONDS)
        except WireError as error:
            raise PluginError(f"device plugin PreStartContainer rpc failed with err: {error}") from error

    def close(self) -> None:
        """End the dialling, the stream and every call; may be called again."""
        self._connection.close()
