"""Live simulated nodes for tests: pod manifests, well-behaved and faulty device plugins, time."""

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import grpc

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import node_at, parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.devices import DeviceManager, DeviceState, PluginOptions
from podres_exporter.sim.live import Kubelet, LiveNode
from podres_exporter.sim.plugin.sample import SamplePlugin
from podres_exporter.sim.rpc.connection import Connection
from podres_exporter.sim.rpc.unix_server import Handler, Services, UnixServer

GPU, NIC = "example.com/gpu", "example.com/nic"
DEVICE_PLUGIN = "v1beta1.DevicePlugin"
WAIT_SECONDS = 60.0

NUMA = """
numa:
  - {node: 0, cpus: "0-3", memory: 4Gi}
  - {node: 1, cpus: "4-7", memory: 4Gi}
"""
CLAIMS = """
claims:
  - {name: lane, devices: [{driver: dra.example.com, pool: p, device: lane-0}]}
  - {name: wheel, devices: [{driver: dra.example.com, pool: p, device: wheel-0}]}
"""
STATED: Mapping[str, Mapping[str, DeviceState]] = {
    GPU: {"GPU-0": DeviceState((0,)), "GPU-1": DeviceState((1,))},
    NIC: {f"NIC-{index}": DeviceState((index % 2,)) for index in range(4)},
}


class LeapClock:
    """The machine's clocks, which a test can set forward; waiting is real."""

    def __init__(self) -> None:
        """Begin with the real time."""
        self._real = SystemClock()
        self._ahead = 0.0

    def wall_seconds(self) -> float:
        """Seconds since the Unix epoch, and what was leapt."""
        return self._real.wall_seconds() + self._ahead

    def monotonic_seconds(self) -> float:
        """Seconds of a clock that never goes back, and what was leapt."""
        return self._real.monotonic_seconds() + self._ahead

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        """Wait on the event in real time."""
        return self._real.wait(event, timeout_seconds)

    def leap(self, seconds: float) -> None:
        """Let time go by at once."""
        self._ahead += seconds


def eventually(is_so: Callable[[], bool], timeout_seconds: float = WAIT_SECONDS) -> bool:
    """Return True once something that other threads do has come, False when the time is over."""
    clock = SystemClock()
    deadline, pause = clock.monotonic_seconds() + timeout_seconds, threading.Event()
    while not is_so():
        if clock.monotonic_seconds() > deadline:
            return False
        clock.wait(pause, 0.03)
    return True


def container(
    name: str = "main",
    cpu: str = "100m",
    memory: str = "64Mi",
    *,
    claims: Sequence[str] = (),
    sidecar: bool = False,
    **more: object,
) -> dict[str, Any]:
    """Return a container whose limits are its requests; *more* are its devices, as `gpu=1` for example.com/gpu."""
    limits = {"cpu": cpu, "memory": memory, **{f"example.com/{each}": str(count) for each, count in more.items()}}
    found: dict[str, Any] = {"name": name, "resources": {"limits": limits}}
    if claims:
        found["resources"]["claims"] = [{"name": claim} for claim in claims]
    if sidecar:
        found["restartPolicy"] = "Always"
    return found


def manifest(
    name: str,
    *containers: Mapping[str, Any],
    inits: Sequence[Mapping[str, Any]] = (),
    claims: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a pod whose uid is its name; *claims* are objects by their name within the pod."""
    spec: dict[str, Any] = {"containers": list(containers or [container()])}
    if inits:
        spec["initContainers"] = list(inits)
    if claims:
        spec["resourceClaims"] = [{"name": key, "resourceClaimName": value} for key, value in claims.items()]
    return {"metadata": {"namespace": "default", "name": name, "uid": name}, "spec": spec}


class OddPlugin:
    """A plugin with one device, `x`, one of whose methods fails."""

    def __init__(self, resource: str, directory: Path, fails: str, options: PluginOptions) -> None:
        """Serve nothing yet."""
        self._resource, self._directory, self._fails = resource, directory, fails
        self._options = pb.DevicePluginOptions(
            pre_start_required=options.pre_start_required,
            get_preferred_allocation_available=options.get_preferred_allocation_available,
        )
        unary = grpc.unary_unary_rpc_method_handler
        methods: dict[str, Handler] = {
            "GetDevicePluginOptions": unary(self._say_options, None, pb.DevicePluginOptions.SerializeToString),
            "ListAndWatch": grpc.unary_stream_rpc_method_handler(
                self._list, None, pb.ListAndWatchResponse.SerializeToString
            ),
            "GetPreferredAllocation": unary(self._answer(pb.PreferredAllocationResponse)),
            "Allocate": unary(self._answer(pb.AllocateResponse(container_responses=[{}]))),
            "PreStartContainer": unary(self._answer(pb.PreStartContainerResponse)),
        }
        methods[fails] = unary(self._fail)
        self._server = UnixServer(directory / f"odd-{fails}.sock", [Services({DEVICE_PLUGIN: methods})], threads=4)

    def __enter__(self) -> Self:
        """Serve, then register."""
        self._server.start()
        request = pb.RegisterRequest(
            version="v1beta1", endpoint=self._server.path.name, resource_name=self._resource, options=self._options
        )
        kubelet = Connection(self._directory / "kubelet.sock")
        kubelet.call("/v1beta1.Registration/Register", request, pb.Empty, WAIT_SECONDS)
        kubelet.close()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.stop()

    def _say_options(self, _request: bytes, _context: grpc.ServicerContext) -> pb.DevicePluginOptions:
        return self._options

    def _list(self, _request: bytes, context: grpc.ServicerContext) -> Iterator[pb.ListAndWatchResponse]:
        yield pb.ListAndWatchResponse(devices=[pb.Device(ID=each, health="Healthy") for each in ("x", "y")])
        over = threading.Event()
        if context.add_callback(over.set):
            over.wait()

    def _answer(self, answer: Any) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        text = (answer() if isinstance(answer, type) else answer).SerializeToString()
        return lambda _request, _context: text

    def _fail(self, _request: bytes, context: grpc.ServicerContext) -> NoReturn:
        context.abort(grpc.StatusCode.INTERNAL, f"no {self._fails} today")


@dataclass(frozen=True, slots=True)
class Bench:
    """A Device Manager with plugins, and as many kubelets in front of it as a test wants."""

    devices: DeviceManager
    directory: Path
    plugins: Mapping[str, SamplePlugin]

    def kubelet(self, release: int = 36, settings: str = "", more: str = "") -> Kubelet:
        """Return a kubelet without pods; CPUs 0 and 4 are reserved."""
        head = f'kubelet: {{release: "1.{release}", cpu_manager: {{reserved: "0,4"}}, {settings}}}\n'
        scenario = parse_scenario(f"{head}{NUMA}{CLAIMS}{more}", "test")
        return Kubelet(scenario, node_at(scenario, 0).topology, self.devices)


@contextmanager
def bench(
    stated: Mapping[str, Mapping[str, DeviceState]] = STATED, options: PluginOptions | None = None
) -> Iterator[Bench]:
    """Yield a Device Manager with which a plugin of each resource has registered."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pr")))
        clock = SystemClock()
        devices = stack.enter_context(DeviceManager(root, clock, watch_seconds=None))
        directory = devices.socket_path.parent
        plugins = {}
        for resource, states in stated.items():
            plugin = SamplePlugin(
                resource,
                states,
                directory,
                clock,
                options=options or PluginOptions(get_preferred_allocation_available=True),
            )
            plugin.look()
            stack.callback(plugin.stop)
            plugins[resource] = plugin
        assert devices.wait_until(lambda: stated.keys() <= devices.known().keys(), WAIT_SECONDS)
        yield Bench(devices, directory, plugins)


RESOURCES = """
resources:
  - {name: example.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}, {id: GPU-1, numa_nodes: [1]}]}
  - name: example.com/odd
    devices: [{id: "-1", numa_nodes: [-1]}, {id: none, numa_nodes: []}, {id: ill, healthy: false}]
  - {name: example.com/real, external: true}
"""


def spec(*, cpu: str = "100m", gpu: int = 0) -> str:
    """Return a spec with one container, as it stands in a scenario."""
    limits = f"{{cpu: {cpu}, memory: 64Mi, example.com/gpu: {gpu}}}"
    return f"spec: {{containers: [{{name: main, resources: {{limits: {limits}}}}}]}}"


@contextmanager
def live_node(
    directory: Path, more: str = "", release: int = 36, kubelet: str = ""
) -> Iterator[tuple[LiveNode, LeapClock]]:
    """Yield a node that plays, and its clock; without a *kubelet* of the scenario's own CPUs 0 and 4 are reserved."""
    clock = LeapClock()
    settings = kubelet or f'kubelet: {{release: "1.{release}", cpu_manager: {{reserved: "0,4"}}}}'
    head = f"node: n1\n{settings}\n"
    with LiveNode(parse_scenario(f"{head}{NUMA}{CLAIMS}{RESOURCES}{more}", "test"), directory, clock) as node:
        yield node, clock


def statuses(node: LiveNode) -> dict[str, Any]:
    """Return the status of each pod in the store, by name."""
    return {pod["metadata"]["name"]: pod["status"] for pod in node.store.read(PODS)[0]}


def phases(node: LiveNode) -> dict[str, str]:
    """Return the phase of each pod in the store, by name."""
    return {name: status["phase"] for name, status in statuses(node).items()}


def ids(devices: Iterable[Any]) -> list[str]:
    """Return the device ids of what a container holds."""
    return [device.device_id for device in devices]
