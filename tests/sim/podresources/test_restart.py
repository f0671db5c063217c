"""Incomplete answers after a kubelet restart."""

from sim_client import dice

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.scenario import node_at, parse_scenario
from podres_exporter.sim import answers_after_restart, builtin_scenario
from podres_exporter.sim.podresources.restart import incomplete

SCENARIO = builtin_scenario()
STATE = node_at(SCENARIO, 20)


def test_the_window_has_no_pods_then_some_then_all() -> None:
    """Every answer is OK: a client cannot tell from the status that it is too little (kubernetes #102552)."""
    steps = answers_after_restart(SCENARIO.kubelet, STATE, dice(0))

    counts = [len(pb.ListPodResourcesResponse.FromString(step.list()).pod_resources) for step in steps]
    assert 3 == len(counts)
    assert 0 == counts[0] < counts[1] < counts[2] == len(STATE.pods)


def test_no_device_is_allocatable_until_its_plugin_registers_again() -> None:
    """Endpoints are gone with the kubelet's process; CPUs and memory are its own and are there at once."""
    steps = answers_after_restart(SCENARIO.kubelet, STATE, dice(0))

    responses = [pb.AllocatableResourcesResponse.FromString(step.allocatable()) for step in steps]
    assert [0, 0, 0] == [len(response.devices) for response in responses]
    assert [sorted(STATE.allocatable.cpus)] * 3 == [sorted(response.cpu_ids) for response in responses]


def test_pods_come_by_source_and_in_order_of_creation() -> None:
    """Static pods at once, the API server's as one set, the oldest first (kubelet.go HandlePodAdditions)."""
    text = """
    node: n1
    numa: [{node: 0, cpus: "0-3"}]
    pods:
      - {name: young, start: 30}
      - {name: old, start: 10}
      - {name: proxy, static: true, start: 40}
      - {name: again, start: 0, end: 5, repeat: 20}
    """
    state = node_at(parse_scenario(text, "test"), 41)

    seen = [[pod.name for pod in incomplete(state, share).pods] for share in (0.0, 0.3, 0.56, 0.78, 0.999)]

    proxy = "proxy-n1"
    assert [[proxy], [proxy], ["old", proxy], ["old", proxy, "young"], ["old", proxy, "young"]] == seen
    assert ["again", "old", proxy, "young"] == [pod.name for pod in state.pods]
