"""A plugin whose PreStartContainer fails: the pod keeps its devices and the call is retried."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_bench import eventually, statuses
from node_rig import container, pod
from plain_plugin import PlainPlugin, device, register
from sim_client import LIST, ask

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as plugin_pb
from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.live.pod_workers import RETRY_SECONDS

CARD = "example.com/card"
SCENARIO = f"""
node: n1
kubelet: {{release: "1.36"}}
numa: [{{node: 0, cpus: "0-1", memory: 1Gi}}]
resources: [{{name: {CARD}, external: true}}]
"""
TEXT = "device plugin PreStartContainer rpc failed with err: rpc error: code = Unknown desc = not today"


class RetryClock(SystemClock):
    """The machine's clock, on which the time until a retry is over when the test says so."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.waits: list[float] = []

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        if timeout_seconds < RETRY_SECONDS:
            return super().wait(event, timeout_seconds)
        self.waits.append(timeout_seconds)
        while not event.wait(0.02):
            if self.is_over.is_set():
                return False
        return True


@contextmanager
def node_and_plugin(directory: Path) -> Iterator[tuple[LiveNode, PlainPlugin, RetryClock]]:
    clock = RetryClock()
    with LiveNode(parse_scenario(SCENARIO, "test"), directory, clock) as node:
        kubelet = node.devices.socket_path
        plugin = PlainPlugin(kubelet.with_name("card.sock"), device("a", 0), device("b", 0))
        plugin.options = plugin_pb.DevicePluginOptions(pre_start_required=True)
        try:
            register(kubelet, plugin.serve().path.name, CARD)
            assert node.devices.wait_until(lambda: CARD in node.devices.known(), 10)
            yield node, plugin, clock
        finally:
            plugin.close()


def prestarts(plugin: PlainPlugin) -> int:
    return sum(method == "PreStartContainer" for method, _ in plugin.asked)


def state(node: LiveNode, name: str, rows: str = "containerStatuses") -> list[dict[str, Any]]:
    return [row["state"] for row in statuses(node)[name][rows]]


def held(node: LiveNode) -> dict[str, list[str]]:
    answer = pb.ListPodResourcesResponse.FromString(ask(node.kubelet.socket_path, LIST).body)
    return {
        each.name: [found for one in each.containers for row in one.devices for found in row.device_ids]
        for each in answer.pod_resources
    }


def test_a_pod_whose_plugin_refuses_waits_with_its_device_and_starts_when_it_agrees(short_dir: Path) -> None:
    """Measured on 1.36.3: Pending, CreateContainerConfigError, device held and listed, called again."""
    with node_and_plugin(short_dir) as (node, plugin, clock):
        plugin.errors["PreStartContainer"] = "not today"
        status = node.create(pod("first", container("main", devices={CARD: 1}), container("beside")))["status"]
        node.create(pod("second", container(devices={})))

        assert "Pending" == status["phase"]
        waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": TEXT}}
        assert eventually(lambda: "Running" == statuses(node)["second"]["phase"])
        assert waiting == state(node, "first")[0]
        assert "running" in state(node, "first")[1]
        conditions = {each["type"]: each for each in statuses(node)["first"]["conditions"]}
        assert ("True", "False") == (conditions["Initialized"]["status"], conditions["Ready"]["status"])
        assert "containers with unready status: [main]" == conditions["Ready"]["message"]
        assert 1 == len(held(node)["first"])
        assert 1 == prestarts(plugin)

        plugin.errors.clear()
        clock.is_over.set()

        assert eventually(lambda: "Running" == statuses(node)["first"]["phase"])
        assert 2 == prestarts(plugin)
        assert 1 == sum(method == "Allocate" for method, _ in plugin.asked)
        assert [True] == [RETRY_SECONDS <= each <= 1.5 * RETRY_SECONDS for each in clock.waits]


def test_an_init_container_that_waits_holds_up_all_that_come_after_it(short_dir: Path) -> None:
    """SyncPod starts no container while an init container has not been created."""
    with node_and_plugin(short_dir) as (node, plugin, _):
        plugin.errors["PreStartContainer"] = "not today"
        node.create(pod("a", container("main"), init=[container("init", devices={CARD: 1})]))

        assert [{"waiting": {"reason": "PodInitializing"}}] == state(node, "a")
        assert "CreateContainerConfigError" == state(node, "a", "initContainerStatuses")[0]["waiting"]["reason"]
        initialized = next(each for each in statuses(node)["a"]["conditions"] if each["type"] == "Initialized")
        assert "False" == initialized["status"]


@pytest.mark.parametrize("ends", ["delete", "restart"])
def test_a_pod_that_has_gone_is_not_started_again_and_a_restarted_kubelet_starts_at_once(
    short_dir: Path, ends: str
) -> None:
    """After a restart no plugin has options until it registers again: readCheckpoint, newStoppedEndpointImpl."""
    with node_and_plugin(short_dir) as (node, plugin, clock):
        plugin.errors["PreStartContainer"] = "not today"
        node.create(pod("a", container("main", devices={CARD: 1})))

        if ends == "delete":
            node.store.delete(PODS, "default", "a")
            clock.is_over.set()
            node.create(pod("b", container("main", devices={CARD: 2})))

            assert eventually(lambda: 2 == prestarts(plugin))
            assert 2 == len(held(node)["b"])
        else:
            plugin.errors.clear()
            node.restart_kubelet()
            node.settle()
            assert eventually(lambda: "Running" == statuses(node)["a"]["phase"])
            assert 1 == len(held(node)["a"])
            assert 1 == prestarts(plugin)
