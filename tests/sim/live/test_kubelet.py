"""The kubelet's pods: admission, holdings, and what is listed."""

from collections.abc import Iterator

import pytest
from live_bench import GPU, NIC, Bench, OddPlugin, bench, container, ids, manifest

from podres_exporter.admission import TOPOLOGY_AFFINITY, Rejection
from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import Container, Pod
from podres_exporter.sim.devices import DeviceState, PluginOptions
from podres_exporter.sim.live import Kubelet, Phase

ALIGNED = "topology_manager: {policy: single-numa-node}"
GIB = 1 << 30


@pytest.fixture(scope="module", name="node")
def a_node() -> Iterator[Bench]:
    """Yield a node with two GPUs and four NICs; each test has a kubelet of its own in front of it."""
    with bench() as found:
        yield found


def listed(kubelet: Kubelet) -> dict[str, Pod]:
    return {pod.name: pod for pod in kubelet.listed()}


def main(kubelet: Kubelet, name: str) -> Container:
    """Return what List says of the last container of a pod."""
    return listed(kubelet)[name].containers[-1]


def unexpected(text: str) -> Rejection:
    return Rejection("UnexpectedAdmissionError", f"Allocate failed due to {text}, which is unexpected")


def test_an_admitted_pod_holds_what_it_asked_for_on_one_node(node: Bench) -> None:
    """single-numa-node: CPUs, memory and devices of a Guaranteed pod are of one NUMA node (scope_container.go)."""
    kubelet = node.kubelet(settings=ALIGNED)

    live = kubelet.admit(manifest("a", container(cpu="2", memory="1Gi", gpu=1, nic=1)))
    held = main(kubelet, "a")

    assert (Phase.RUNNING, None) == (live.phase, live.rejection)
    assert ["GPU-0", "NIC-0"] == ids(held.devices)
    assert 2 == len(held.exclusive_cpus)
    assert held.exclusive_cpus < parse_cpuset("1-3")
    assert [({0}, GIB)] == [(set(block.numa_nodes), block.size_bytes) for block in held.memory]
    assert live is kubelet.pod("a")


def test_a_pod_that_asks_for_nothing_is_listed_with_nothing(node: Bench) -> None:
    """Pods and containers are never left out (server_v1.go List)."""
    kubelet = node.kubelet()

    kubelet.admit({"metadata": {"name": "a", "uid": "a"}, "spec": {"containers": [{"name": "main"}]}})

    assert (Pod("default", "a", (Container("main"),)),) == kubelet.listed()


def test_managers_that_are_off_give_nothing(node: Bench) -> None:
    """CPU manager `none` and memory manager `None` list nothing, devices are given out all the same."""
    kubelet = node.kubelet(more="", settings="memory_manager: {policy: None}")
    kubelet.admit(manifest("a", container(cpu="1", gpu=1)))

    assert () == main(kubelet, "a").memory
    assert 1 == len(main(kubelet, "a").exclusive_cpus)
    assert ["GPU-0"] == ids(main(kubelet, "a").devices)


def test_a_resource_without_a_plugin_is_nobodys_business(node: Bench) -> None:
    """The kubelet starts a pod without a resource that no plugin ever registered (isDevicePluginResource)."""
    kubelet = node.kubelet()

    live = kubelet.admit(manifest("a", container(fpga=1)))

    assert live.rejection is None
    assert () == main(kubelet, "a").devices


def test_no_place_on_one_node_is_a_topology_affinity_error(node: Bench) -> None:
    """single-numa-node admits nothing that spans: two GPUs are on two nodes (policy_single_numa_node.go)."""
    kubelet = node.kubelet(settings=ALIGNED)

    live = kubelet.admit(manifest("a", container(cpu="1", gpu=2)))

    assert (Phase.FAILED, TOPOLOGY_AFFINITY) == (live.phase, live.rejection)


def test_scope_pod_aligns_all_containers_together(node: Bench) -> None:
    """Two containers with a GPU each cannot share one node in scope pod, and need not in scope container."""
    pod = manifest("a", container("one", cpu="1", gpu=1), container("two", cpu="1", gpu=1))

    by_pod = node.kubelet(settings="topology_manager: {policy: single-numa-node, scope: pod}").admit(pod)
    by_container = node.kubelet(settings=ALIGNED).admit(pod)

    assert TOPOLOGY_AFFINITY == by_pod.rejection
    assert by_container.rejection is None


def test_what_is_not_there_is_an_unexpected_admission_error(node: Bench) -> None:
    """The texts are the device manager's and the CPU manager's (devicesToAllocate; policy_static.go)."""
    kubelet = node.kubelet()

    gpus = kubelet.admit(manifest("gpus", container(gpu=3)))
    cpus = kubelet.admit(manifest("cpus", container(cpu="7")))

    number = f"requested number of devices unavailable for {GPU}. Requested: 3, Available: 2"
    assert unexpected(number) == gpus.rejection
    assert cpus.rejection is not None
    assert "UnexpectedAdmissionError" == cpus.rejection.reason
    assert "not enough cpus available to satisfy request" in cpus.rejection.message


@pytest.mark.parametrize(
    "late", [container("late", gpu=1), container("late", cpu="7"), container("late", cpu="1", memory="9Gi")]
)
def test_a_rejection_leaves_nothing_held(node: Bench, late: dict[str, object]) -> None:
    """What the containers before got is free again at once, for the pod never runs."""
    kubelet = node.kubelet(33)
    early = container("early", cpu="3", memory="1Gi", gpu=2, nic=4)

    live = kubelet.admit(manifest("a", early, late))
    again = kubelet.admit(manifest("b", early))

    assert live.rejection is not None
    assert (Container("early"), Container("late")) == listed(kubelet)["a"].containers
    assert (Container("early"), Container("late")) == kubelet.held("a")
    assert again.rejection is None


@pytest.mark.parametrize(("release", "names"), [(20, ["a", "b"]), (33, ["a", "b"]), (34, ["b"]), (37, ["b"])])
def test_a_rejected_pod_is_listed_up_to_release_1_33(node: Bench, release: int, names: list[str]) -> None:
    """GetPods has every pod of the sources, GetActivePods only those that are not terminal (#132028)."""
    kubelet = node.kubelet(release)

    kubelet.admit(manifest("a", container(gpu=9)))
    kubelet.admit(manifest("b"))

    assert names == sorted(listed(kubelet))


@pytest.mark.parametrize(("switch", "names"), [("true", []), ("false", ["a"])])
@pytest.mark.parametrize("release", [30, 36])
def test_the_gate_for_active_pods_decides_whatever_the_release(
    node: Bench, release: int, switch: str, names: list[str]
) -> None:
    """KubeletPodResourcesListUseActivePods; OpenShift has it on since 1.29."""
    kubelet = node.kubelet(release, settings=f"active_pods: {switch}")
    kubelet.admit(manifest("a"))
    kubelet.finish("a")

    assert names == sorted(listed(kubelet))


@pytest.mark.parametrize("release", [20, 21, 32, 33])
def test_a_finished_pod_keeps_its_memory_and_nothing_else(node: Bench, release: int) -> None:
    """It stays in List with its memory rows up to 1.33 (#132020), devices and CPUs go back (removeStaleState)."""
    kubelet = node.kubelet(release)
    kubelet.admit(manifest("a", container(cpu="2", memory="1Gi", gpu=1)))

    live = kubelet.finish("a")
    left = main(kubelet, "a")

    assert live is not None
    assert Phase.SUCCEEDED == live.phase
    assert () == left.devices
    assert frozenset() == left.exclusive_cpus
    assert [GIB] == [block.size_bytes for block in left.memory]


@pytest.mark.parametrize("release", [22, 27, 31])
def test_the_last_admitted_keeps_devices_and_cpus_until_another_one_comes(node: Bench, release: int) -> None:
    """The pendingAdmissionPod counts as active from 1.22 to 1.31 (setPodPendingAdmission; #119423)."""
    kubelet = node.kubelet(release)
    kubelet.admit(manifest("a", container(cpu="2", memory="1Gi", gpu=2)))
    before = main(kubelet, "a")

    kubelet.finish("a")
    finished = main(kubelet, "a")
    other = kubelet.admit(manifest("b", container(gpu=2)))
    afterwards = main(kubelet, "a")

    assert before == finished
    assert ["GPU-0", "GPU-1"] == ids(finished.devices)
    assert other.rejection is None
    assert () == afterwards.devices
    assert frozenset() == afterwards.exclusive_cpus
    assert () == afterwards.memory


def test_one_that_was_not_admitted_last_gives_back_at_once(node: Bench) -> None:
    """On 1.27 too: only one pod is pending admission."""
    kubelet = node.kubelet(27)
    kubelet.admit(manifest("a", container(cpu="2", gpu=1)))
    kubelet.admit(manifest("b", container(gpu=1)))

    kubelet.finish("a")

    assert () == main(kubelet, "a").devices
    assert ["GPU-1"] == ids(main(kubelet, "b").devices)


def test_a_running_pod_that_was_admitted_last_keeps_what_it_has(node: Bench) -> None:
    """Another one's admission lets go of finished pods only."""
    kubelet = node.kubelet(27)
    kubelet.admit(manifest("a", container(cpu="2", gpu=1)))
    before = main(kubelet, "a")

    kubelet.admit(manifest("b"))

    assert before == main(kubelet, "a")


@pytest.mark.parametrize("release", [34, 36])
def test_a_finished_pod_is_gone_from_the_list_since_1_34(node: Bench, release: int) -> None:
    """GetActivePods (#132028); its devices go to the next one, and what it was stays known."""
    kubelet = node.kubelet(release)
    kubelet.admit(manifest("a", container(gpu=2)))

    kubelet.finish("a")
    other = kubelet.admit(manifest("b", container(gpu=2)))
    finished = kubelet.pod("a")

    assert ["b"] == sorted(listed(kubelet))
    assert other.rejection is None
    assert finished is not None
    assert Phase.SUCCEEDED == finished.phase


def test_memory_of_a_finished_pod_is_free_once_another_one_comes(node: Bench) -> None:
    """3 GiB on each of two nodes of 4 GiB leave no node for 3 more, until a pod has ended (removeStaleState)."""
    kubelet = node.kubelet(settings=ALIGNED)
    for name in ("a", "b"):
        kubelet.admit(manifest(name, container(cpu="1", memory="3Gi")))

    refused = kubelet.admit(manifest("c", container(cpu="1", memory="3Gi")))
    kubelet.finish("a")
    admitted = kubelet.admit(manifest("d", container(cpu="1", memory="3Gi")))

    assert refused.rejection is not None
    assert "UnexpectedAdmissionError" == refused.rejection.reason
    assert "[memorymanager]" in refused.rejection.message
    assert admitted.rejection is None


def test_only_a_running_pod_can_finish(node: Bench) -> None:
    """A rejected pod never ran, a finished one has finished, and of others the kubelet knows nothing."""
    kubelet = node.kubelet()
    kubelet.admit(manifest("rejected", container(gpu=9)))
    kubelet.admit(manifest("done"))
    kubelet.finish("done")

    assert [None, None, None] == [kubelet.finish(uid) for uid in ("rejected", "done", "unknown")]


def test_a_removed_pod_is_forgotten(node: Bench) -> None:
    """It is listed no more and all it held goes to the next; removing it again is nothing."""
    kubelet = node.kubelet(27)
    kubelet.admit(manifest("a", container(cpu="3", memory="3Gi", gpu=2, nic=4)))

    kubelet.remove("a")
    kubelet.remove("a")
    again = kubelet.admit(manifest("b", container(cpu="3", memory="3Gi", gpu=2, nic=4)))

    assert (None, ()) == (kubelet.pod("a"), kubelet.held("a"))
    assert ["b"] == sorted(listed(kubelet))
    assert again.rejection is None


def test_what_an_init_container_leaves_is_held_but_not_listed(node: Bench) -> None:
    """2 CPUs and 2 GPUs for init, 1 of each for the app: one of each stays with the pod, invisible (measured, 1.36)."""
    kubelet = node.kubelet()
    kubelet.admit(manifest("a", container(cpu="1", gpu=1), inits=[container("init", cpu="2", gpu=2)]))
    init, app = kubelet.held("a")

    gpu = kubelet.admit(manifest("b", container(gpu=1)))
    five = kubelet.admit(manifest("c", container(cpu="5")))
    four = kubelet.admit(manifest("d", container(cpu="4")))

    assert [app] == list(listed(kubelet)["a"].containers)
    assert (2, 1) == (len(init.exclusive_cpus), len(app.exclusive_cpus))
    assert app.exclusive_cpus < init.exclusive_cpus
    assert (["GPU-0", "GPU-1"], 1) == (ids(init.devices), len(app.devices))
    assert unexpected(f"requested number of devices unavailable for {GPU}. Requested: 1, Available: 0") == gpu.rejection
    assert five.rejection is not None
    assert four.rejection is None


@pytest.mark.parametrize(
    ("release", "names"), [(29, ["one", "two"]), (30, ["side", "one", "two"]), (36, ["side", "one", "two"])]
)
def test_sidecars_are_listed_first_since_1_30(node: Bench, release: int, names: list[str]) -> None:
    """Restartable init containers in front of the others, plain ones never (server_v1.go)."""
    kubelet = node.kubelet(release)
    inits = [container("init"), container("side", sidecar=True)]

    kubelet.admit(manifest("a", container("one"), container("two"), inits=inits))

    assert names == [each.name for each in listed(kubelet)["a"].containers]


def test_a_claim_is_on_each_container_that_refers_to_it(node: Bench) -> None:
    """GetDynamicResources goes by container; a claim that the node does not have is not there."""
    kubelet = node.kubelet()
    containers = [container("one", claims=["x", "y"]), container("two", claims=["x", "z"]), container("three")]
    objects = {"x": "lane", "y": "wheel", "z": "not-here"}

    kubelet.admit(manifest("a", *containers, claims=objects))
    found = [[claim.name for claim in each.claims] for each in listed(kubelet)["a"].containers]

    assert [["lane", "wheel"], ["lane"], []] == found


def test_a_claim_of_another_namespace_is_none(node: Bench) -> None:
    """A pod refers to claims of its own namespace only."""
    kubelet = node.kubelet()
    pod = manifest("a", container(claims=["x"]), claims={"x": "lane"})
    pod["metadata"]["namespace"] = "other"

    kubelet.admit(pod)

    assert () == main(kubelet, "a").claims


def test_a_finished_pod_has_no_claims(node: Bench) -> None:
    """Claims are unprepared when the pod's containers have ended (UnprepareResources)."""
    kubelet = node.kubelet(33)
    kubelet.admit(manifest("a", container(claims=["x"]), claims={"x": "lane"}))
    before = main(kubelet, "a").claims

    kubelet.finish("a")

    assert ["lane"] == [claim.name for claim in before]
    assert () == main(kubelet, "a").claims


def test_an_object_that_is_no_pod_changes_nothing(node: Bench) -> None:
    """Whoever sent it is told; the kubelet goes on without it."""
    kubelet = node.kubelet()

    with pytest.raises(KeyError):
        kubelet.admit({"metadata": {"name": "a", "uid": "a"}, "spec": {}})

    assert () == kubelet.listed()


@pytest.mark.parametrize(
    ("fails", "options", "text"),
    [
        ("Allocate", PluginOptions(), "rpc error: code = Internal desc = no Allocate today"),
        (
            "GetPreferredAllocation",
            PluginOptions(get_preferred_allocation_available=True),
            (
                "device plugin GetPreferredAllocation rpc failed with err: "
                "rpc error: code = Internal desc = no GetPreferredAllocation today"
            ),
        ),
    ],
)
def test_a_plugin_that_fails_has_the_pod_rejected(fails: str, options: PluginOptions, text: str) -> None:
    """An error of a plugin's call is an UnexpectedAdmissionError with the RPC's text, and nothing stays held."""
    resource = "example.com/odd"
    with bench({GPU: {"GPU-0": DeviceState()}}) as node, OddPlugin(resource, node.directory, fails, options):
        assert node.devices.wait_until(lambda: resource in node.devices.known(), 10)
        kubelet = node.kubelet(33)

        live = kubelet.admit(manifest("a", container("first", gpu=1), container("second", odd=1)))
        other = kubelet.admit(manifest("b", container(gpu=1)))

    assert unexpected(text) == live.rejection
    assert (Container("first"), Container("second")) == listed(kubelet)["a"].containers
    assert other.rejection is None


def test_a_plugin_that_asks_for_it_is_told_of_every_container_with_its_devices() -> None:
    """PreStartContainer comes once per container that has devices of the plugin, and only if it is required."""
    pod = manifest("a", container(nic=2), container("none"), inits=[container("init", nic=1)])
    stated = {NIC: {f"NIC-{index}": DeviceState() for index in range(3)}}
    with bench(stated, PluginOptions(pre_start_required=True)) as node:
        node.kubelet().admit(pod)
        told = node.plugins[NIC].calls
    with bench(stated) as node:
        node.kubelet().admit(pod)
        untold = node.plugins[NIC].calls

    assert (2, 2, 0) == (told["PreStartContainer"], told["Allocate"], told["GetPreferredAllocation"])
    assert (0, 2) == (untold["PreStartContainer"], untold["Allocate"])


def test_a_plugin_is_asked_which_devices_it_would_take_where_there_is_a_choice() -> None:
    """Two NICs are on each node: a container that needs both leaves no choice (devicesToAllocate)."""
    with bench() as node:
        kubelet = node.kubelet(settings=ALIGNED)
        kubelet.admit(manifest("both", container(nic=2)))
        without_choice = node.plugins[NIC].calls["GetPreferredAllocation"]
        kubelet.admit(manifest("one", container(nic=1)))
        with_choice = node.plugins[NIC].calls["GetPreferredAllocation"]

    assert (0, 1) == (without_choice, with_choice)


def test_a_plugin_that_has_gone_has_no_healthy_devices() -> None:
    """Its devices are all unhealthy when its stream ends; running pods keep theirs (devicemanager manager.go)."""
    with bench() as node:
        kubelet = node.kubelet()
        kubelet.admit(manifest("a", container(gpu=1)))
        node.plugins[GPU].stop()
        assert node.devices.wait_until(lambda: not node.devices.healthy()[GPU], 10)

        live = kubelet.admit(manifest("b", container(gpu=1)))

    assert unexpected(f"no healthy devices present; cannot allocate unhealthy devices {GPU}") == live.rejection
    assert ["GPU-0"] == ids(main(kubelet, "a").devices)


def test_a_sick_device_is_given_to_nobody() -> None:
    """One of two GPUs is sick, so the second pod that wants one goes without."""
    sick = {GPU: {"GPU-0": DeviceState((0,), healthy=False), "GPU-1": DeviceState((1,))}}
    with bench(sick) as node:
        kubelet = node.kubelet()
        kubelet.admit(manifest("a", container(gpu=1)))
        live = kubelet.admit(manifest("b", container(gpu=1)))

    assert ["GPU-1"] == ids(main(kubelet, "a").devices)
    assert (
        unexpected(f"requested number of devices unavailable for {GPU}. Requested: 1, Available: 0") == live.rejection
    )


def test_nodes_are_as_the_plugin_stated_them() -> None:
    """A device of -1 alone is near nothing, one without topology is near everything (generateDeviceTopologyHints)."""
    with bench({GPU: {"x": DeviceState((-1,))}, NIC: {"y": DeviceState()}}) as node:
        nowhere = node.kubelet(settings=ALIGNED).admit(manifest("a", container(gpu=1)))
        anywhere = node.kubelet(settings=ALIGNED).admit(manifest("b", container(nic=1)))

    assert TOPOLOGY_AFFINITY == nowhere.rejection
    assert anywhere.rejection is None
