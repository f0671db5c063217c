"""The messages of the answers by release, as kubelets 1.20 to 1.37 send them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_client import dice

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import Allocatable, Container, Device, MemoryBlock, Pod, Topology
from podres_exporter.scenario import KubeletSettings, NodeState, Release
from podres_exporter.sim.podresources.dialect import Dialect, dialect_of
from podres_exporter.sim.podresources.messages import allocatable_response, get_response, list_response

NOWHERE: frozenset[int] = frozenset()
GPU, FPGA = "example.com/gpu", "example.com/fpga"
Row = tuple[str, tuple[str, ...], tuple[int, ...] | None]

MAIN = Container(
    "main",
    devices=(
        Device(FPGA, "F", NOWHERE),
        Device(GPU, "A", frozenset({0})),
        Device(GPU, "B", frozenset({0})),
        Device(GPU, "W", frozenset({0, 1})),
    ),
    exclusive_cpus=parse_cpuset("1-2"),
    memory=(MemoryBlock("memory", frozenset({0, 1}), 4096),),
)
STATE = NodeState(
    pods=(
        Pod("default", "pinned", (MAIN,), parse_cpuset("1-3"), (MemoryBlock("memory", frozenset({1}), 1024),)),
        Pod("default", "shared", (Container("main"),)),
    ),
    allocatable=Allocatable(MAIN.devices, parse_cpuset("1-7"), (MemoryBlock("memory", frozenset({0}), 8192),)),
    topology=Topology({0: parse_cpuset("0-3"), 1: parse_cpuset("4-7")}),
    unhealthy=(Device(GPU, "SICK", frozenset({1})),),
)


def release(minor: int) -> Dialect:
    return dialect_of(KubeletSettings(Release(minor)))


def listed(state: NodeState, minor: int, seed: int = 0) -> dict[str, pb.PodResources]:
    response = list_response(state, release(minor), dice(seed))
    return {pod.name: pod for pod in response.pod_resources}


def row(devices: pb.ContainerDevices) -> Row:
    nodes = tuple(node.ID for node in devices.topology.nodes) if devices.HasField("topology") else None
    return (devices.resource_name, tuple(sorted(devices.device_ids)), nodes)


def rows(container: pb.ContainerResources) -> set[Row]:
    return {row(devices) for devices in container.devices}


@pytest.mark.parametrize(("minor", "unknown"), [(21, (0,)), (22, (0,)), (23, None), (27, None), (36, None), (37, None)])
def test_from_release_1_21_there_is_a_row_for_each_device_and_node(minor: int, unknown: tuple[int, ...] | None) -> None:
    """A device of two nodes has two rows with one id; unknown locality read as node 0 until #103289 (1.23)."""
    container = listed(STATE, minor)["pinned"].containers[0]

    expected = {
        (FPGA, ("F",), unknown),
        (GPU, ("A",), (0,)),
        (GPU, ("B",), (0,)),
        (GPU, ("W",), (0,)),
        (GPU, ("W",), (1,)),
    }
    assert expected == rows(container)
    assert 5 == len(container.devices)


def test_release_1_20_groups_the_ids_of_a_node() -> None:
    """One row per (resource, NUMA node) with several ids; no topology is node 0."""
    container = listed(STATE, 20)["pinned"].containers[0]

    assert {(FPGA, ("F",), (0,)), (GPU, ("A", "B", "W"), (0,)), (GPU, ("W",), (1,))} == rows(container)
    assert 3 == len(container.devices)


@pytest.mark.parametrize(("minor", "cpus"), [(20, [0, 4, 5, 6, 7]), (22, [0, 4, 5, 6, 7]), (23, []), (36, [])])
def test_before_release_1_23_the_shared_pool_looks_like_exclusive_cpus(minor: int, cpus: list[int]) -> None:
    """GetCPUSetOrDefault reported the default set, reserved CPUs included (#97415, #100211)."""
    pods = listed(STATE, minor)

    assert cpus == sorted(pods["shared"].containers[0].cpu_ids)
    assert [1, 2] == sorted(pods["pinned"].containers[0].cpu_ids)


@pytest.mark.parametrize(("minor", "blocks"), [(21, 0), (22, 1), (36, 1)])
def test_memory_is_there_from_release_1_22_and_keeps_its_nodes(minor: int, blocks: int) -> None:
    """A block over two nodes is one entry whose size is the total (memorymanager GetMemory)."""
    memory = listed(STATE, minor)["pinned"].containers[0].memory

    found = [(block.memory_type, block.size, [node.ID for node in block.topology.nodes]) for block in memory]
    assert [("memory", 4096, [0, 1])] * blocks == found
    assert blocks == len(allocatable_response(STATE, release(minor), dice(0)).memory)


@pytest.mark.parametrize(("minor", "cpus", "blocks"), [(36, [], 0), (37, [1, 2, 3], 1)])
def test_pod_level_lists_come_with_release_1_37(minor: int, cpus: list[int], blocks: int) -> None:
    """PodResources.cpu_ids and memory (KEP-5526); containers go on repeating their own part."""
    pod = listed(STATE, minor)["pinned"]

    assert cpus == sorted(pod.cpu_ids)
    assert blocks == len(pod.memory)
    assert [1, 2] == sorted(pod.containers[0].cpu_ids)


def test_a_container_without_anything_is_listed_empty() -> None:
    """Pods and containers with nothing allocated are present, with empty lists."""
    assert pb.ContainerResources(name="main") == listed(STATE, 36)["shared"].containers[0]


def test_the_order_is_drawn_on_each_call() -> None:
    """The kubelet walks Go maps: pods, devices and CPUs come in another order each time, containers in the spec's."""
    pods = tuple(Pod("default", f"p{index}", (Container("b"), Container("a"))) for index in range(10))
    state = replace(STATE, pods=(*pods, STATE.pods[0]))
    random = dice(0)
    answers = [list_response(state, release(36), random) for _ in range(50)]
    pinned = [pod for answer in answers for pod in answer.pod_resources if pod.name == "pinned"]

    assert 1 < len({tuple(pod.name for pod in answer.pod_resources) for answer in answers})
    assert 1 < len({tuple(row(devices) for devices in pod.containers[0].devices) for pod in pinned})
    assert 1 < len({tuple(pod.containers[0].cpu_ids) for pod in pinned})
    others = (pod for answer in answers for pod in answer.pod_resources if pod.name != "pinned")
    assert {("b", "a")} == {tuple(container.name for container in pod.containers) for pod in others}


@pytest.mark.parametrize(("minor", "sick"), [(22, True), (23, False), (36, False)])
def test_from_release_1_23_only_healthy_devices_are_allocatable(minor: int, sick: bool) -> None:
    """Source: devicemanager GetAllocatableDevices. A device without topology has none here in any release."""
    response = allocatable_response(STATE, release(minor), dice(0))

    expected = {
        (FPGA, ("F",), None),
        (GPU, ("A",), (0,)),
        (GPU, ("B",), (0,)),
        (GPU, ("W",), (0,)),
        (GPU, ("W",), (1,)),
    }
    assert expected | ({(GPU, ("SICK",), (1,))} if sick else set()) == {row(devices) for devices in response.devices}
    assert list(range(1, 8)) == sorted(response.cpu_ids)


def test_what_a_plugin_stated_oddly_is_answered_as_the_kubelet_does() -> None:
    """An empty node list loses the row, -1 goes out as it came in; List says neither (1.27 and 1.36 do the same)."""
    devices = (Device(GPU, "EMPTY", NOWHERE), Device(GPU, "MINUS", NOWHERE))
    state = NodeState(
        pods=(Pod("default", "p", (Container("c", devices),)),),
        allocatable=Allocatable(devices, frozenset(), ()),
        topology=STATE.topology,
        stated_nodes={(GPU, "EMPTY"): (), (GPU, "MINUS"): (-1,)},
    )

    allocatable = allocatable_response(state, release(36), dice(0))

    assert [(GPU, ("MINUS",), (-1,))] == [row(devices) for devices in allocatable.devices]
    assert {(GPU, ("EMPTY",), None), (GPU, ("MINUS",), None)} == rows(listed(state, 36)["p"].containers[0])


def test_get_answers_in_the_shape_of_list() -> None:
    """server_v1.go builds both with the same code."""
    pod = STATE.pods[0]

    response = get_response(pod, STATE, release(37), dice(5))

    only = replace(STATE, pods=(pod,))
    assert list_response(only, release(37), dice(5)).pod_resources[0] == response.pod_resources


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
held = st.dictionaries(st.tuples(names, names), st.frozensets(st.integers(0, 7), max_size=3), max_size=8)


@given(held, st.integers(23, 37), st.integers())
def test_no_resource_id_or_node_is_lost_on_the_wire(
    devices: dict[tuple[str, str], frozenset[int]], minor: int, seed: int
) -> None:
    """From 1.23 on the rows of an answer, united by (resource, id), are what the container holds."""
    container = Container("c", tuple(Device(resource, name, nodes) for (resource, name), nodes in devices.items()))
    state = replace(STATE, pods=(Pod("default", "p", (container,)),))
    body = list_response(state, release(minor), dice(seed)).SerializeToString()

    found: dict[tuple[str, str], frozenset[int]] = {}
    for line in pb.ListPodResourcesResponse.FromString(body).pod_resources[0].containers[0].devices:
        key = (line.resource_name, line.device_ids[0])
        found[key] = found.get(key, NOWHERE) | {node.ID for node in line.topology.nodes}

    assert devices == found
