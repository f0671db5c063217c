"""The simulated node of a storm: pods, plugins, kubelet and API server, and faults of each."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import grpc
from eventually import eventually
from node_rig import container, pod
from sim_client import LIST, ask
from storm.clock import NodeClock, StormClock
from storm.facts import Containers, Facts, PodKey, Stock, Truth, containers_of, told_facts, told_stock, truth_of

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Pod
from podres_exporter.scenario import KubeletSettings, parse_scenario
from podres_exporter.sim import RpcFault, StateAnswers
from podres_exporter.sim.api import ANY, PODS, Drop, Fail, Hang, StatusError, StreamFault, kubeconfig
from podres_exporter.sim.devices import DeviceState
from podres_exporter.sim.live import LiveNode, LivePod
from podres_exporter.sim.podsapi.broadcast import StreamEnd
from podres_exporter.sim.podsapi.server import CUT, GATE_OFF, NOT_READY

GPU, NIC, FPGA = "example.com/gpu", "example.com/nic", "example.com/fpga"
DEVICES: Mapping[str, Mapping[str, tuple[int, ...] | None]] = {
    GPU: {f"gpu-{number}": (number // 4,) for number in range(8)},
    NIC: {f"nic-{number}": None for number in range(6)},
    FPGA: {"fpga-0": (0, 1), "fpga-1": (1,), "fpga-2": (0,)},
}
SCENARIO = """
node: n1
kubelet:
  release: "1.%d"
  pods_api: %s
  cpu_manager: {reserved: "0,8"}
  memory_manager: {policy: Static, reserved: {0: 1Gi, 1: 1Gi}}
numa:
  - {node: 0, cpus: "0-7", memory: 8Gi}
  - {node: 1, cpus: "8-15", memory: 8Gi}
resources:
"""

SHAPES: tuple[tuple[list[dict[str, Any]], list[dict[str, Any]]], ...] = (
    ([], []),
    ([container("main", "2", {GPU: 1}, "1Gi")], []),
    ([container("main", "3", {GPU: 2, NIC: 1}, "512Mi"), container("side", devices={NIC: 1})], []),
    ([container("main", devices={FPGA: 1})], []),
    ([container("main", "1", memory="2Gi"), container("more", "1", {FPGA: 1}, "256Mi")], []),
    ([container("main", "1", {GPU: 1})], [container("first", "2", {GPU: 2})]),
    ([container("main", "1", {NIC: 1})], [container("car", "1", {GPU: 1}, restart="Always")]),
    ([container("main", devices={GPU: 4})], []),
    ([container("main", devices={GPU: 1}), container("log")], []),
)
"""Pods by number: containers and init containers."""


SHARES: Mapping[str, float | None] = {
    "empty": 0.0,
    "some": 0.8,
    "few": 0.6,
    "half": 0.5,
    "bare": None,
    "all": None,
    "nothing": 0.0,
}
"""
How much of the API server's pods a kubelet that has just started has, the oldest first; None is all of them.

The exporter's own pod is the oldest.
"""

OWN = ("monitoring", "exporter")

MAX_ANSWER_BYTES = 2**20
"""The largest answer of the kubelet that the exporter reads."""

BROKEN = "broken-n1"
"""The name of a static pod with a row that cannot be read."""

_LARGE = pb.ListPodResourcesResponse(
    pod_resources=[
        pb.PodResources(
            name="large",
            namespace="default",
            containers=[
                pb.ContainerResources(
                    devices=[pb.ContainerDevices(resource_name=GPU, device_ids=["x" * 2 * MAX_ANSWER_BYTES])]
                )
            ],
        )
    ]
).SerializeToString()
_BROKEN = (
    pb.ListPodResourcesResponse(
        pod_resources=[
            pb.PodResources(
                name=BROKEN,
                namespace="default",
                containers=[
                    pb.ContainerResources(
                        name="main", devices=[pb.ContainerDevices(resource_name=GPU, device_ids=["AAAA"])]
                    )
                ],
            )
        ]
    )
    .SerializeToString()
    .replace(b"\x12\x04AAAA", b"\x12\x7fAAAA")
)
"""A static pod, which a kubelet knows without its API server, with a device row that no protobuf library reads."""

SPOILT: Mapping[str, bytes | RpcFault] = {
    "large": _LARGE,
    "garbage": b"\xff\xff\xff garbage",
    "unavailable": RpcFault(grpc.StatusCode.UNAVAILABLE, "the storm"),
    "internal": RpcFault(grpc.StatusCode.INTERNAL, "the storm"),
    "disabled": RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API method disabled"),
    "unimplemented": RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown method for service v1.PodResourcesLister"),
    "throttled": RpcFault(grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit"),
}
ABSENT = frozenset({"disabled", "unimplemented"})
STREAM_ENDS: Mapping[str, StreamEnd] = {
    "cut": CUT,
    "gate off": GATE_OFF,
    "not ready": NOT_READY,
    "too slow": StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed"),
    "no such service": StreamEnd(grpc.StatusCode.UNIMPLEMENTED, "unknown service v1alpha1.Pods"),
}
REFUSALS: Mapping[str, Fail | Drop | Hang] = {
    "403": Fail(403),
    "401": Fail(401),
    "410": Fail(410),
    "429": Fail(429, 1),
    "500": Fail(500),
    "503": Fail(503),
    "drop": Drop(),
    "hang": Hang(),
}


@dataclass(slots=True)
class Heard:
    """What the kubelet has answered since this was last emptied."""

    lists: list[Facts] = field(default_factory=list)
    pods: list[int] = field(default_factory=list)
    stocks: list[Stock] = field(default_factory=list)
    gets: dict[PodKey, Facts] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget."""
        self.lists.clear()
        self.pods.clear()
        self.stocks.clear()
        self.gets.clear()


class Telling:
    """Answers of the kubelet; writes down what it says."""

    def __init__(self, node: "StormNode") -> None:
        """Answer what the kubelet knows at each call; List writes, as a kubelet's does."""
        self._node, live = node, node.live
        self._answers = StateAnswers(node.settings, live.state, Random(1), live.pods.update_devices)  # noqa: S311

    def list(self) -> bytes:
        """Return every pod of the view."""
        data = self._answers.list()
        self._node.heard.lists.append(told_facts(data))
        self._node.heard.pods.append(len(pb.ListPodResourcesResponse.FromString(data).pod_resources))
        return data + (_BROKEN if self._node.broken_rows else b"")

    def alpha_list(self) -> bytes:
        """Return every pod as v1alpha1 has it."""
        return self._answers.alpha_list()

    def allocatable(self) -> bytes:
        """Return what may be handed out."""
        data = self._answers.allocatable()
        self._node.heard.stocks.append(told_stock(data))
        return data

    def get(self, namespace: str, name: str) -> bytes:
        """Return one pod."""
        data = self._answers.get(namespace, name)
        answer = pb.GetPodResourcesResponse.FromString(data)
        listing = pb.ListPodResourcesResponse(pod_resources=[answer.pod_resources])
        self._node.heard.gets[namespace, name] = told_facts(listing.SerializeToString())
        return data


class StormNode:
    """Every method does one thing to the node and returns when it has happened."""

    def __init__(self, directory: Path, clock: StormClock, release: int, *, pods_api: bool = False) -> None:
        """Start the node, without pods; with its Pods API, if wanted."""
        self.clock = clock
        rows = [
            f"  - {{name: {resource}, devices: [{', '.join(_device(*each) for each in devices.items())}]}}"
            for resource, devices in DEVICES.items()
        ]
        scenario = parse_scenario(SCENARIO % (release, str(pods_api).lower()) + "\n".join(rows), "storm")
        self.settings: KubeletSettings = scenario.kubelet
        self.live = LiveNode(scenario, directory, NodeClock(clock))
        self.heard, self.broken_rows, self.births = Heard(), False, dict[int, float]()
        self.is_stalled, self.is_hanging, self.is_api_down = False, False, False
        self.spoilt: dict[str, str] = {}
        self.has_lacked_methods = False
        self._window: list[float | None] = []
        self._share: float | None = None
        self._heard: float | None = None
        self._then: float | None = None
        self._instances: dict[str, LivePod] = {}
        self._sick: set[tuple[str, str]] = set()
        self._gone: set[tuple[str, str]] = set()
        self.live.start()
        self.live.kubelet.answers = Telling(self)
        self._note_birth(-3600.0)
        own = {"namespace": OWN[0], "name": OWN[1], "creationTimestamp": "2026-01-01T00:00:00Z"}
        self.live.create({"metadata": own, "spec": {"nodeName": "n1", "containers": [{"name": "main"}]}})
        self.live.api.faults.oversized_line_bytes = 200_000
        self.kubeconfig = directory / "config"
        self.kubeconfig.write_text(kubeconfig(self.live.api.url, None))
        self._wait_for_plugins()

    def stop(self) -> None:
        """End everything."""
        self.live.kubelet.resume()
        self.live.api.faults.clear()
        self.live.stop()

    def truth(self) -> Truth:
        """Return the truth of this moment: what living pods hold, and what the kubelet may list besides."""
        return truth_of(self._holders(), self.live.holders(inits=True), self.live.state())

    def containers(self) -> Containers:
        """Return the containers that a List would have, which this is not: a List writes in the kubelet."""
        return containers_of(self.live.pods.known())

    def instances(self) -> dict[str, PodKey]:
        """Return the living pods by UID, those that the kubelet has heard of since its start first."""
        pods = self.live.pods
        heard = {uid: live for uid in pods.uids() if (live := pods.pod(uid)) is not None}
        before = {uid: live for uid, live in self._instances.items() if uid not in heard and pods.has_checkpoint(uid)}
        self._instances = heard | before
        return {
            uid: (live.request.namespace, live.request.name)
            for uid, live in self._instances.items()
            if live.phase in {"Pending", "Running"}
        }

    def has_heard_of(self, uid: str) -> bool:
        """Return whether the kubelet has heard of the pod since its start."""
        return self.live.pods.pod(uid) is not None

    def _holders(self) -> dict[str, Pod]:
        """Return the living pods by UID; the simulator tells them by name, in the order of `instances`."""
        uids = self.instances()
        pods: dict[PodKey, list[Pod]] = {}
        for each in self.live.holders().pods:
            pods.setdefault(each.key, []).append(each)
        return {uid: pods[key].pop(0) for uid, key in uids.items()}

    def listed(self) -> Facts:
        """Return what a List of our own says."""
        return told_facts(ask(self.live.socket_path, LIST).body)

    def phases(self) -> dict[PodKey, tuple[str, str]]:
        """Return uid and phase of every pod of the node; one for which there is no room yet is of no node."""
        return {
            (pod["metadata"]["namespace"], pod["metadata"]["name"]): (pod["metadata"]["uid"], pod["status"]["phase"])
            for pod in self.live.store.read(PODS)[0]
            if pod["spec"].get("nodeName")
        }

    def pods(self) -> dict[PodKey, tuple[str, bool]]:
        """Return uid, and whether it has ended, of every pod of the node."""
        return {key: (uid, phase in {"Succeeded", "Failed"}) for key, (uid, phase) in self.phases().items()}

    # Pods

    def create(self, name: str, shape: int) -> None:
        """Create a pod; nothing happens where the name is taken."""
        apps, inits = SHAPES[shape % len(SHAPES)]
        try:
            self.live.create(pod(name, *apps, init=inits))
        except StatusError:
            return

    def delete(self, name: str) -> None:
        """Delete a pod, if it is there."""
        try:
            self.live.store.delete(PODS, "default", name)
        except StatusError:
            return

    def recreate(self, name: str, shape: int) -> None:
        """Delete a pod and create another of its name, before anybody looks."""
        self.delete(name)
        self.create(name, shape)

    def finish(self, name: str) -> None:
        """Let the containers of a pod end by themselves."""
        try:
            self.live.finish("default", name)
        except StatusError:
            return

    # Plugins

    def kill_plugin(self, resource: str) -> None:
        """Let the plugin of a resource crash."""
        if resource in self.live.plugins:
            self.live.stop_plugin(resource)
            self._wait_for_plugins()

    def start_plugin(self, resource: str) -> None:
        """Start it again."""
        if resource not in self.live.plugins:
            self.live.start_plugin(resource)
            self._publish(resource)

    def sicken(self, resource: str, number: int) -> None:
        """Let a device fall sick."""
        self._sick.add(self._device(resource, number))
        self._publish(resource)

    def heal(self, resource: str) -> None:
        """Let all devices of a resource be well."""
        self._sick -= {each for each in self._sick if each[0] == resource}
        self._publish(resource)

    def remove_device(self, resource: str, number: int) -> None:
        """Let the plugin name a device no more."""
        self._gone.add(self._device(resource, number))
        self._publish(resource)

    def restore_devices(self, resource: str) -> None:
        """Let it name all again."""
        self._gone -= {each for each in self._gone if each[0] == resource}
        self._publish(resource)

    # The kubelet

    @property
    def serving(self) -> bool:
        """Whether the kubelet's socket has a server."""
        return self.live.kubelet.serving

    @property
    def is_well(self) -> bool:
        """Whether every call would be answered well now, as far as the release has it."""
        kubelet = self.live.kubelet
        faulty = self.is_hanging or kubelet.throttled or self.spoilt or self.broken_rows or self.has_lacked_methods
        return kubelet.serving and not faulty

    def restart_kubelet(self, window: list[str], then: str) -> None:
        """
        Restart the kubelet; at the polls after that it knows the shares of *window* in turn, and then that.

        With *half* it stays with a part of its pods, as where the admission of one of them takes long.
        """
        self.live.kubelet.kill()
        self.instances()
        self.has_lacked_methods = any(how in ABSENT for how in self.spoilt.values())
        self._window = [SHARES[view] for view in window]
        self._then = SHARES[then] if then in {"all", "bare", "half"} else 0.0
        self._let_hear(0.0)
        self.live.restart_kubelet()
        self._look_around()
        self._note_birth()
        if not self._window:
            self._let_hear(self._then)

    def go_on_hearing(self, *, before: bool) -> None:
        """Let a kubelet that has restarted know more *before* a poll; a part of its window is no state for long."""
        if self._window and before:
            self._share = self._window.pop(0)
            self._let_hear(self._share)
        elif not before and (not self._window or self._share):
            self._window.clear()
            self._let_hear(self._then)

    @property
    def knows_its_pods(self) -> bool:
        """Whether the kubelet has had the API server's pods since its start."""
        return self._heard is None

    def kubelet_age(self) -> float:
        """Return how many seconds ago the kubelet that runs, or ran last, made its socket."""
        return self.clock.monotonic_seconds() - self._born

    def _let_hear(self, share: float | None) -> None:
        """Let the kubelet have a share of the API server's pods, None for all."""
        self._heard = share
        self.live.let_kubelet_hear(share)

    def kill_kubelet(self, *, with_socket: bool) -> None:
        """Stop the kubelet; the socket file stays, or goes too."""
        if with_socket:
            self.live.kubelet.stop()
        else:
            self.live.kubelet.kill()

    def recall(self) -> None:
        """Let the kubelet know everything again."""
        self._window, self._then = [], None
        self._let_hear(None)

    def double(self, number: int, name: str) -> None:
        """Let a new pod get a device that another one holds, if there is one: an error that kubelets make."""
        self.delete(name)
        held = sorted({(fact[4], fact[5]) for fact in self.truth().facts if fact[0] == "device"})
        if held:
            resource, device = held[number % len(held)]
            self.live.pods.double(resource, device)
            self.live.create(pod(name, container("main", devices={resource: 1})))
            self.live.pods.double(resource, None)

    def hang(self, *, on: bool) -> None:
        """Let the kubelet's calls hang, or go on."""
        self.is_hanging = on
        (self.live.kubelet.hang if on else self.live.kubelet.resume)()

    def throttle(self, *, on: bool) -> None:
        """Let the kubelet reject every call, or not."""
        self.live.kubelet.throttled = on

    def spoil(self, method: str, how: str) -> None:
        """Let one method fail in some way of SPOILT."""
        self.spoilt[method] = how
        self.has_lacked_methods |= how in ABSENT
        self.live.kubelet.override(method, SPOILT[how])

    def mend(self) -> None:
        """Let every method answer again."""
        for method in self.spoilt:
            self.live.kubelet.clear_override(method)
        self.spoilt.clear()
        self.broken_rows = False

    # The API server

    def refuse(self, verb: str, how: str) -> None:
        """Let requests of a verb fail in some way of REFUSALS, and cut what is open."""
        verb = "list" if how == "hang" else verb  # a watch that hangs is a stall, see break_watch
        self.live.api.faults.on_requests(ANY if verb == "any" else verb, REFUSALS[how])

    def cut(self) -> None:
        """Cut every connection to the API server."""
        self.live.api.drop_connections()
        self.is_stalled = False

    def break_watch(self, how: str) -> bool:
        """Let something happen to the watch that is open; False where none is."""
        if self.live.api.faults.open_watches == 0 or self.is_stalled:
            return False
        self.live.api.faults.on_open_watches(StreamFault[how])
        self.is_stalled = how == "STALL"
        return not self.is_stalled

    def api_down(self) -> None:
        """Make the API server unreachable."""
        self.live.api.go_down()
        self.is_api_down, self.is_stalled = True, False

    def mend_api(self) -> None:
        """Let the API server be well."""
        self.live.api.faults.clear()
        self.live.api.start()
        self.is_api_down, self.is_stalled = False, False

    def compact(self) -> None:
        """Let the API server forget what has been, so that watches cannot go on from there."""
        self.live.store.compact()

    # The Pods API

    def refuse_pods_api(self, how: str) -> None:
        """Let the Pods API refuse in some way of STREAM_ENDS, and end the stream that is open."""
        self.live.pods_api.server.refusal = STREAM_ENDS[how]
        self.end_stream(how)

    def end_stream(self, how: str) -> None:
        """End the stream that is open; another one may be opened at once."""
        self.live.pods_api.server.broadcast.end(STREAM_ENDS[how])

    def kill_pods_api(self) -> None:
        """Let nobody listen on the socket of the Pods API."""
        self.live.pods_api.kill()

    def mend_pods_api(self) -> None:
        """Let the Pods API be well, where the kubelet runs."""
        self.live.pods_api.server.refusal = None
        if self.serving and not self.live.pods_api.server.serving:
            self.live.pods_api.start()
            self.births[self.live.pods_api.socket_path.stat().st_mtime_ns] = self.clock.wall_seconds()

    def told_phases(self) -> dict[PodKey, tuple[str, str]]:
        """Return uid and phase of the pods of the API server that the kubelet has heard of."""
        return {key: each for key, each in self.phases().items() if self.live.pods.pod(each[0]) is not None}

    def _publish(self, resource: str) -> None:
        """Let the plugin say what it has, if it runs."""
        plugin = self.live.plugins.get(resource)
        if plugin is not None:
            plugin.publish(
                {
                    name: DeviceState(nodes, (resource, name) not in self._sick)
                    for name, nodes in DEVICES[resource].items()
                    if (resource, name) not in self._gone
                }
            )
            plugin.look()
        self._wait_for_plugins()

    def _look_around(self) -> None:
        """Let every plugin see that the kubelet is a new one."""
        for plugin in list(self.live.plugins.values()):
            plugin.look()
        self._wait_for_plugins()

    def _wait_for_plugins(self) -> None:
        """Wait until the kubelet has from the plugins what they say; then the API server is told."""

        def is_so() -> bool:
            healthy = self.live.devices.healthy()
            return all(
                set(healthy.get(resource, ()))
                == (
                    {name for name in devices if not {(resource, name)} & (self._sick | self._gone)}
                    if resource in self.live.plugins
                    else set()
                )
                for resource, devices in DEVICES.items()
            )

        if not eventually(is_so, 5000):
            raise TimeoutError(f"the simulated plugins do not settle: {self.live.devices.healthy()}")
        self.live.tick()

    def _device(self, resource: str, number: int) -> tuple[str, str]:
        names = list(DEVICES[resource])
        return resource, names[number % len(names)]

    def _note_birth(self, by_seconds: float = 0.0) -> None:
        self._born = self.clock.monotonic_seconds() + by_seconds
        for path in (self.live.socket_path, self.live.pods_api.socket_path):
            if path.exists():
                self.births[path.stat().st_mtime_ns] = self.clock.wall_seconds() + by_seconds


def _device(name: str, nodes: tuple[int, ...] | None) -> str:
    place = "" if nodes is None else f", numa_nodes: {list(nodes)}"
    return f"{{id: {name}{place}}}"


NEVER = threading.Event()
"""Is never set; for pauses in real time."""
