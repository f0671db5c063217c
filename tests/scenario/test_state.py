"""The state of a node at a moment of a scenario."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import Claim, ClaimDevice, Container, Device, MemoryBlock, Pod
from podres_exporter.scenario import Release, node_at, parse_scenario

NODE = """
kubelet: {release: "1.36", cpu_manager: {reserved: "0"}}
numa:
  - {node: 0, cpus: "0-3", memory: 4Gi}
resources:
  - name: example.com/gpu
    devices:
      - {id: B, numa_nodes: [1, 0]}
      - {id: A}
      - {id: SICK, numa_nodes: [0], healthy: false}
      - {id: EMPTY, numa_nodes: []}
      - {id: MINUS, numa_nodes: [-1]}
pods:
  - name: z-short
    start: 5
    end: 10
    repeat: 20
    containers: [{name: main, cpus: "3"}]
  - namespace: a
    name: full
    cpus: "1-2"
    memory: [{size: 1Gi, numa_nodes: [0]}]
    containers:
      - name: main
        devices: {example.com/gpu: [MINUS, B, A]}
        cpus: "1"
        memory: [{size: 1Gi, numa_nodes: [0]}]
        claims: [{name: c, devices: [{driver: d, pool: p, device: x, share_id: s, cdi: [v/c=n]}]}]
      - {name: proxy, sidecar: true}
"""
SCENARIO = parse_scenario(NODE, "test")
GPU = "example.com/gpu"


def test_a_pod_holds_what_the_scenario_says() -> None:
    """Devices are sorted, their nodes united; -1 states no locality; the claim is in the pod's namespace."""
    block = MemoryBlock("memory", frozenset({0}), 1024**3)
    claim = Claim("a", "c", (ClaimDevice("d", "p", "x", "s", ("v/c=n",)),))
    nowhere: frozenset[int] = frozenset()
    devices = (Device(GPU, "A", nowhere), Device(GPU, "B", frozenset({0, 1})), Device(GPU, "MINUS", nowhere))
    main = Container("main", devices, parse_cpuset("1"), (block,), (claim,))

    state = node_at(SCENARIO, 0)

    assert (Pod("a", "full", (Container("proxy"), main), parse_cpuset("1-2"), (block,)),) == state.pods


def test_pods_come_and_go_in_the_order_of_their_names() -> None:
    """The second pod lives from 5 to 10 s, every 20 s."""
    names = {seconds: [pod.name for pod in node_at(SCENARIO, seconds).pods] for seconds in (4, 5, 10, 25, 30)}

    both = ["full", "z-short"]
    assert {4: ["full"], 5: both, 10: ["full"], 25: both, 30: ["full"]} == names


def test_a_sick_device_is_not_allocatable() -> None:
    """GetAllocatableResources has healthy devices only from 1.23 on (devicemanager GetAllocatableDevices)."""
    state = node_at(SCENARIO, 0)

    assert ["A", "B", "EMPTY", "MINUS"] == [device.device_id for device in state.allocatable.devices]
    assert ["SICK"] == [device.device_id for device in state.unhealthy]
    assert parse_cpuset("1-3") == state.allocatable.cpus


def test_what_the_model_cannot_say_of_a_topology_is_kept() -> None:
    """The kubelet treats an empty node list and a node of -1 differently from no topology."""
    assert {(GPU, "EMPTY"): (), (GPU, "MINUS"): (-1,)} == node_at(SCENARIO, 0).stated_nodes


def test_sidecars_are_not_listed_before_release_1_30() -> None:
    """Restartable init containers came to this API with SidecarContainers; server_v1.go of 1.29 has none."""
    older = replace(SCENARIO, kubelet=replace(SCENARIO.kubelet, release=Release(29)))

    assert ["main"] == [container.name for container in node_at(older, 0).pods[0].containers]


def test_a_pod_is_found_by_its_namespace_and_name() -> None:
    """The API knows no UID."""
    state = node_at(SCENARIO, 0)

    assert state.pods[0] is state.pod("a", "full")
    assert state.pod("default", "full") is None


@given(st.floats(0, 1e6))
def test_the_state_is_a_function_of_the_time(seconds: float) -> None:
    """Two nodes that read one document agree at every moment, so a test can foretell what the simulator answers."""
    assert node_at(SCENARIO, seconds) == node_at(parse_scenario(NODE, "again"), seconds)
