"""A whole node: what pods are given, and the messages with which they are rejected."""

import pytest
from admission_rig import GIB, MIB, burstable, cpus, managers, offer, pod, want

from podres_exporter.admission import (
    TOPOLOGY_AFFINITY,
    Admission,
    ContainerPlan,
    DeviceWant,
    Hint,
    Kind,
    NodeManagers,
    Offers,
    PodAdmission,
    PodRequest,
    Policy,
    Rejection,
    Scope,
    admit,
    begin,
    commit,
    plan,
    release,
    started,
)
from podres_exporter.model import Container, Device, MemoryBlock

GPU = "example.com/gpu"
NIC = "example.com/nic"
OFFERS: Offers = {GPU: offer({0}, {0}, {1}, {1}), NIC: offer({1}, prefix="n")}
NONE = NodeManagers(managers().numa_nodes, managers().devices)
ALIGNING = [Policy.RESTRICTED, Policy.SINGLE_NUMA_NODE]


def outcome(
    node: NodeManagers, asking: PodRequest, policy: Policy = Policy.BEST_EFFORT, scope: Scope = Scope.CONTAINER
) -> Admission | Rejection:
    return admit(node, asking, OFFERS, policy, scope)


def admitted(
    node: NodeManagers, asking: PodRequest, policy: Policy = Policy.BEST_EFFORT, scope: Scope = Scope.CONTAINER
) -> Admission:
    result = outcome(node, asking, policy, scope)
    assert isinstance(result, Admission)
    return result


@pytest.mark.parametrize("policy", [Policy.BEST_EFFORT, *ALIGNING])
def test_everything_of_a_container_is_put_where_its_scarcest_resource_is(policy: Policy) -> None:
    (given,) = admitted(managers(), pod(want(cpus=2, devices={GPU: 1, NIC: 1})), policy).assignments

    assert frozenset([1]) == given.hint.numa_nodes
    assert given.granted == Container(
        "main",
        devices=(Device(GPU, "d2", frozenset([1])), Device(NIC, "n0", frozenset([1]))),
        exclusive_cpus=cpus("6-7"),
        memory=(MemoryBlock("memory", frozenset([1]), 64 * MIB),),
    )


def test_policy_none_lets_each_manager_choose_alone() -> None:
    (given,) = admitted(managers(), pod(want(cpus=2, devices={NIC: 1})), Policy.NONE, Scope.POD).assignments

    assert given.hint.numa_nodes is None
    assert cpus("2-3") == given.granted.exclusive_cpus
    assert [frozenset([0])] == [block.numa_nodes for block in given.granted.memory]


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("scope", Scope)
def test_without_cpu_and_memory_manager_only_devices_are_given(policy: Policy, scope: Scope) -> None:
    (given,) = admitted(NONE, pod(want(cpus=2, devices={NIC: 1})), policy, scope).assignments

    assert given.granted == Container("main", devices=(Device(NIC, "n0", frozenset([1])),))


def test_pods_that_are_not_guaranteed_get_devices_near_each_other_and_nothing_else() -> None:
    (given,) = admitted(managers(), pod(burstable(devices={GPU: 1, NIC: 1})), Policy.RESTRICTED).assignments

    assert ["d2", "n0"] == [device.device_id for device in given.granted.devices]
    assert (cpus(""), ()) == (given.granted.exclusive_cpus, given.granted.memory)


@pytest.mark.parametrize("policy", ALIGNING)
@pytest.mark.parametrize("scope", Scope)
def test_what_fits_on_no_node_together_is_refused(policy: Policy, scope: Scope) -> None:
    """Two GPUs of node 0 are gone, so two GPUs and no more are left on node 1, and three could not be preferred."""
    node = admitted(managers(), pod(want(devices={GPU: 1}), uid="first")).managers
    node = admitted(node, pod(want(devices={NIC: 1}), uid="second")).managers

    assert outcome(node, pod(want(devices={GPU: 2, NIC: 1})), policy, scope) == TOPOLOGY_AFFINITY


def test_the_refusal_of_the_topology_manager_is_the_kubelets() -> None:
    assert Rejection("TopologyAffinityError", "Resources cannot be allocated with Topology locality") == (
        outcome(managers(), pod(want(cpus=4)), Policy.RESTRICTED)
    )


def test_restricted_takes_two_nodes_where_every_resource_needs_two() -> None:
    asking = pod(want(cpus=5, memory=5 * GIB))
    (given,) = admitted(managers(), asking, Policy.RESTRICTED).assignments

    assert Hint(frozenset([0, 1]), preferred=True) == given.hint
    assert outcome(managers(), asking, Policy.SINGLE_NUMA_NODE) == TOPOLOGY_AFFINITY


def test_restricted_refuses_a_container_whose_resources_need_different_numbers_of_nodes() -> None:
    """CPUs prefer both nodes, the little memory prefers one: unequal hints merge to none that is preferred."""
    assert outcome(managers(), pod(want(cpus=5)), Policy.RESTRICTED) == TOPOLOGY_AFFINITY


@pytest.mark.parametrize("nodes", [{-1}, {7}])
@pytest.mark.parametrize("policy", ALIGNING)
def test_devices_on_no_real_node_are_refused_to_everybody(policy: Policy, nodes: set[int]) -> None:
    """Measured on 1.36.3: a device whose only node is -1 has no possible hint."""
    asking = pod(burstable(devices={GPU: 1}))
    offers = {GPU: offer(nodes)}

    assert admit(managers(), asking, offers, policy, Scope.CONTAINER) == TOPOLOGY_AFFINITY
    assert isinstance(admit(managers(), asking, offers, Policy.BEST_EFFORT, Scope.CONTAINER), Admission)


def test_best_effort_takes_what_there_is_wherever_it_is() -> None:
    (given,) = admitted(managers(), pod(want(cpus=4, devices={GPU: 3}))).assignments

    assert not given.hint.preferred
    assert len(given.granted.exclusive_cpus) == 4
    assert len(given.granted.devices) == 3


@pytest.mark.parametrize(
    ("asking", "message"),
    [
        (
            pod(want(devices={GPU: 5})),
            f"requested number of devices unavailable for {GPU}. Requested: 5, Available: 4",
        ),
        (pod(want(cpus=7)), "not enough cpus available to satisfy request: requested=4, available=3"),
    ],
    ids=["devices", "cpus"],
)
def test_what_is_not_there_is_an_unexpected_admission_error(asking: PodRequest, message: str) -> None:
    """Memory puts the hint on node 0, whose three CPUs are taken first; the kubelet's text speaks of the rest."""
    expected = Rejection("UnexpectedAdmissionError", f"Allocate failed due to {message}, which is unexpected")

    assert expected == outcome(managers(), asking)


def test_a_spanning_block_beside_single_node_blocks_is_refused_even_by_best_effort() -> None:
    """Measured on 1.36.3 with a pod of 5 GiB."""
    node = admitted(managers(), pod(want(), uid="small")).managers
    message = "[memorymanager] preferred hint violates NUMA node allocation"
    expected = Rejection("UnexpectedAdmissionError", f"Allocate failed due to {message}, which is unexpected")

    assert expected == outcome(node, pod(want(memory=5 * GIB)))


def test_in_scope_container_each_container_has_a_node_of_its_own() -> None:
    given = admitted(managers(), pod(want("a", cpus=3), want("b", cpus=3)), Policy.SINGLE_NUMA_NODE).assignments

    assert [cpus("1-3"), cpus("5-7")] == [assignment.granted.exclusive_cpus for assignment in given]


def test_in_scope_pod_all_containers_share_one_hint() -> None:
    fits, wide = pod(want("a", cpus=1), want("b", cpus=2)), pod(want("a", cpus=3), want("b", cpus=3))
    given = admitted(managers(), fits, Policy.SINGLE_NUMA_NODE, Scope.POD).assignments

    assert [cpus("1"), cpus("2-3")] == [assignment.granted.exclusive_cpus for assignment in given]
    assert outcome(managers(), wide, Policy.SINGLE_NUMA_NODE, Scope.POD) == TOPOLOGY_AFFINITY


def test_in_scope_pod_the_hint_counts_what_the_pod_needs_at_any_time_not_what_it_comes_to_hold() -> None:
    """The pod needs two CPUs at most and holds three: its sidecar takes CPU 1 rather than one that `init` leaves."""
    asking = pod(want("init", cpus=2, kind=Kind.INIT), want("side", cpus=1, kind=Kind.SIDECAR), want("main", cpus=1))
    given = admitted(managers(), asking, Policy.SINGLE_NUMA_NODE, Scope.POD).assignments

    assert [cpus("2-3"), cpus("1"), cpus("2")] == [assignment.granted.exclusive_cpus for assignment in given]


def test_init_containers_are_served_first_wherever_they_stand() -> None:
    asking = pod(want("app", cpus=1), want("init", cpus=2, kind=Kind.INIT))
    given = admitted(managers(), asking).assignments

    assert ["init", "app"] == [assignment.request.name for assignment in given]


def test_a_rejected_pod_holds_nothing() -> None:
    node = managers()
    asking = pod(want("fits", cpus=3, devices={GPU: 2}), want("does-not", cpus=4))

    assert isinstance(outcome(node, asking), Rejection)
    assert managers() == node


def test_a_plugins_preference_is_heard_only_where_there_is_a_choice() -> None:
    asked: list[tuple[str, list[str]]] = []

    def prefer(want: DeviceWant) -> list[str]:
        asked.append((want.resource, [device.device_id for device in want.available]))
        return ["d3"]

    result = admit(managers(), pod(want(devices={GPU: 1, NIC: 1})), OFFERS, Policy.BEST_EFFORT, Scope.CONTAINER, prefer)
    assert isinstance(result, Admission)

    assert [(GPU, ["d2", "d3"])] == asked
    assert ["d3", "n0"] == [device.device_id for device in result.assignments[0].granted.devices]


def step(node: NodeManagers, asking: PodRequest) -> ContainerPlan:
    """Return the plan of the pod's first container."""
    admission = begin(node, asking, OFFERS, Policy.BEST_EFFORT, Scope.CONTAINER)
    assert isinstance(admission, PodAdmission)
    planned = plan(node, admission, asking.in_order[0], OFFERS)
    assert isinstance(planned, ContainerPlan)
    return planned


def test_the_caller_can_walk_and_choose_the_devices_itself() -> None:
    planned = step(managers(), pod(want(cpus=1, devices={GPU: 1})))
    node = commit(managers(), planned, {GPU: ["d1"]})

    assert isinstance(node, NodeManagers)
    assert frozenset([Device(GPU, "d1", frozenset([0]))]) == node.devices.held["uid", "main"]


@pytest.mark.parametrize("ids", [[], ["d0", "d1"], ["d2"], ["nobody"]])
def test_devices_that_the_plan_does_not_offer_are_a_fault_of_the_caller(ids: list[str]) -> None:
    planned = step(managers(), pod(want(devices={GPU: 1})))

    with pytest.raises(ValueError, match=r"are not 1 of the devices that may be given"):
        commit(managers(), planned, {GPU: ids})


def test_a_container_that_runs_frees_the_memory_of_ended_init_containers_but_not_their_cpus() -> None:
    asking = pod(want("init", cpus=2, memory=GIB, kind=Kind.INIT), want("main", cpus=1))
    node = started(admitted(managers(), asking).managers, asking, asking.containers[1])
    assert node.cpus
    assert node.memory

    assert [("uid", "main")] == list(node.memory.held)
    assert [("uid", "init"), ("uid", "main")] == list(node.cpus.held)
    assert NONE == started(NONE, asking, asking.containers[1])


def test_release_gives_everything_back() -> None:
    asking = pod(want("init", cpus=2, devices={GPU: 1}, kind=Kind.INIT), want(cpus=1, devices={GPU: 2}))

    assert managers() == release(admitted(managers(), asking).managers, "uid")
    assert NONE == release(admitted(NONE, asking).managers, "uid")
    assert managers() == release(managers(), "nobody")
