"""The kubelet race of List and Allocate, which gives one device to two pods; plugins block Allocate on request."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live_bench import GPU, NUMA, Bench, LeapClock, bench, container, eventually, ids, manifest
from sim_client import ALLOCATABLE, GET, LIST, Reply, ask, get_request

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.devices import DeviceState, PluginOptions
from podres_exporter.sim.live import Kubelet, LiveNode, Phase
from podres_exporter.sim.plugin.sample import SamplePlugin

STATES = {f"GPU-{number}": DeviceState((0,)) for number in range(3)}


class GateClock(SystemClock):
    """The machine's clock, on which an Allocate waits until the gate opens."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.arrived = threading.Event()

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        if timeout_seconds:
            self.arrived.set()
            self.gate.wait(60)
        return event.is_set()


class SlowPlugin:
    """The plugin of the GPUs; from `slow` on its Allocate waits for the gate."""

    def __init__(self, directory: Path) -> None:
        self.clock = GateClock()
        self.clock.gate.set()
        self._plugin = SamplePlugin(GPU, STATES, directory, self.clock, options=PluginOptions())

    def start(self) -> None:
        self._plugin.look()

    def stop(self) -> None:
        self.clock.gate.set()
        self._plugin.stop()

    @contextmanager
    def in_allocate(self, begin: Callable[[], object]) -> Iterator[None]:
        """Let *begin* run into an Allocate that lasts as long as the block."""
        self._plugin.allocate_seconds = 1.0
        self.clock.gate.clear()
        self.clock.arrived.clear()
        thread = threading.Thread(target=begin)
        thread.start()
        assert self.clock.arrived.wait(60), "nobody called Allocate"
        yield
        self._plugin.allocate_seconds = 0.0
        self.clock.gate.set()
        thread.join()


@pytest.fixture(name="node")
def a_node() -> Iterator[tuple[Bench, SlowPlugin]]:
    with bench(stated={}) as found:
        plugin = SlowPlugin(found.directory)
        plugin.start()
        assert found.devices.wait_until(lambda: GPU in found.devices.known(), 30)
        yield found, plugin
        plugin.stop()


def gpu(kubelet: Kubelet, name: str) -> list[str]:
    return [each for held in kubelet.held(name) for each in ids(held.devices)]


def admit(kubelet: Kubelet, name: str) -> list[str]:
    """Admit a pod that asks for one GPU, and return what it holds."""
    kubelet.admit(manifest(name, container(gpu=1)))
    return gpu(kubelet, name)


def two_then_one(kubelet: Kubelet) -> None:
    """Leave GPU-0 free and GPU-1 with the pod `old`, so that the next pod gets GPU-0."""
    admit(kubelet, "older")
    admit(kubelet, "old")
    kubelet.remove("older")


LOOKS: dict[str, Callable[[Kubelet], object]] = {
    "nobody": lambda _: None,
    "Get and GetAllocatableResources": lambda kubelet: kubelet.known(),
    "List": lambda kubelet: kubelet.listed(),
}


@pytest.mark.parametrize(
    ("look", "release", "doubled"),
    [
        ("nobody", 36, False),
        ("Get and GetAllocatableResources", 36, False),
        ("List", 20, True),
        ("List", 29, True),
        ("List", 33, True),
        ("List", 36, True),
        ("List", 37, True),
        ("List", 38, False),
    ],
)
def test_a_list_within_an_allocate_makes_the_kubelet_give_the_device_twice(
    node: tuple[Bench, SlowPlugin], look: str, release: int, doubled: bool
) -> None:
    """Old ends while Allocate for `a` runs; a List then forgets the reservation, and `b` gets it too (#137534)."""
    found, plugin = node
    kubelet = found.kubelet(release)
    two_then_one(kubelet)

    with plugin.in_allocate(lambda: admit(kubelet, "a")):
        kubelet.remove("old")
        LOOKS[look](kubelet)
    second = admit(kubelet, "b")

    assert ["GPU-0"] == gpu(kubelet, "a")
    assert (["GPU-0"] if doubled else ["GPU-1"]) == second


def test_a_list_with_nothing_to_remove_does_no_harm(node: tuple[Bench, SlowPlugin]) -> None:
    """AllocatedDevices is rebuilt only where a pod with devices has ended."""
    found, plugin = node
    kubelet = found.kubelet()
    two_then_one(kubelet)

    with plugin.in_allocate(lambda: admit(kubelet, "a")):
        kubelet.listed()
    kubelet.remove("old")
    kubelet.listed()

    assert ["GPU-1"] == admit(kubelet, "b")


def test_another_end_before_the_next_admission_heals_it(node: tuple[Bench, SlowPlugin]) -> None:
    """The next rebuild finds `a` in podDevices: what was forgotten is known again, unless another pod was faster."""
    found, plugin = node
    kubelet = found.kubelet()
    two_then_one(kubelet)
    admit(kubelet, "third")

    with plugin.in_allocate(lambda: admit(kubelet, "a")):
        kubelet.remove("old")
        kubelet.listed()
    kubelet.remove("third")
    given = [admit(kubelet, name) for name in "bcd"]

    assert ["GPU-2"] == gpu(kubelet, "a")
    assert [["GPU-0"], ["GPU-1"], []] == given


def test_before_the_sources_are_ready_a_list_frees_nothing(node: tuple[Bench, SlowPlugin]) -> None:
    """UpdateAllocatedDevices returns at once until every source has given its pods: the first Lists are harmless."""
    found, plugin = node
    kubelet = found.kubelet()
    two_then_one(kubelet)
    kubelet.restart()

    with plugin.in_allocate(lambda: admit(kubelet, "a")):
        kubelet.listed()
    # `older` was removed and `old` was not heard of since the restart: both still count, so `a` got the third.
    third, nobody = gpu(kubelet, "a"), sorted(pod.name for pod in kubelet.known())
    kubelet.sources_are_ready()

    assert (["GPU-2"], ["a"]) == (third, nobody)
    assert ["GPU-0"] == admit(kubelet, "b")


def test_a_pod_in_admission_is_listed_with_what_it_has_so_far(node: tuple[Bench, SlowPlugin]) -> None:
    """podManager.AddPod comes before admission; the device follows with the plugin's answer."""
    found, plugin = node
    kubelet = found.kubelet()

    with plugin.in_allocate(lambda: admit(kubelet, "a")):
        during = [(pod.name, ids(pod.containers[0].devices)) for pod in kubelet.listed()]
        live = kubelet.pod("a")
        phase = live and live.phase

    assert ([("a", [])], Phase.PENDING) == (during, phase)
    assert ["GPU-0"] == gpu(kubelet, "a")


def test_a_pod_that_is_removed_within_its_own_allocate_leaves_nothing(node: tuple[Bench, SlowPlugin]) -> None:
    """It was deleted before it ever ran: its devices go to the next."""
    found, plugin = node
    kubelet = found.kubelet()

    with plugin.in_allocate(lambda: admit(kubelet, "a")):
        kubelet.remove("a")

    assert () == kubelet.known()
    assert ["GPU-0"] == admit(kubelet, "b")


SCENARIO = f"""
node: n1
kubelet: {{release: "1.%d"}}
{NUMA}
resources:
  - {{name: {GPU}, allocate: 3600, devices: [{{id: GPU-0}}, {{id: GPU-1}}, {{id: GPU-2}}]}}
"""


def listed(reply: Reply) -> dict[str, list[str]]:
    pods = pb.ListPodResourcesResponse.FromString(reply.body).pod_resources
    return {pod.name: [each for row in pod.containers[0].devices for each in row.device_ids] for pod in pods}


@pytest.mark.parametrize(("release", "doubled"), [(36, True), (38, False)])
def test_the_socket_of_a_whole_node_plays_it(short_dir: Path, release: int, doubled: bool) -> None:
    """The scenario's Allocate takes an hour, which the test ends; List on the socket writes, the other calls do not."""
    with LiveNode(parse_scenario(SCENARIO % release, "test"), short_dir, LeapClock()) as node:
        plugin = node.plugins[GPU]

        def create(name: str, allocate_seconds: float) -> None:
            plugin.allocate_seconds = allocate_seconds
            metadata = {"namespace": "default", "name": name}
            node.store.create(PODS, {"metadata": metadata, "spec": manifest(name, container(gpu=1))["spec"]})

        for name in ("older", "old"):
            create(name, 0.0)
            node.settle()
        node.store.delete(PODS, "default", "older")
        allocated = plugin.calls["Allocate"]
        create("a", 2.0)
        assert eventually(lambda: plugin.calls["Allocate"] > allocated)
        pending = node.store.get(PODS, "default", "a")
        node.store.delete(PODS, "default", "old")
        ask(node.socket_path, ALLOCATABLE)
        one = pb.GetPodResourcesResponse.FromString(ask(node.socket_path, GET, get_request("a")).body).pod_resources
        during = listed(ask(node.socket_path, LIST))
        node.settle()
        create("b", 0.0)
        node.settle()
        afterwards = listed(ask(node.socket_path, LIST))

    assert ("n1", "Pending") == (pending["spec"]["nodeName"], pending["status"]["phase"])
    assert "startTime" not in pending["status"]
    assert ("a", 0) == (one.name, len(one.containers[0].devices))
    assert {"a": []} == during
    assert {"a": ["GPU-0"], "b": ["GPU-0"] if doubled else ["GPU-1"]} == afterwards
