"""The live node as a whole."""

import json
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import kubernetes.client
import pytest
from live_bench import GPU, NUMA, RESOURCES, container, eventually, live_node, manifest, phases, spec, statuses
from node_rig import on_node
from sim_client import ALLOCATABLE, LIST, ask, pods_in

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cli.sim.node import make_node
from podres_exporter.clock import SystemClock
from podres_exporter.config.values import MAX_SOCKET_PATH_BYTES
from podres_exporter.errors import ConfigError
from podres_exporter.model import Device
from podres_exporter.scenario import Release, parse_scenario
from podres_exporter.sim.api import NODES, PODS, RESOURCE_CLAIMS, Event, EventType, StatusError
from podres_exporter.sim.live import LiveNode

ODD = "example.com/odd"


def allocatable(node: LiveNode) -> set[str]:
    """Return the ids in the answer to GetAllocatableResources."""
    reply = ask(node.socket_path, ALLOCATABLE)
    return {each for row in pb.AllocatableResourcesResponse.FromString(reply.body).devices for each in row.device_ids}


def listed(node: LiveNode) -> list[str]:
    return pods_in(ask(node.socket_path, LIST))


def held(node: LiveNode, name: str = "a") -> list[str]:
    """Return the ids that List has of a pod."""
    pods = pb.ListPodResourcesResponse.FromString(ask(node.socket_path, LIST).body).pod_resources
    return sorted(
        each
        for pod in pods
        if pod.name == name
        for found in pod.containers
        for row in found.devices
        for each in row.device_ids
    )


def health(node: LiveNode, name: str = "a") -> dict[str, str]:
    rows = statuses(node)[name]["containerStatuses"][0]["allocatedResourcesStatus"]
    return {each["resourceID"]: each["health"] for row in rows for each in row["resources"]}


def reachable(node: LiveNode) -> bool:
    try:
        with urlopen(f"{node.api.url}/api/v1/pods", timeout=60) as answer:  # noqa: S310 - http to our own server
            return int(answer.status) == 200
    except OSError:
        return False


def without_uid(pod: dict[str, Any]) -> dict[str, Any]:
    return {**pod, "metadata": {key: value for key, value in pod["metadata"].items() if key != "uid"}}


def test_the_node_and_its_claims_are_objects_of_the_cluster(short_dir: Path) -> None:
    """Capacity has what plugins registered, sick devices too; allocatable has those that can be handed out."""
    share = "claims: [{name: half, devices: [{driver: d, pool: p, device: x, share_id: s}]}]"
    scenario = parse_scenario(f"numa: [{{node: 0, cpus: 0-3, memory: 1Gi}}]\n{share}", "test")
    with live_node(short_dir) as (node, clock):
        status = node.store.get(NODES, "", "n1")["status"]
        claim = node.store.get(RESOURCE_CLAIMS, "default", "lane")
        other = short_dir / "other"
        with LiveNode(scenario, other, clock) as shared:
            result = shared.store.get(RESOURCE_CLAIMS, "default", "half")["status"]["allocation"]["devices"]["results"]

    pages = {"hugepages-1Gi": "0", "hugepages-2Mi": "0"}
    rest = {"memory": "8388608Ki", "pods": "110", "ephemeral-storage": "102400Mi", GPU: "2", **pages}
    assert {**rest, "cpu": "8", ODD: "3"} == status["capacity"]
    assert {**rest, "cpu": "6", ODD: "2"} == status["allocatable"]
    assert "v1.36.0" == status["nodeInfo"]["kubeletVersion"]
    pressures = {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}
    assert {**pressures, "Ready": "True"} == {each["type"]: each["status"] for each in status["conditions"]}
    lane = {"request": "devices", "driver": "dra.example.com", "pool": "p", "device": "lane-0"}
    assert [lane] == claim["status"]["allocation"]["devices"]["results"]
    assert [{"request": "devices", "driver": "d", "pool": "p", "device": "x", "shareID": "s"}] == result


def test_a_pod_of_the_scenario_is_admitted_before_start_returns(short_dir: Path) -> None:
    """Whoever asks the node after `start` sees the pods of second 0, in the API as in List."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (node, _):
        pod = node.store.get(PODS, "default", "a")
        names, ids = listed(node), held(node)

    assert ("Running", "n1") == (pod["status"]["phase"], pod["spec"]["nodeName"])
    assert {"GPU-0": "Healthy"} == {
        each["resourceID"]: each["health"]
        for row in pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"]
        for each in row["resources"]
    }
    assert (["a"], ["GPU-0"]) == (names, ids)


def test_pods_of_the_scenario_come_finish_go_and_come_again(short_dir: Path) -> None:
    """A life of 10 to 30 s that finishes at 20 s, every 40 s; each life is a pod of its own, with its own uid."""
    life = f"pods: [{{name: a, start: 10, finish: 20, end: 30, repeat: 40, {spec(gpu=1)}}}]"
    seen, uids = [], set()
    with live_node(short_dir, life) as (node, clock):
        for _ in range(6):
            node.tick()
            seen.append((phases(node).get("a"), held(node)))
            uids |= {pod["metadata"]["uid"] for pod in node.store.read(PODS)[0]}
            clock.leap(10.5)

    ids = ["GPU-0"]
    assert [(None, []), ("Running", ids), ("Succeeded", []), (None, []), (None, []), ("Running", ids)] == seen
    assert 2 == len(uids)


def test_a_pod_that_says_what_it_holds_is_not_admitted(short_dir: Path) -> None:
    """The managers decide here; SimNode plays the other kind of scenario."""
    numa = "numa: [{node: 0, cpus: 0-3, memory: 1Gi}]"
    scenario = parse_scenario(f"{numa}\npods: [{{name: a, containers: [{{name: main, cpus: '1'}}]}}]", "test")
    with live_node(short_dir) as (_, clock), LiveNode(scenario, short_dir / "b", clock) as node:
        stored, names = phases(node), listed(node)

    assert {} == stored
    assert [] == names


def test_a_node_that_cannot_start_leaves_nothing_behind(short_dir: Path) -> None:
    """The directory has room for the kubelet's sockets, but not for a plugin's: no port is kept, and no thread."""
    room = MAX_SOCKET_PATH_BYTES - len("/device-plugins/kubelet.sock")
    directory = short_dir / ("x" * (room - len(f"{short_dir}/")))
    scenario = parse_scenario(f"node: n1\n{NUMA}{RESOURCES}", "test")
    threads = set(threading.enumerate())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address: tuple[str, int] = free.getsockname()

    with (
        pytest.raises(ValueError, match="use a shorter one"),
        LiveNode(scenario, directory, SystemClock(), 0, None, address),
    ):
        pass

    assert threads >= set(threading.enumerate())
    with socket.socket() as again:
        again.bind(address)


def test_a_leap_over_the_end_of_a_life_makes_a_new_pod(short_dir: Path) -> None:
    """Who looks rarely sees the next life, not the last one still."""
    with live_node(short_dir, f"pods: [{{name: a, end: 30, repeat: 40, {spec()}}}]") as (node, clock):
        first = node.store.get(PODS, "default", "a")["metadata"]["uid"]
        clock.leap(45)
        node.tick()  # the end of the first
        node.tick()
        second = node.store.get(PODS, "default", "a")["metadata"]["uid"]

    assert first != second


def test_pods_come_and_go_by_themselves(short_dir: Path) -> None:
    """The node plays its timeline without being told, also one that has pods and no faults."""
    with live_node(short_dir, f"pods: [{{name: a, start: 100, {spec()}}}]") as (node, clock):
        before = phases(node)
        clock.leap(101)
        came = eventually(lambda: phases(node) == {"a": "Running"})

    assert {} == before
    assert came


@pytest.mark.parametrize("seconds", [20, 30])
def test_a_pod_that_somebody_deleted_does_not_stop_the_timeline(short_dir: Path, seconds: int) -> None:
    """Somebody with kubectl may delete a pod of the scenario before it finishes or ends; the others go on."""
    life = f"pods: [{{name: a, finish: 15, end: 25, {spec()}}}, {{name: b, start: 15, {spec()}}}]"
    with live_node(short_dir, life) as (node, clock):
        node.store.delete(PODS, "default", "a")
        clock.leap(seconds)
        node.tick()
        found = phases(node)

    assert {"b": "Running"} == found


def test_a_pod_that_somebody_made_in_its_place_is_left_alone(short_dir: Path) -> None:
    """The scenario finishes and ends its own pod, which is known by its uid, and not another one of that name."""
    life = f"pods: [{{name: a, finish: 15, end: 25, {spec()}}}]"
    with live_node(short_dir, life) as (node, clock):
        node.store.delete(PODS, "default", "a")
        node.create(without_uid(manifest("a")))
        clock.leap(20)
        node.tick()
        after_finish = phases(node)
        clock.leap(10)
        node.tick()
        after_end = phases(node)

    assert {"a": "Running"} == after_finish
    assert {"a": "Running"} == after_end


def test_a_name_that_is_taken_does_not_stop_the_timeline(short_dir: Path) -> None:
    """A pod of the scenario comes as soon as a pod created by a client under its name is deleted."""
    life = f"pods: [{{name: a, start: 10, {spec(gpu=1)}}}, {{name: b, start: 10, {spec()}}}]"
    with live_node(short_dir, life) as (node, clock):
        node.create(without_uid(manifest("a")))
        clock.leap(11)
        node.tick()
        meanwhile, holds = phases(node), held(node)
        node.store.delete(PODS, "default", "a")
        node.tick()
        afterwards = held(node)

    assert {"a": "Running", "b": "Running"} == meanwhile
    assert ([], ["GPU-0"]) == (holds, afterwards)


def test_a_pod_that_others_create_is_admitted_at_once(short_dir: Path) -> None:
    """When `create` returns, the pod's status says how it went; when `delete` does, its devices are free."""
    with live_node(short_dir) as (node, _):
        node.create(without_uid(manifest("a", container(gpu=2))))
        node.create(on_node(without_uid(manifest("b", container(gpu=1))), node))
        found, reason = phases(node), statuses(node)["b"]["reason"]
        node.store.delete(PODS, "default", "a")
        node.create(without_uid(manifest("c", container(gpu=1))))
        ids, names = held(node, "c"), listed(node)

    assert {"a": "Running", "b": "Failed"} == found
    assert "UnexpectedAdmissionError" == reason
    assert (["GPU-0"], ["c"]) == (ids, names)


def test_a_pod_of_another_node_is_none_of_ours(short_dir: Path) -> None:
    """Only pods without a node, which a scheduler would put here, and those of this node are admitted."""
    with live_node(short_dir) as (node, _):
        for name, where in {"here": "n1", "there": "n2", "unbound": ""}.items():
            pod = without_uid(manifest(name))
            pod["spec"]["nodeName"] = where
            node.create({**pod, "status": {"phase": "Pending"}})
        found, names = phases(node), listed(node)

    assert {"here": "Running", "there": "Pending", "unbound": "Running"} == found
    assert ["here", "unbound"] == names


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (None, "no attribute"),
        ("s", "no attribute"),
        ({"containers": [{"name": "c", "resources": {"limits": {"cpu": "two"}}}]}, "'two' is not a number of CPUs"),
        ({}, "'containers'"),
        ({"containers": 3}, "not iterable"),
        ({"containers": ["c"]}, "no attribute"),
    ],
)
def test_a_pod_that_cannot_be_read_has_failed(short_dir: Path, spec: object, text: str) -> None:
    """The API server of the simulation takes any object; its status says what the kubelet could not read."""
    with live_node(short_dir) as (node, _):
        node.create({"metadata": {"namespace": "default", "name": "a"}, "spec": spec})
        status, names = statuses(node)["a"], listed(node)
        node.store.delete(PODS, "default", "a")

    assert ("Failed", "InvalidPod") == (status["phase"], status["reason"])
    assert status["message"].startswith("the simulation cannot read it: ")
    assert text in status["message"]
    assert [] == names


def test_a_pod_that_has_gone_before_it_was_heard_of_is_not_kept(short_dir: Path) -> None:
    """Two threads may create and delete it at once: what the kubelet hears in the wrong order must not stay there."""
    scenario = parse_scenario(f"numa: [{{node: 0, cpus: 0-3, memory: 1Gi}}]\npods: [{{name: a, {spec()}}}]", "test")
    with live_node(short_dir) as (_, clock):
        node = LiveNode(scenario, short_dir / "b", clock)

        def delete_at_once(event: Event) -> None:
            if event.resource is PODS and event.type is EventType.ADDED:
                node.store.delete(PODS, "default", "a")

        node.store.subscribe(delete_at_once)
        with node:
            stored, known = phases(node), node.pods.listed()

    assert {} == stored
    assert () == known


def test_health_flows_to_the_kubelet_and_to_the_pods(short_dir: Path) -> None:
    """A sick device leaves GetAllocatableResources, stays in List, and the pod's status says Unhealthy (KEP-4680)."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (node, _):
        node.set_health(GPU, "GPU-0", healthy=False)
        left = eventually(lambda: allocatable(node) == {"GPU-1", "-1"})
        while_sick, ids = eventually(lambda: health(node) == {"GPU-0": "Unhealthy"}), held(node)
        sick = node.state().unhealthy
        node.set_health(GPU, "GPU-0", healthy=True)
        back = eventually(lambda: allocatable(node) == {"GPU-0", "GPU-1", "-1"})
        well = eventually(lambda: health(node) == {"GPU-0": "Healthy"})

    assert (True, True) == (left, back)
    assert (True, ["GPU-0"], True) == (while_sick, ids, well)
    assert (Device(GPU, "GPU-0", frozenset({0})), Device(ODD, "ill", frozenset())) == sick


def test_a_device_that_the_scenario_calls_unhealthy_is_so_in_the_status(short_dir: Path) -> None:
    """Health has one truth: what is never handed out cannot be on a pod, and so no status ever says it is well."""
    with live_node(short_dir) as (node, _):
        node.create(on_node(without_uid(manifest("a", container(odd=3))), node))
        status = statuses(node)["a"]

    assert "Requested: 3, Available: 2" in status["message"]


def test_topologies_are_kept_as_they_were_stated(short_dir: Path) -> None:
    """-1 and an empty node list are told apart from no topology, as the answers need it."""
    with live_node(short_dir) as (node, _):
        stated = node.state().stated_nodes

    assert {(ODD, "-1"): (-1,), (ODD, "none"): ()} == stated


def test_health_of_what_there_is_not_is_a_key_error(short_dir: Path) -> None:
    """A wrong name changes nothing."""
    with live_node(short_dir) as (node, _):
        with pytest.raises(KeyError, match="GPU-9"):
            node.set_health(GPU, "GPU-9", healthy=False)
        with pytest.raises(KeyError, match=r"example\.com/no"):
            node.set_health("example.com/no", "GPU-0", healthy=False)
        found = allocatable(node)

    assert {"GPU-0", "GPU-1", "-1"} == found


def test_a_time_that_a_pod_started_stays_what_it_was(short_dir: Path) -> None:
    """A status that is written again, for health or an end, moves no start (generateAPIPodStatus)."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (node, clock):
        before = statuses(node)["a"]
        clock.leap(100)
        node.set_health(GPU, "GPU-0", healthy=False)
        sick = statuses(node)["a"]
        node.finish("default", "a")
        done = statuses(node)["a"]

    started = [each["containerStatuses"][0]["state"] for each in (before, sick, done)]
    assert {before["startTime"]} == {sick["startTime"], done["startTime"]}
    assert started[0] == started[1]
    assert started[0]["running"]["startedAt"] == started[2]["terminated"]["startedAt"]
    assert started[2]["terminated"]["startedAt"] < started[2]["terminated"]["finishedAt"]


def test_a_pod_that_has_finished_keeps_the_health_of_its_devices(short_dir: Path) -> None:
    """Its rows stay as they were at its end, though the devices are free again (measured, 1.36)."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (node, clock):
        node.finish("default", "a")
        before = statuses(node)["a"]
        clock.leap(10)
        node.set_health(GPU, "GPU-0", healthy=False)
        after = statuses(node)["a"]
        rows, ids = health(node), held(node)

    assert ({"GPU-0": "Healthy"}, []) == (rows, ids)
    assert before == after


def test_finishing_twice_is_nothing_and_finishing_nobody_is_refused(short_dir: Path) -> None:
    """The second end has no one to end; a pod that does not exist is the API's 404."""
    with live_node(short_dir, f"pods: [{{name: a, {spec()}}}]") as (node, _):
        node.finish("default", "a")
        version = node.store.version
        node.finish("default", "a")
        again = node.store.version
        with pytest.raises(StatusError, match='pods "b" not found'):
            node.finish("default", "b")

    assert version == again


def test_a_plugin_that_crashes_and_comes_back(short_dir: Path) -> None:
    """Its devices are not allocatable while it is gone; List keeps them, status still says Healthy (measured, 1.36)."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (node, _):
        node.stop_plugin(GPU)
        gone = eventually(lambda: allocatable(node) == {"-1"})
        ids, still = held(node), health(node)
        with pytest.raises(KeyError, match=GPU):
            node.stop_plugin(GPU)
        node.set_health(GPU, "GPU-1", healthy=False)
        node.start_plugin(GPU)
        node.start_plugin(GPU)
        back = eventually(lambda: allocatable(node) == {"GPU-0", "-1"})

    assert (True, True) == (gone, back)
    assert (["GPU-0"], {"GPU-0": "Healthy"}) == (ids, still)


def test_a_kubelet_that_restarts_keeps_its_pods_and_hears_of_plugins_again(short_dir: Path) -> None:
    """The checkpoint restores what containers hold; plugins see their socket removed and register again."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (node, _):
        before = node.socket_path.stat().st_ctime_ns
        node.restart_kubelet()
        ids, after = held(node), node.socket_path.stat().st_ctime_ns
        back = eventually(lambda: allocatable(node) == {"GPU-0", "GPU-1", "-1"})

    assert ["GPU-0"] == ids
    assert before < after
    assert back


def test_faults_of_devices_and_plugins_come_and_go(short_dir: Path) -> None:
    """The node's thread plays them; a pod that holds the sick device says so."""
    faults = f"""
faults:
  - {{kind: unhealthy, at: 100, duration: 100, resource: {GPU}, device: GPU-0}}
  - {{kind: plugin_down, at: 300, duration: 100, resource: {ODD}}}
  - {{kind: api_down, at: 500, duration: 100}}
pods: [{{name: a, {spec(gpu=1)}}}]
"""
    every = {"GPU-0", "GPU-1", "-1"}
    with live_node(short_dir, faults) as (node, clock):
        seen = [eventually(lambda: allocatable(node) == every) and reachable(node)]
        clock.leap(100)
        seen.append(eventually(lambda: allocatable(node) == every - {"GPU-0"} and health(node)["GPU-0"] == "Unhealthy"))
        clock.leap(100)
        seen.append(eventually(lambda: allocatable(node) == every and health(node)["GPU-0"] == "Healthy"))
        clock.leap(100)
        seen.append(eventually(lambda: allocatable(node) == {"GPU-0", "GPU-1"}))
        clock.leap(100)
        seen.append(eventually(lambda: allocatable(node) == every))
        clock.leap(100)
        seen.append(eventually(lambda: not reachable(node)) and listed(node) == ["a"])
        clock.leap(100)
        seen.append(eventually(lambda: reachable(node)))

    assert [True] * 7 == seen


def test_a_plugin_that_was_stopped_by_hand_does_not_stop_the_timeline(short_dir: Path) -> None:
    """A fault that finds its plugin gone has nothing to do; the plugin is back when it is over."""
    fault = f"faults: [{{kind: plugin_down, at: 100, duration: 100, resource: {GPU}}}]"
    with live_node(short_dir, fault) as (node, clock):
        node.stop_plugin(GPU)
        clock.leap(100)
        node.tick()
        clock.leap(100)
        node.tick()
        back = eventually(lambda: "GPU-0" in allocatable(node))

    assert back


def test_a_restart_of_the_timeline_restarts_the_plugins_world_too(short_dir: Path) -> None:
    """kubelet.sock of the device plugins is recreated, so that they register again."""
    fault = "faults: [{kind: restart, at: 100, duration: 1, window: 1, plugins: 3}]"
    with live_node(short_dir, fault) as (node, clock):
        before = node.devices.socket_path.stat().st_ctime_ns
        clock.leap(100)
        restarted = eventually(
            lambda: node.devices.socket_path.exists() and node.devices.socket_path.stat().st_ctime_ns > before
        )
        clock.leap(10)
        back = eventually(lambda: node.kubelet.serving and "GPU-0" in allocatable(node))

    assert (True, True) == (restarted, back)


def test_an_older_release_may_be_played(short_dir: Path) -> None:
    """`release` overrides the scenario's: 1.24 has the asynchronous handshake, 1.35 no health in the status."""
    scenario = parse_scenario(
        f"numa: [{{node: 0, cpus: 0-3, memory: 1Gi}}]\n"
        f"resources: [{{name: {GPU}, devices: [{{id: GPU-0}}]}}]\npods: [{{name: a, {spec(gpu=1)}}}]",
        "test",
    )
    with live_node(short_dir) as (_, clock), LiveNode(scenario, short_dir / "b", clock, release=Release(24)) as node:
        ids = held(node)
        row = statuses(node)["a"]["containerStatuses"][0]
        version = node.store.get(NODES, "", "simulated")["status"]["nodeInfo"]["kubeletVersion"]

    assert ["GPU-0"] == ids
    assert "allocatedResourcesStatus" not in row
    assert "v1.24.0" == version


def test_it_stops_twice_and_leaves_no_thread_and_no_socket(short_dir: Path) -> None:
    """`demo` and `simulate` end within seconds; a socket file left behind would look like a kubelet that hangs."""
    before = set(threading.enumerate())
    fault = f"faults: [{{kind: unhealthy, at: 100, duration: 100, resource: {GPU}, device: GPU-0}}]"
    with live_node(short_dir, f"{fault}\npods: [{{name: a, {spec(gpu=1)}}}]") as (node, _):
        ran = set(threading.enumerate()) - before
        node.stop()
        node.stop()
        gone = eventually(lambda: not {each for each in threading.enumerate() if each not in before})

    assert ran
    assert gone
    assert [] == [path for path in short_dir.rglob("*") if path.is_socket()]
    assert not reachable(node)


def test_a_node_that_never_started_stops(short_dir: Path) -> None:
    """What is set up only when it starts need not be there; the port is given back."""
    scenario = parse_scenario("numa: [{node: 0, cpus: 0-3, memory: 1Gi}]", "test")
    with live_node(short_dir) as (_, clock):
        node = LiveNode(scenario, short_dir / "b", clock)
        host, port = node.api.url.removeprefix("http://").split(":")
        node.stop()
        with socket.create_server((host, int(port))) as again:
            bound = again.getsockname()[1]

    assert int(port) == bound


def test_an_address_that_is_taken_is_a_config_error(short_dir: Path) -> None:
    """The user chose it, so the user is told."""
    scenario = parse_scenario("numa: [{node: 0, cpus: 0-3, memory: 1Gi}]", "test")
    with live_node(short_dir) as (node, clock):
        host, port = node.api.url.removeprefix("http://").split(":")
        with pytest.raises(ConfigError, match="cannot listen"):
            LiveNode(scenario, short_dir / "b", clock, api_address=(host, int(port)))


def test_a_resource_that_has_gone_stays_in_the_node_with_0(short_dir: Path) -> None:
    """Five minutes after its plugin: capacity and allocatable 0, and the key stays (nodestatus/setters.go)."""
    with live_node(short_dir) as (node, clock):
        node.stop_plugin(GPU)
        assert node.devices.wait_until(lambda: not node.devices.healthy()[GPU], 30)
        clock.leap(301)
        node.tick()
        gone = node.store.get(NODES, "", "n1")["status"]
        node.start_plugin(GPU)
        assert node.devices.wait_until(lambda: len(node.devices.healthy().get(GPU, ())) == 2, 30)
        node.tick()
        back = node.store.get(NODES, "", "n1")["status"]

    assert ("0", "0") == (gone["capacity"][GPU], gone["allocatable"][GPU])
    assert ("2", "2") == (back["capacity"][GPU], back["allocatable"][GPU])


def test_what_the_system_keeps_is_not_allocatable(short_dir: Path) -> None:
    """Reserved CPUs and memory and huge pages are missing from what is left; pages stand by themselves (measured)."""
    text = """
    node: n1
    kubelet: {cpu_manager: {reserved: "0,1"}, memory_manager: {reserved: {0: 1Gi}}}
    numa: [{node: 0, cpus: "0-7", memory: 16Gi, hugepages: {1Gi: 4Gi}}]
    """
    with live_node(short_dir) as (_, clock), LiveNode(parse_scenario(text, "x"), short_dir / "b", clock) as node:
        status = node.store.get(NODES, "", "n1")["status"]

    assert ("8", "6") == (status["capacity"]["cpu"], status["allocatable"]["cpu"])
    assert (f"{16 << 20}Ki", f"{11 << 20}Ki") == (status["capacity"]["memory"], status["allocatable"]["memory"])
    assert {f"{4 << 20}Ki"} == {status[part]["hugepages-1Gi"] for part in ("capacity", "allocatable")}


def test_the_python_client_reads_the_node_with_its_models(short_dir: Path) -> None:
    """NodeInfo has ten fields that the API requires; a client with models refuses a node without them."""
    with live_node(short_dir) as (node, _):
        configuration = kubernetes.client.Configuration(host=node.api.url)
        with kubernetes.client.ApiClient(configuration) as client:
            found = kubernetes.client.CoreV1Api(client).list_node().items

    assert ["v1.36.0"] == [each.to_dict()["status"]["node_info"]["kubelet_version"] for each in found]


def test_an_empty_node_admits_pods(short_dir: Path) -> None:
    """`numa` alone is a node with a Device Manager and an API server, which a plugin's author begins with."""
    scenario = parse_scenario("numa: [{node: 0, cpus: 0-3, memory: 1Gi}]", "x")
    made = make_node(scenario, short_dir, SystemClock())

    assert isinstance(made, LiveNode)
    with made:
        found = made.create(without_uid(manifest("a")))["status"]["phase"]
        serves = made.devices.serving

    assert ("Running", True) == (found, serves)


def test_the_python_client_reads_and_makes_pods_with_its_models(short_dir: Path) -> None:
    """Amounts are stored as texts, requests come from limits, and a kind that is not stated is that of the URL."""
    limits = {"cpu": 2, "memory": "1Gi", GPU: 1}
    spec = {"containers": [{"name": "main", "resources": {"limits": limits}}]}
    scenario = f"pods: [{{name: a, spec: {json.dumps(spec)}}}]"
    container = kubernetes.client.V1Container(
        name="main", image="i", resources=kubernetes.client.V1ResourceRequirements(limits={GPU: "1"})
    )
    wanted = kubernetes.client.V1Pod(
        metadata=kubernetes.client.V1ObjectMeta(name="b"), spec=kubernetes.client.V1PodSpec(containers=[container])
    )
    configuration = kubernetes.client.Configuration()
    with live_node(short_dir, scenario) as (node, _), kubernetes.client.ApiClient(configuration) as client:
        configuration.host = node.api.url
        core = kubernetes.client.CoreV1Api(client)
        core.create_namespaced_pod("default", wanted)
        node.settle()
        found = {pod["metadata"]["name"]: pod for pod in core.list_namespaced_pod("default").to_dict()["items"]}
        labels = {"metadata": {"labels": {"tier": "front"}}}
        patched = core.patch_namespaced_pod("b", "default", labels).to_dict()["metadata"]["labels"]
        core.patch_node("n1", labels)
        node_labels = core.read_node("n1").to_dict()["metadata"]["labels"]
        core.delete_namespaced_pod("b", "default")
        node.settle()
        left = [pod.to_dict()["metadata"]["name"] for pod in core.list_namespaced_pod("default").items]

    asked = {name: pod["spec"]["containers"][0]["resources"] for name, pod in found.items()}
    texts = {"cpu": "2", "memory": "1Gi", GPU: "1"}
    assert (texts, texts) == (asked["a"]["limits"], asked["a"]["requests"])
    assert {GPU: "1"} == asked["b"]["requests"]
    assert {"Running"} == {pod["status"]["phase"] for pod in found.values()}
    assert ({"tier": "front"}, "front", ["a"]) == (patched, node_labels["tier"], left)
