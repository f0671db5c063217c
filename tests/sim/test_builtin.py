"""The built-in demo scenario."""

import pytest

from podres_exporter.model import Pod
from podres_exporter.scenario import FaultKind, Release, node_at
from podres_exporter.sim import builtin_scenario

DEMO = builtin_scenario()
NOON = node_at(DEMO, 20)
"""A moment at which every pod of the demo lives."""


def pod(name: str) -> Pod:
    return next(pod for pod in NOON.pods if pod.name == name)


def spread(name: str) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """Return the nodes of the CPUs, the devices and the memory that the pod's last container holds."""
    container = pod(name).containers[-1]
    nothing: frozenset[int] = frozenset()
    return (
        NOON.topology.nodes_of(container.exclusive_cpus),
        nothing.union(*(device.numa_nodes for device in container.devices)),
        nothing.union(*(block.numa_nodes for block in container.memory)),
    )


def test_the_demo_has_two_nodes_and_resources_of_several_kinds() -> None:
    """What a newcomer sees on the first screen."""
    assert Release(36) == DEMO.kubelet.release
    assert {0: 32, 1: 32} == {node: len(cpus) for node, cpus in NOON.topology.cpus_by_node.items()}
    expected = {"nvidia.com/gpu", "nvidia.com/gpu.shared", "openshift.io/sriov_dpdk", "rdma/hca_shared"}
    assert expected == {device.resource for device in NOON.allocatable.devices}
    assert {"memory", "hugepages-1Gi", "hugepages-2Mi"} == {block.memory_type for block in NOON.allocatable.memory}


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("train-llm-0", ({0}, {0}, {0})),
        ("inference-7c9d", ({0}, {1}, {0})),
        ("olap-0", ({0, 1}, set(), {0, 1})),
        ("frontend-5d8f", (set(), set(), set())),
    ],
)
def test_its_pods_sit_as_the_story_says(name: str, nodes: tuple[set[int], set[int], set[int]]) -> None:
    """Aligned, misaligned, spanning for a good reason, and holding nothing."""
    assert tuple(map(frozenset, nodes)) == spread(name)


def test_its_dpdk_pod_has_vfs_huge_pages_and_cpus_of_one_node() -> None:
    """Everything of the data plane is on node 1."""
    dpdk = pod("upf-0").containers[0]

    assert {frozenset({1})} == {device.numa_nodes for device in dpdk.devices}
    assert {1} == NOON.topology.nodes_of(dpdk.exclusive_cpus)
    assert {"hugepages-1Gi", "memory"} == {block.memory_type for block in dpdk.memory}


def test_its_sidecar_is_listed_first() -> None:
    """Restartable init containers come before the containers, whatever their place in the document."""
    assert ["log-shipper", "trainer"] == [container.name for container in pod("train-llm-0").containers]


def test_it_has_a_sick_device_that_somebody_holds() -> None:
    """Held, but no longer allocatable."""
    sick = {device.device_id for device in NOON.unhealthy}

    assert sick == {device.device_id for device in pod("finetune-2").containers[0].devices}


def test_it_has_claims_with_cdi_names_and_a_share() -> None:
    """Two devices of one claim, and one share of a third."""
    devices = [device for name in ("farm-0", "preview-0") for device in pod(name).containers[0].claims[0].devices]

    assert {"gpu.example.com"} == {device.driver for device in devices}
    assert [False, False, True] == [bool(device.share_id) for device in devices]
    assert all(device.cdi_devices for device in devices)


def test_it_changes_while_one_watches() -> None:
    """In any half minute of the first ten, what is held changes."""
    moments = [{pod.key for pod in node_at(DEMO, second).pods} for second in range(600)]

    assert all(len({frozenset(moment) for moment in moments[at : at + 30]}) > 1 for at in range(570))


def test_its_kubelet_restarts_every_few_minutes() -> None:
    """The restart comes back, so that it is also seen later."""
    (fault,) = DEMO.faults

    assert FaultKind.RESTART == fault.kind
    assert fault.every_seconds is not None
    assert 120 <= fault.every_seconds <= 600


def test_there_is_no_other_builtin_scenario() -> None:
    """A wrong name is an error, not an empty node."""
    with pytest.raises(FileNotFoundError):
        builtin_scenario("nope")
