"""
The simulator gives the same answers as real kubelets for the same pods, except for order.

Each test runs twice: on a node whose scenario says what the pods hold, and on one that is given the recorded pods and
plugins, and whose managers decide.
"""

import json
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from captures import capture
from fake_clock import FakeClock
from sim_client import ALLOCATABLE, ALPHA_LIST, GET, LIST, Reply, ask, get_request

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import Scenario, parse_scenario
from podres_exporter.sim import SimNode
from podres_exporter.sim.api import PODS, Event
from podres_exporter.sim.live import LiveNode

HERE = Path(__file__).parent
RELEASES = ["kubelet-1.36", "kubelet-1.27"]


def recorded(release: str, file: str) -> bytes:
    return capture(release, file)


def recorded_error(release: str, file: str) -> Reply:
    code, details = recorded(release, file).decode().splitlines()
    return Reply(grpc.StatusCode[code], details, b"")


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


SEEN = "kubernetes.io/config.seen"
FILLERS = {
    "kubelet-1.36": {"a": {"example.com/notopo": 1, "example.com/shared": 1}},
    "kubelet-1.27": {"a": {"example.com/shared": 1}, "b": {"example.com/shared": 1}},
}
"""Among equal devices a kubelet takes any (Go's map order), the simulator the lowest id that is free: pods that hold
the others while the recorded pods come make both choices the same."""


def filler(name: str, devices: dict[str, int]) -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "resources": {"limits": devices}}]}
    return {"metadata": {"namespace": "filler", "name": name}, "spec": spec}


def admitted(node: LiveNode, release: str) -> LiveNode:
    """Give a running node the recorded pods in the order in which the kubelet saw them, and let finish who has."""
    for name, devices in FILLERS[release].items():
        node.create(filler(name, devices))
    if release == "kubelet-1.27":
        node.store.delete(PODS, "filler", "a")  # its share is the lowest, and was the first that the recorded pod got
    pods = json.loads(recorded(release, "pods.json"))["items"]
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["annotations"][SEEN])):
        node.create(pod)
    for pod in pods:
        if pod["status"]["phase"] == "Succeeded":
            node.finish("default", pod["metadata"]["name"])
    for namespace, name in [key for key in (("filler", "a"), ("filler", "b")) if key in held_by(node)]:
        node.store.delete(PODS, namespace, name)
    return node


def held_by(node: LiveNode) -> set[tuple[str, str]]:
    return {(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in node.store.read(PODS)[0]}


def asking(scenario: Scenario) -> Scenario:
    """Return the scenario without its pods, with the managers of the recordings and cores of two adjacent threads."""
    numa = tuple(replace(node, threads_per_core=2, adjacent_threads=True) for node in scenario.numa)
    return replace(scenario, pods=(), numa=numa, kubelet=replace(scenario.kubelet, topology_policy="best-effort"))


@pytest.fixture(params=["held", "admitted"])
def node(release: str, short_dir: Path, request: pytest.FixtureRequest) -> Iterator[SimNode]:
    """Yield the node behind the recording, at a moment when the pods that had finished have done so."""
    scenario = parse_scenario((HERE / f"{release}.yaml").read_text(encoding="utf-8"), release)
    if request.param == "admitted":
        with LiveNode(asking(scenario), short_dir, SystemClock(), seed=1) as node:
            yield admitted(node, release)
        return
    clock = FakeClock()
    with SimNode(scenario, short_dir, clock, seed=1) as held:
        clock.advance(60)
        yield held


Rows = list[bytes]


def rows(resources: pb.ContainerResources) -> tuple[str, Rows, list[int], Rows]:
    """Return a container's parts in an order of their own; the kubelet's is that of a map."""
    devices = sorted(row.SerializeToString(deterministic=True) for row in resources.devices)
    memory = sorted(row.SerializeToString(deterministic=True) for row in resources.memory)
    return (resources.name, devices, sorted(resources.cpu_ids), memory)


def pod_rows(pod: pb.PodResources) -> tuple[str, str, list[tuple[str, Rows, list[int], Rows]]]:
    return (pod.namespace, pod.name, [rows(container) for container in pod.containers])


def test_list_equals_the_recorded_one(release: str, node: SimNode) -> None:
    """Rows per device and node, nil topology of held -1 and empty-topology devices, the sidecar first (1.36)."""
    expected = pb.ListPodResourcesResponse.FromString(recorded(release, "v1-list.bin"))

    actual = pb.ListPodResourcesResponse.FromString(ask(node.socket_path, LIST).body)

    assert sorted(map(pod_rows, expected.pod_resources)) == sorted(map(pod_rows, actual.pod_resources))
    assert expected.ByteSize() == actual.ByteSize()


def test_allocatable_resources_equal_the_recorded_ones(release: str, node: SimNode) -> None:
    """The empty-topology devices have no row, -1 and node 7 stay; memory is net of reservation and huge pages."""
    expected = pb.AllocatableResourcesResponse.FromString(recorded(release, "v1-allocatable.bin"))

    actual = pb.AllocatableResourcesResponse.FromString(ask(node.socket_path, ALLOCATABLE).body)

    both = [
        pb.ContainerResources(devices=each.devices, cpu_ids=each.cpu_ids, memory=each.memory)
        for each in (expected, actual)
    ]
    assert rows(both[0]) == rows(both[1])
    assert expected.ByteSize() == actual.ByteSize()


def test_get_equals_the_recorded_one(release: str, node: SimNode) -> None:
    """Get has the shape of List (server_v1.go)."""
    expected = pb.GetPodResourcesResponse.FromString(recorded(release, "v1-get-dev.bin"))

    actual = pb.GetPodResourcesResponse.FromString(ask(node.socket_path, GET, get_request("dev-node1")).body)

    assert pod_rows(expected.pod_resources) == pod_rows(actual.pod_resources)
    assert expected.ByteSize() == actual.ByteSize()


def test_get_of_an_unknown_pod_fails_as_recorded(release: str, node: SimNode) -> None:
    """A bare Go error: code UNKNOWN, and the text names pod and namespace."""
    assert recorded_error(release, "v1-get-missing.err") == ask(node.socket_path, GET, get_request("nope"))


@pytest.mark.parametrize("release", ["kubelet-1.36"])
def test_get_of_a_finished_pod_fails_as_recorded(release: str, node: SimNode) -> None:
    """From 1.34 on finished pods are not found (kubernetes #132028)."""
    assert recorded_error(release, "v1-get-finished.err") == ask(node.socket_path, GET, get_request("job-node1"))


@pytest.mark.parametrize("release", ["kubelet-1.27"])
def test_get_of_the_pod_that_was_admitted_last_equals_the_recorded_one(release: str, node: SimNode) -> None:
    """Up to 1.31 it keeps its device, CPU and memory although it has finished (kubernetes #119423)."""
    expected = pb.GetPodResourcesResponse.FromString(recorded(release, "v1-get-finished.bin"))

    actual = pb.GetPodResourcesResponse.FromString(ask(node.socket_path, GET, get_request("job-node1")).body)

    assert pod_rows(expected.pod_resources) == pod_rows(actual.pod_resources)


def test_v1alpha1_lists_what_the_recorded_one_does(release: str, node: SimNode) -> None:
    """
    No sidecar and no topology; from 1.34 on finished pods too, without devices (GetPods).

    A scenario that says what pods hold says nothing of those that have finished.
    """
    expected = pb.ListPodResourcesResponse.FromString(recorded(release, "v1alpha1-list.bin"))

    actual = pb.ListPodResourcesResponse.FromString(ask(node.socket_path, ALPHA_LIST).body)

    there = {each.name for each in actual.pod_resources}
    known = [each for each in expected.pod_resources if isinstance(node, LiveNode) or each.name in there]
    assert sorted(map(pod_rows, known)) == sorted(map(pod_rows, actual.pod_resources))


@pytest.mark.parametrize("file", ["cpu_manager_state", "memory_manager_state"])
def test_state_files_equal_the_recorded_ones(release: str, short_dir: Path, file: str) -> None:
    """The checksum included; what the files lie beside are the sockets."""
    scenario = parse_scenario((HERE / f"{release}.yaml").read_text(encoding="utf-8"), release)
    with LiveNode(asking(scenario), short_dir, SystemClock(), seed=1) as node:
        admitted(node, release)
        node.tick()

        assert recorded(release, f"{file}.json").decode() == (short_dir / file).read_text(encoding="utf-8")


def test_the_checkpoint_has_the_devices_of_the_recorded_one(release: str, short_dir: Path) -> None:
    """
    Its plugins answered otherwise, so answers and checksum differ; entries are in map order.

    The device of the pod that has finished is still in it; what the fillers held is the simulation's.
    """
    scenario = parse_scenario((HERE / f"{release}.yaml").read_text(encoding="utf-8"), release)
    with LiveNode(asking(scenario), short_dir, SystemClock(), seed=1) as node:
        fillers: set[str] = set()
        node.store.subscribe(lambda event: fillers.update(filler_uids(event)))
        admitted(node, release)
        node.tick()
        path = short_dir / "device-plugins" / "kubelet_internal_checkpoint"
        actual = json.loads(path.read_text(encoding="utf-8"))["Data"]

    expected = json.loads(recorded(release, "kubelet_internal_checkpoint.json"))["Data"]
    assert devices_of(expected) == devices_of(actual, fillers)


def filler_uids(event: Event) -> list[str]:
    metadata = event.item["metadata"]
    return [metadata["uid"]] if metadata.get("namespace") == "filler" else []


def devices_of(data: dict[str, Any], but: Container[str] = ()) -> object:
    """Return the holdings and the registered devices of a checkpoint, without order and without answers."""
    entries = [
        (
            each["PodUID"],
            each["ContainerName"],
            each["ResourceName"],
            {n: sorted(i) for n, i in each["DeviceIDs"].items()},
        )
        for each in data["PodDeviceEntries"]
        if each["PodUID"] not in but
    ]
    return sorted(entries, key=str), {name: sorted(ids) for name, ids in data["RegisteredDevices"].items()}
