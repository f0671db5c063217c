"""The pods known to a restarted kubelet, with an API server that is down, hanging or new."""

from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from live_bench import GPU, container, eventually, live_node, manifest, phases, spec
from sim_client import LIST, ask, pods_in

from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode

STATIC = f"{{name: proxy, static: true, {spec(gpu=1)}}}"


def listed(node: LiveNode) -> list[str]:
    return pods_in(ask(node.socket_path, LIST))


def pod(name: str, created: str = "2026-01-01T00:00:00Z", gpu: int = 0) -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name, "creationTimestamp": created}
    return {"metadata": metadata, "spec": manifest(name, container(gpu=gpu))["spec"]}


def test_a_kubelet_that_is_cut_off_knows_its_static_pods_alone(short_dir: Path) -> None:
    """OK and almost empty, for as long as the API server is away for it (measured, 1.36); then everything."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}, {STATIC}]") as (node, _):
        before = listed(node)
        node.cut_kubelet_off()
        running = listed(node)
        node.restart_kubelet()
        node.tick()
        away = listed(node)
        node.reconnect_kubelet()
        after = listed(node)

    assert ["a", "proxy-n1"] == before == running == after
    assert ["proxy-n1"] == away


def test_what_happened_meanwhile_is_caught_up_with(short_dir: Path) -> None:
    """One that was created meanwhile is admitted, one that was deleted is let go, and what was held stays held."""
    with live_node(short_dir) as (node, _):
        node.create(pod("old", gpu=1))
        node.create(pod("gone", gpu=1))
        node.cut_kubelet_off()
        node.store.delete(PODS, "default", "gone")
        node.create(pod("new", gpu=1))
        waits, still = phases(node)["new"], listed(node)
        node.reconnect_kubelet()
        found, names = phases(node), listed(node)

    assert ("Pending", ["gone", "old"]) == (waits, still)
    assert {"old": "Running", "new": "Running"} == found
    assert ["new", "old"] == names


def test_the_timeline_lets_pods_come_by_source_and_age(short_dir: Path) -> None:
    """Nothing but the static pod for a third of the window, then the oldest pods whatever their names, then all."""
    faults = "faults: [{kind: restart, at: 1000, duration: 100, window: 3000, plugins: 0}]"
    with live_node(short_dir, f"pods: [{STATIC}]\n{faults}") as (node, clock):
        for number, name in enumerate("dacb"):
            node.create(pod(name, f"2026-01-01T00:00:0{number}Z"))
        seen = []
        for seconds in (10, 1100, 1700, 600, 1100):
            clock.leap(seconds)
            node.tick()
            seen.append(listed(node))

    everything = ["a", "b", "c", "d", "proxy-n1"]
    assert [everything, ["proxy-n1"], ["d", "proxy-n1"], ["a", "d", "proxy-n1"], everything] == seen


def test_sources_are_ready_after_the_last_pod_of_the_set(short_dir: Path) -> None:
    """Until then no List frees what an ended pod held: that pod may only not have come yet."""
    faults = "faults: [{kind: restart, at: 1000, duration: 100, window: 3000, plugins: 0}]"
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}, {{name: b, {spec()}}}]\n{faults}") as (node, clock):
        clock.leap(1101)
        node.tick()
        listed(node)
        clock.leap(3000)
        node.tick()
        held = [device.device_id for each in node.pods.known() for device in each.containers[0].devices]

    assert ["GPU-0"] == held


def test_a_static_pod_has_a_mirror_with_another_uid(short_dir: Path) -> None:
    """The API server shows it; the kubelet has it from a file, knows it by config.hash, and lists it once."""
    with live_node(short_dir, f"pods: [{STATIC}]") as (node, _):
        mirror = node.store.get(PODS, "default", "proxy-n1")
        names = listed(node)
        held = node.pods.held(mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"])

    annotations: Mapping[str, str] = mirror["metadata"]["annotations"]
    assert ["proxy-n1"] == names
    assert "file" == annotations["kubernetes.io/config.source"]
    assert annotations["kubernetes.io/config.hash"] != mirror["metadata"]["uid"]
    assert "Running" == mirror["status"]["phase"]
    assert ["GPU-0"] == [device.device_id for device in held[0].devices]


def test_deleting_the_mirror_leaves_the_static_pod_running(short_dir: Path) -> None:
    """The kubelet makes it again; only the file ends the pod."""
    with live_node(short_dir, f"pods: [{{name: proxy, static: true, end: 500, {spec(gpu=1)}}}]") as (node, clock):
        first = node.store.get(PODS, "default", "proxy-n1")["metadata"]["uid"]
        node.store.delete(PODS, "default", "proxy-n1")
        names = listed(node)
        node.tick()
        second = node.store.get(PODS, "default", "proxy-n1")
        clock.leap(600)
        node.tick()
        end, after = phases(node), listed(node)

    assert ["proxy-n1"] == names
    assert first != second["metadata"]["uid"]
    assert "Running" == second["status"]["phase"]
    assert ({}, []) == (end, after)


def test_a_double_is_played_on_request(short_dir: Path) -> None:
    """While the fault lasts, each pod that requests the resource gets the device that another one holds."""
    fault = f"faults: [{{kind: double, at: 100, duration: 100, resource: {GPU}, device: GPU-0}}]"
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]\n{fault}") as (node, clock):
        clock.leap(110)
        node.tick()
        node.create(pod("b", gpu=1))
        doubly = {each.name: [d.device_id for d in each.containers[0].devices] for each in node.pods.known()}
        clock.leap(100)
        node.tick()
        node.store.delete(PODS, "default", "a")
        node.create(pod("c", gpu=1))
        held = {each.name: [d.device_id for d in each.containers[0].devices] for each in node.pods.known()}

    assert {"a": ["GPU-0"], "b": ["GPU-0"]} == doubly
    assert {"b": ["GPU-0"], "c": ["GPU-1"]} == held


def _answer(node: LiveNode, seconds: float = 5) -> tuple[int, str]:
    address = node.api.url.removeprefix("http://")
    connection = HTTPConnection(address, timeout=seconds)
    try:
        connection.request("GET", "/api/v1/pods")
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_young_api_server_does_not_find_its_roles(short_dir: Path) -> None:
    """RBAC's reason says so, which tells it from a right that is missing; half a minute later all is well."""
    with live_node(short_dir, "faults: [{kind: api_young, at: 100, duration: 100}]") as (node, clock):
        well = _answer(node)[0]
        clock.leap(110)
        node.tick()
        code, body = _answer(node)
        clock.leap(100)
        node.tick()
        again = _answer(node)[0]

    assert (200, 403, 200) == (well, code, again)
    assert (
        'cannot list resource \\"pods\\" in API group \\"\\" at the cluster scope: '
        'RBAC: [clusterrole.rbac.authorization.k8s.io \\"podres-exporter\\" not found, '
    ) in body


def test_a_half_open_api_server_takes_connections_and_says_nothing(short_dir: Path) -> None:
    """Neither does the kubelet hear of pods: one that is restarted meanwhile has none."""
    faults = "[{kind: api_half_open, at: 100, duration: 1000}, {kind: restart, at: 200, duration: 1, window: 0}]"
    with live_node(short_dir, f"pods: [{{name: a, {spec()}}}]\nfaults: {faults}") as (node, clock):
        clock.leap(150)
        node.tick()
        running = listed(node)
        clock.leap(100)
        node.tick()
        restarted = listed(node)
        try:
            answered = _answer(node, seconds=0.3)[0]
        except TimeoutError:
            answered = 0
        clock.leap(1000)
        node.tick()
        back = eventually(lambda: _answer(node)[0] == 200)
        after = listed(node)

    assert (["a"], [], ["a"]) == (running, restarted, after)
    assert (0, True) == (answered, back)
