from sim_client import dice

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.scenario import node_at
from podres_exporter.sim import builtin_scenario, restart_window
from podres_exporter.sim.window import incomplete

SCENARIO = builtin_scenario()
STATE = node_at(SCENARIO, 20)


def test_the_window_has_no_pods_then_some_then_all() -> None:
    """Every answer is OK: a client cannot tell from the status that it is too little (kubernetes #102552)."""
    steps = restart_window(SCENARIO.kubelet, STATE, dice(0))

    counts = [len(pb.ListPodResourcesResponse.FromString(step.list()).pod_resources) for step in steps]
    assert 3 == len(counts)
    assert 0 == counts[0] < counts[1] < counts[2] == len(STATE.pods)


def test_no_device_is_allocatable_until_its_plugin_registers_again() -> None:
    """Endpoints are gone with the kubelet's process; CPUs and memory are its own and are there at once."""
    steps = restart_window(SCENARIO.kubelet, STATE, dice(0))

    responses = [pb.AllocatableResourcesResponse.FromString(step.allocatable()) for step in steps]
    assert [0, 0, 0] == [len(response.devices) for response in responses]
    assert [sorted(STATE.allocatable.cpus)] * 3 == [sorted(response.cpu_ids) for response in responses]


def test_the_same_pods_are_missing_for_the_rest_of_the_window() -> None:
    """A pod that was listed once in the window does not vanish again."""
    assert () == incomplete(STATE, 0.3).pods
    assert incomplete(STATE, 0.4) == incomplete(STATE, 0.9)
