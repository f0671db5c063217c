"""The DevicePlugin service of the sample plugin: ListAndWatch, Allocate, GetPreferredAllocation."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

import grpc

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices.api import DEVICE_PLUGIN, HEALTHY
from podres_exporter.sim.devices.records import DeviceState, PluginOptions
from podres_exporter.sim.rpc.unix_server import Services

NodesByDevice = Mapping[str, Collection[int] | None]


def prefer(
    available: Collection[str], must_include: Collection[str], size: int, nodes_by_device: NodesByDevice
) -> tuple[str, ...]:
    """
    Return *size* of the available ids, those of *must_include* first, from one NUMA node as far as that goes.

    Shorter if there are fewer. The node is the one that has enough; among such the one with the most of *must_include*,
    then the one that is left with the fewest, so that big requests find a whole node later. Where none has enough it is
    the one with the most. Devices are taken in order of their names, numbers by value; ids in neither list never come.
    """
    must = sorted(must_include, key=_natural)
    rest = sorted(set(available) - set(must), key=_natural)
    needed = max(size - len(must), 0)
    near = _best_node(must, rest, needed, nodes_by_device)
    ordered = sorted(rest, key=lambda device: near not in _nodes(device, nodes_by_device))
    return (*must, *ordered[:needed])


def _best_node(must: Collection[str], rest: Collection[str], needed: int, nodes_by_device: NodesByDevice) -> int | None:
    """Return the node to take devices from; None if no device states one."""

    def rank(node: int) -> tuple[bool, int, int, int]:
        on_node = sum(node in _nodes(device, nodes_by_device) for device in rest)
        included = sum(node in _nodes(device, nodes_by_device) for device in must)
        enough = on_node >= needed
        return (not enough, -included, on_node if enough else -on_node, node)

    nodes = {node for device in (*must, *rest) for node in _nodes(device, nodes_by_device)}
    return min(nodes, key=rank, default=None)


def _nodes(device: str, nodes_by_device: NodesByDevice) -> Collection[int]:
    """Return the nodes of a device; a negative number, which some drivers state, is none."""
    return {node for node in nodes_by_device.get(device) or () if node >= 0}


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that puts gpu-2 before gpu-10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text))


class PluginService:
    """
    Answers the kubelet out of a list of devices that may be replaced at any time. Used from any thread.

    `calls` counts the calls by method.
    """

    def __init__(self, resource: str, options: PluginOptions, get_ready: Callable[[], object] = lambda: None) -> None:
        """Start with no device, which is a legal list. *get_ready* is called by each Allocate that succeeds."""
        self._get_ready = get_ready
        self.calls: Counter[str] = Counter()
        self._resource = resource
        self._options = options
        self._changed = threading.Condition()
        self._devices: Mapping[str, DeviceState] = {}
        self._version = 0
        self._streams = 0
        self._deserted = False

    def publish(self, devices: Mapping[str, DeviceState]) -> None:
        """Send this list to every present and future ListAndWatch call."""
        with self._changed:
            self._devices = dict(devices)
            self._version += 1
            self._changed.notify_all()

    def expect(self) -> None:
        """Forget that a kubelet has hung up, for another one is about to be told of us."""
        with self._changed:
            self._deserted = False

    @property
    def deserted(self) -> bool:
        """Whether the last stream has ended since `expect`: the kubelet does not come back by itself (#125501)."""
        with self._changed:
            return self._deserted

    def handlers(self) -> Services:
        """Return the service."""
        unary = grpc.unary_unary_rpc_method_handler
        return Services(
            {
                DEVICE_PLUGIN: {
                    "GetDevicePluginOptions": unary(
                        self._get_options, pb.Empty.FromString, pb.DevicePluginOptions.SerializeToString
                    ),
                    "ListAndWatch": grpc.unary_stream_rpc_method_handler(
                        self._list_and_watch, pb.Empty.FromString, pb.ListAndWatchResponse.SerializeToString
                    ),
                    "GetPreferredAllocation": unary(
                        self._get_preferred,
                        pb.PreferredAllocationRequest.FromString,
                        pb.PreferredAllocationResponse.SerializeToString,
                    ),
                    "Allocate": unary(
                        self._allocate, pb.AllocateRequest.FromString, pb.AllocateResponse.SerializeToString
                    ),
                    "PreStartContainer": unary(
                        self._prestart,
                        pb.PreStartContainerRequest.FromString,
                        pb.PreStartContainerResponse.SerializeToString,
                    ),
                }
            }
        )

    def _get_options(self, _request: pb.Empty, _context: grpc.ServicerContext) -> pb.DevicePluginOptions:
        self._count("GetDevicePluginOptions")
        return options_message(self._options)

    def _list_and_watch(self, _request: pb.Empty, context: grpc.ServicerContext) -> Iterator[pb.ListAndWatchResponse]:
        self._count("ListAndWatch")
        over = threading.Event()

        def end() -> None:
            with self._changed:
                over.set()
                self._streams -= 1
                self._deserted = self._streams == 0
                self._changed.notify_all()

        with self._changed:
            self._streams += 1
            self._deserted = False
        if not context.add_callback(end):
            end()
        version = -1
        while not over.is_set():
            with self._changed:
                while self._version == version and not over.is_set():
                    self._changed.wait()
                version, devices = self._version, self._devices
            if not over.is_set():
                yield pb.ListAndWatchResponse(devices=[_message(*item) for item in devices.items()])

    def _get_preferred(
        self, request: pb.PreferredAllocationRequest, _context: grpc.ServicerContext
    ) -> pb.PreferredAllocationResponse:
        self._count("GetPreferredAllocation")
        nodes_by_device = {device: state.numa_nodes for device, state in self._listed().items()}
        answer = pb.PreferredAllocationResponse()
        for each in request.container_requests:
            chosen = prefer(
                each.available_deviceIDs, each.must_include_deviceIDs, each.allocation_size, nodes_by_device
            )
            answer.container_responses.add(deviceIDs=chosen)
        return answer

    def _allocate(self, request: pb.AllocateRequest, context: grpc.ServicerContext) -> pb.AllocateResponse:
        """Return the ids in an environment variable: VENDOR_COM_GPU for vendor.com/gpu."""
        self._count("Allocate")
        known = self._listed()
        name = re.sub("[^A-Z0-9]", "_", self._resource.upper())
        answer = pb.AllocateResponse()
        for each in request.container_requests:
            strange = [device for device in each.devices_ids if device not in known]
            if strange:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"unknown devices: {' '.join(sorted(strange))}")
            self._get_ready()
            answer.container_responses.add(envs={name: ",".join(sorted(each.devices_ids))})
        return answer

    def _prestart(
        self, _request: pb.PreStartContainerRequest, _context: grpc.ServicerContext
    ) -> pb.PreStartContainerResponse:
        self._count("PreStartContainer")
        return pb.PreStartContainerResponse()

    def _count(self, method: str) -> None:
        with self._changed:
            self.calls[method] += 1

    def _listed(self) -> Mapping[str, DeviceState]:
        with self._changed:
            return self._devices


def options_message(options: PluginOptions) -> pb.DevicePluginOptions:
    """Return the options as the API has them."""
    return pb.DevicePluginOptions(
        pre_start_required=options.pre_start_required,
        get_preferred_allocation_available=options.get_preferred_allocation_available,
    )


def _message(device: str, state: DeviceState) -> pb.Device:
    """Return one device; a topology without nodes is sent as such."""
    message = pb.Device(ID=device, health=HEALTHY if state.healthy else "Unhealthy")
    if state.numa_nodes is not None:
        message.topology.SetInParent()
        for node in state.numa_nodes:
            message.topology.nodes.add(ID=node)
    return message
