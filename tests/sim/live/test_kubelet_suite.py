"""
The cases of Kubernetes' own e2e suite for this API, on the simulated node and the exporter.

Numbers count the cases of test/e2e_node/podresources_test.go of Kubernetes 1.36 in the order of that file; each
docstring says in our words what the upstream test is called. `NodeRig.agreed` fails unless the exporter's snapshot and
page say what List says, and `agreed_stock` does the same for GetAllocatableResources.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from node_rig import Amounts, NodeRig, amounts, container, node_rig, page_sum, pod, pod_of
from sim_client import ALLOCATABLE, GET, LIST, ask, get_request

from podres_exporter.errors import KubeletError, Reason

RESOURCE = "example.com/resource"
ONE = {RESOURCE: 1}
BASE: Amounts = {"base": {"main": (0, {})}}
"""The pod that is there before any test begins, as the suite's node has some of its own."""

WITH_TOPOLOGY = "[{id: Dev-1, numa_nodes: [0]}, {id: Dev-2, numa_nodes: [1]}]"
WITHOUT_TOPOLOGY = "[{id: Dev-1}, {id: Dev-2}]"

Play = Callable[..., NodeRig]


@pytest.fixture
def play(short_dir: Path) -> Iterator[Play]:
    """Yield a function that starts a node: eight CPUs on two NUMA nodes, CPU 1 reserved, a resource of two devices."""
    with ExitStack() as stack:

        def start(*, cpus: str = "static", devices: str | None = WITH_TOPOLOGY, active_pods: bool = True) -> NodeRig:
            resources = "" if devices is None else f"{{name: {RESOURCE}, devices: {devices}}}"
            scenario = f"""
                kubelet:
                  release: "1.36"
                  cpu_manager: {{policy: {cpus}, reserved: "1"}}
                  memory_manager: {{reserved: {{0: 100Mi, 1: 100Mi}}}}
                  active_pods: {str(active_pods).lower()}
                numa: [{{node: 0, cpus: "0-3", memory: 4Gi}}, {{node: 1, cpus: "4-7", memory: 4Gi}}]
                resources: [{resources}]
                pods: [{{name: base, namespace: kube-system, spec: {{containers: [{{name: main}}]}}}}]
            """
            return stack.enter_context(node_rig(scenario, short_dir))

        yield start


@pytest.fixture
def live(play: Play) -> NodeRig:
    """Return the usual node."""
    return play()


def burstable(name: str = "cnt-00") -> dict[str, Any]:
    """Return a container that may use more than it asks for."""
    return {**container(name), "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}}}


def exclusive_cpus(live: NodeRig, name: str) -> frozenset[int]:
    """Return the CPUs of all the containers of a pod."""
    return frozenset[int]().union(*(held.cpus for held in live.listed()[name].values()))


def refusal(live: NodeRig, name: str) -> tuple[grpc.StatusCode, str]:
    """Return how Get fails over the socket, once the exporter's client has seen the same."""
    reply = live.get(name)
    with pytest.raises(KubeletError) as caught:
        live.rig.client.get("default", name)

    assert Reason.NOT_FOUND is caught.value.reason
    assert name not in live.agreed()
    return reply.code, reply.details


def got(live: NodeRig, name: str) -> Amounts:
    """Return what Get says of a pod, once List, the exporter's client and its snapshot have said the same."""
    found = pod_of(live.get(name))
    (shown,) = live.rig.client.get("default", name).pods

    assert {name: live.agreed()[name]} == found
    assert shown in [view.pod for view in live.allocation().pods]
    return amounts(found)


def not_found(name: str) -> tuple[grpc.StatusCode, str]:
    """Return how the kubelet refuses (server_v1.go Get: a bare Go error, which gRPC sends as UNKNOWN)."""
    return grpc.StatusCode.UNKNOWN, f"pod {name} in namespace default not found"


# List


def test_a_node_without_pods_of_ours_lists_the_base_pods_only(live: NodeRig) -> None:
    """Case 1, no pods running: List adds nothing to what was there (server_v1.go List)."""
    assert BASE == amounts(live.agreed())


def test_pods_that_ask_for_nothing_are_listed_with_nothing(live: NodeRig) -> None:
    """Case 2, only pods without resources: they are present, with neither devices nor CPUs (GetExclusiveCPUs)."""
    live.create(pod("pod-00"), pod("pod-01"))

    assert BASE | {"pod-00": {"cnt-00": (0, {})}, "pod-01": {"cnt-00": (0, {})}} == amounts(live.agreed())


@pytest.mark.parametrize("devices", [{}, ONE], ids=["CPUs alone", "CPUs and devices"])
def test_only_the_pods_that_asked_hold_something(live: NodeRig, devices: dict[str, int]) -> None:
    """Case 3, a subset of the pods needs CPUs or devices: what they hold is disjoint and allocatable."""
    live.create(
        pod("pod-00"),
        pod("pod-01", container(cpu="2", devices=devices)),
        pod("pod-02"),
        pod("pod-03", container(cpu="1", devices=devices)),
    )
    both = [exclusive_cpus(live, name) for name in ("pod-01", "pod-03")]

    assert BASE | {
        "pod-00": {"cnt-00": (0, {})},
        "pod-01": {"cnt-00": (2, devices)},
        "pod-02": {"cnt-00": (0, {})},
        "pod-03": {"cnt-00": (1, devices)},
    } == amounts(live.agreed())
    assert both[0].isdisjoint(both[1])
    assert both[0] | both[1] <= live.agreed_stock().cpus


@pytest.mark.parametrize("devices", [{}, ONE], ids=["CPUs alone", "CPUs and devices"])
def test_pods_created_between_two_calls_are_in_the_second(live: NodeRig, devices: dict[str, int]) -> None:
    """Case 4, pods that need CPUs or devices come between calls: the others keep what they have."""
    live.create(pod("pod-00"), pod("pod-01", container(cpu="2", devices=devices)))
    before = live.agreed()
    live.create(pod("pod-02", container(cpu="1", devices=devices)))
    after = live.agreed()

    assert BASE | {"pod-00": {"cnt-00": (0, {})}, "pod-01": {"cnt-00": (2, devices)}} == amounts(before)
    assert {"cnt-00": (1, devices)} == amounts(after)["pod-02"]
    assert before == {name: held for name, held in after.items() if name != "pod-02"}


@pytest.mark.parametrize("devices", [{}, ONE], ids=["CPUs alone", "CPUs and devices"])
def test_a_pod_deleted_between_two_calls_is_not_in_the_second(live: NodeRig, devices: dict[str, int]) -> None:
    """Case 5, pods go between calls: what the deleted one held can be had again, the others keep theirs."""
    live.create(pod("pod-00"), pod("pod-01", container(cpu="5", devices=devices)), pod("pod-02", container(cpu="1")))
    before = live.agreed()
    live.delete("pod-01")
    after = live.agreed()
    live.create(pod("pod-03", container(cpu="5", devices=devices)))

    assert {name: held for name, held in before.items() if name != "pod-01"} == after
    assert {"cnt-00": (5, devices)} == amounts(live.agreed())["pod-03"]


def test_a_request_of_one_and_a_half_cpus_grants_none_exclusively(live: NodeRig) -> None:
    """Case 6, a non-integral CPU request: the container shares the pool (guaranteedCPUs), its device is listed."""
    live.create(pod("pod-00", container(cpu="1500m", devices=ONE)), pod("pod-01", container(cpu="1500m")))

    assert BASE | {"pod-00": {"cnt-00": (0, ONE)}, "pod-01": {"cnt-00": (0, {})}} == amounts(live.agreed())


@pytest.mark.parametrize("devices", [{}, ONE], ids=["CPUs alone", "CPUs and devices"])
def test_restartable_init_containers_are_listed_and_plain_ones_are_not(live: NodeRig, devices: dict[str, int]) -> None:
    """Case 7, init containers: a restartable one comes first with what it holds (KEP-753, kubernetes #120718)."""
    live.create(
        pod(
            "pod-00",
            container(cpu="1", devices=devices),
            init=[
                container("init-00", cpu="1", devices=devices),
                container("init-01", cpu="1", devices=devices, restart="Always"),
            ],
        )
    )
    listed = live.agreed()

    assert BASE | {"pod-00": {"init-01": (1, devices), "cnt-00": (1, devices)}} == amounts(listed)
    assert ["init-01", "cnt-00"] == list(listed["pod-00"])
    assert 2 == len(exclusive_cpus(live, "pod-00"))


# GetAllocatableResources


def test_allocatable_cpus_are_the_online_ones_without_the_reserved(live: NodeRig) -> None:
    """Case 8, the CPUs with the static policy: reservedSystemCPUs are left out, granted ones are not (#112913)."""
    live.create(pod("pod-00", container(cpu="3")))

    assert frozenset({0, 2, 3, 4, 5, 6, 7}) == live.agreed_stock().cpus


def test_without_the_static_policy_no_cpu_is_allocatable(play: Play) -> None:
    """Case 9, the CPUs with the policy none: empty (policy_none.go), and Guaranteed pods hold none."""
    live = play(cpus="none")
    live.create(pod("pod-00", container(cpu="2")))

    assert frozenset() == live.agreed_stock().cpus
    assert BASE | {"pod-00": {"cnt-00": (0, {})}} == amounts(live.agreed())
    assert set() == live.rig.scrape().labels("podres_node_cpuset_info", "pool")


def test_without_a_device_plugin_no_device_is_allocatable(play: Play) -> None:
    """Case 10, devices without a plugin: empty (GetAllocatableDevices), the CPUs are there all the same."""
    stock = play(devices=None).agreed_stock()

    assert {} == stock.devices
    assert 7 == len(stock.cpus)


def test_all_allocatable_devices_are_those_of_the_plugin(live: NodeRig) -> None:
    """Case 10, devices with a plugin, granted ones too: every row has its resource, its id and its node."""
    live.create(pod("pod-00", container(devices=ONE)))

    assert {(RESOURCE, "Dev-1"): frozenset({0}), (RESOURCE, "Dev-2"): frozenset({1})} == live.agreed_stock().devices


# Get


def test_get_of_a_pod_that_does_not_exist_fails_on_an_empty_node(live: NodeRig) -> None:
    """Case 11, Get without pods: the error of server_v1.go names pod and namespace."""
    assert not_found("pod-00") == refusal(live, "pod-00")


def test_get_of_an_unknown_name_fails_beside_other_pods(live: NodeRig) -> None:
    """Case 12, Get of a wrong name: another pod is no answer."""
    live.create(pod("pod-00", container(cpu="1", devices=ONE)))

    assert not_found("pod-01") == refusal(live, "pod-01")


def test_get_of_a_pod_that_asks_for_nothing_is_one_container_with_nothing(live: NodeRig) -> None:
    """Case 13, Get of a pod without resources."""
    live.create(pod("pod-00"))

    assert {"pod-00": {"cnt-00": (0, {})}} == got(live, "pod-00")


@pytest.mark.parametrize("devices", [{}, ONE], ids=["CPU alone", "CPU and device"])
def test_get_of_a_pod_with_one_exclusive_cpu_has_it(live: NodeRig, devices: dict[str, int]) -> None:
    """Case 14, Get of a pod with one CPU: the shape is List's."""
    live.create(pod("pod-00", container(cpu="1", devices=devices)))

    assert {"pod-00": {"cnt-00": (1, devices)}} == got(live, "pod-00")


def test_get_of_three_containers_has_cpus_for_the_one_that_asked_for_whole_ones(live: NodeRig) -> None:
    """Case 15, Get of several containers, one with exclusive CPUs: the pod is Guaranteed, two share the pool."""
    live.create(pod("pod-00", container(cpu="1"), container("cnt-01", cpu="500m"), container("cnt-02", cpu="1500m")))

    assert {"pod-00": {"cnt-00": (1, {}), "cnt-01": (0, {}), "cnt-02": (0, {})}} == got(live, "pod-00")


def test_get_of_a_terminated_pod_fails(live: NodeRig) -> None:
    """Case 16, Get after the pod has ended: not found, as if it had never been (kubernetes #132028, KEP-3695)."""
    live.create(pod("pod-00", container(cpu="2", devices=ONE)))
    before = got(live, "pod-00")
    live.finish("pod-00")

    assert {"pod-00": {"cnt-00": (2, ONE)}} == before
    assert not_found("pod-00") == refusal(live, "pod-00")
    assert b"" == live.get("pod-00").body


@pytest.mark.parametrize("devices", [{}, ONE], ids=["CPUs alone", "CPUs and devices"])
def test_get_leaves_out_plain_init_containers_too(live: NodeRig, devices: dict[str, int]) -> None:
    """Case 17, Get with init containers: the restartable one alone is there (server_v1.go)."""
    live.create(
        pod(
            "pod-00",
            container(cpu="1", devices=devices),
            init=[
                container("init-00", cpu="1", devices=devices),
                container("init-01", cpu="1", devices=devices, restart="Always"),
            ],
        )
    )

    assert {"pod-00": {"init-01": (1, devices), "cnt-00": (1, devices)}} == got(live, "pod-00")


def test_list_and_get_say_the_same_of_every_pod(live: NodeRig) -> None:
    """Case 18, List and Get are consistent: for each pod in the list, whatever it holds."""
    live.create(
        pod("pod-00"),
        pod("pod-01", container(cpu="2", devices=ONE)),
        pod("pod-02", container(cpu="500m"), container("cnt-01", cpu="1")),
        pod("pod-03", burstable(), init=[container("init-00", devices=ONE, restart="Always")]),
    )
    names = ["pod-00", "pod-01", "pod-02", "pod-03"]
    listed = amounts(live.agreed())

    assert {name: listed[name] for name in names} == {k: v for name in names for k, v in got(live, name).items()}
    assert {"init-00": (0, ONE), "cnt-00": (0, {})} == listed["pod-03"]


def test_get_answers_as_before_once_list_works_after_a_kubelet_restart(live: NodeRig) -> None:
    """Case 19, Get after a restart: the client reconnects and the checkpoints have kept the pod's CPU and device."""
    live.create(pod("pod-00", container(cpu="1", devices=ONE)))
    before, got_before = live.agreed(), pod_of(live.get("pod-00"))
    live.node.restart_kubelet()
    live.wait_for_plugins(RESOURCE)
    live.wait_for_exporter()

    assert before == live.agreed()
    assert got_before == pod_of(live.get("pod-00"))
    assert {"pod-00": {"cnt-00": (1, ONE)}} == got(live, "pod-00")
    assert 1 == live.rig.scrape().value("podres_kubelet_restarts_total")


# Finished pods


@pytest.fixture(params=[True, False], ids=["active pods", "all pods"])
def active_pods(request: pytest.FixtureRequest) -> bool:
    """Return the gate KubeletPodResourcesListUseActivePods: on from 1.34, without it the kubelet lists every pod."""
    return bool(request.param)


def test_finished_pods_of_every_qos_class_are_listed_without_the_gate_only(play: Play, active_pods: bool) -> None:
    """Cases 20 and 26, mixed QoS, some pods ended: only running ones, or all of them (kubernetes #132028)."""
    live = play(active_pods=active_pods)
    live.create(
        pod("gu-running", container(cpu="1", devices=ONE)),
        pod("gu-ended", container(cpu="2", devices=ONE)),
        pod("bu-running", burstable()),
        pod("bu-ended", burstable()),
        pod("be-running"),
        pod("be-ended"),
    )
    live.finish("gu-ended", "bu-ended", "be-ended")
    running: Amounts = {
        "gu-running": {"cnt-00": (1, ONE)},
        "bu-running": {"cnt-00": (0, {})},
        "be-running": {"cnt-00": (0, {})},
    }
    ended: Amounts = {name: {"cnt-00": (0, {})} for name in ("gu-ended", "bu-ended", "be-ended")}

    assert BASE | running | ({} if active_pods else ended) == amounts(live.agreed())


def test_the_one_pod_that_runs_among_many_is_listed_alone_with_the_gate_only(play: Play, active_pods: bool) -> None:
    """Cases 21 and 27, one pod running among several that ended (kubernetes #132028)."""
    live = play(active_pods=active_pods)
    names = [f"pod-{number:02}" for number in range(5)]
    live.create(*(pod(name, container(cpu="1")) for name in names))
    live.finish(*names[:2], *names[3:])
    ended: Amounts = {} if active_pods else {name: {"cnt-00": (0, {})} for name in names if name != "pod-02"}

    assert BASE | {"pod-02": {"cnt-00": (1, {})}} | ended == amounts(live.agreed())


TERMINATED = [
    pytest.param("1000m", 1, id="one exclusive"),
    pytest.param("1000m", 3, id="three exclusive"),
    pytest.param("200m", 1, id="one shared"),
    pytest.param("200m", 3, id="three shared"),
]
"""The rows of upstream's table of terminated pods: CPU request and number of pods."""


@pytest.mark.parametrize(("cpu", "number"), TERMINATED)
def test_when_all_pods_have_ended_none_is_listed_however_often_one_asks(live: NodeRig, cpu: str, number: int) -> None:
    """Cases 22 to 25, all pods terminated: List is empty of them, consistently (kubernetes #132028)."""
    names = [f"pod-{each:02}" for each in range(number)]
    live.create(*(pod(name, container(cpu=cpu)) for name in names))
    running = live.agreed()
    live.finish(*names)

    assert {"base", *names} == set(running)
    assert [BASE] * 3 == [amounts(live.agreed()) for _ in range(3)]
    assert ["Succeeded"] * number == [live.status(name)[0] for name in names]


@pytest.mark.parametrize(("cpu", "number"), TERMINATED)
def test_when_all_pods_have_ended_all_are_listed_without_the_gate(play: Play, cpu: str, number: int) -> None:
    """Cases 28 to 31, all pods terminated and the gate off: they stay, with their memory alone (kubernetes #132020)."""
    live = play(active_pods=False)
    names = [f"pod-{each:02}" for each in range(number)]
    live.create(*(pod(name, container(cpu=cpu)) for name in names))
    memory = {name: held.memory for name in names for held in live.listed()[name].values()}
    live.finish(*names)
    answers = [live.agreed() for _ in range(3)]

    assert [BASE | {name: {"cnt-00": (0, {})} for name in names}] * 3 == [amounts(each) for each in answers]
    assert memory == {name: held.memory for name in names for held in answers[-1][name].values()}
    assert [1] * number == [len(blocks) for blocks in memory.values()]


# The rest


def test_devices_without_topology_have_none_and_are_held_over_a_kubelet_restart(play: Play) -> None:
    """Case 32, a plugin that knows no topology: nil in both answers, not node 0; List is the same after a restart."""
    live = play(devices=WITHOUT_TOPOLOGY)
    live.create(pod("pod-00", container(cpu="1", devices=ONE)))
    before, stock = live.agreed(), live.agreed_stock()
    live.node.restart_kubelet()
    live.wait_for_plugins(RESOURCE)
    live.wait_for_exporter()

    assert {(RESOURCE, "Dev-1"): None, (RESOURCE, "Dev-2"): None} == stock.devices
    assert {""} == live.rig.scrape().labels("podres_container_device_info", "numa_nodes")
    assert before == live.agreed()
    assert stock == live.agreed_stock()


def test_every_call_is_counted_by_its_method(live: NodeRig) -> None:
    """
    Case 33, the kubelet's metrics of the endpoint. The node has no metrics page: its counter of calls stands for it.

    The exporter counts its own calls, and both counts are equal while nobody else asks.
    """
    live.create(pod("pod-00"))
    codes = [ask(live.node.socket_path, method, get_request("pod-00")).code for method in (LIST, ALLOCATABLE, GET)]
    asked = dict(live.node.kubelet.calls)
    page = live.rig.poll()
    more = {method: count - asked[method] for method, count in live.node.kubelet.calls.items()}

    assert [grpc.StatusCode.OK] * 3 == codes
    assert {"List": 1, "GetAllocatableResources": 1, "Get": 1} == asked
    assert more == {method: page.value("podres_kubelet_rpcs_total", rpc=method) for method in asked}


def test_of_two_hundred_lists_in_a_loop_the_first_is_answered_and_some_are_rejected(live: NodeRig) -> None:
    """Case 34, the rate limit: 100 a second, ten at once (kubernetes #116459)."""
    codes = []
    with grpc.insecure_channel(f"unix:{live.node.socket_path}") as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(LIST)
        for _ in range(200):
            try:
                call(b"", timeout=60)
                codes.append((grpc.StatusCode.OK, ""))
            except grpc.RpcError as error:
                codes.append((error.code(), error.details() or ""))

    assert (grpc.StatusCode.OK, "") == codes[0]
    assert {(grpc.StatusCode.OK, ""), (grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit")} == set(codes)


def test_an_exporter_that_is_rejected_goes_on_showing_what_it_knows(live: NodeRig) -> None:
    """Case 34 from the other side: two hundred polls in a loop lose no pod, and the rejections are counted as such."""
    live.create(pod("pod-00", container(cpu="2", devices=ONE)))
    listed = live.agreed()
    for _ in range(200):
        live.rig.poller.tick()
    page = live.rig.scrape()

    assert listed == live.shown()
    assert 0 < (page.value("podres_kubelet_rpc_errors_total", rpc="GetAllocatableResources", reason="throttled") or 0)
    assert 2 == page_sum(page, "podres_pod_exclusive_cpus")
