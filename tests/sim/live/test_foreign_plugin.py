"""
A device plugin in plain gRPC on the live node.

The resource stands in the scenario as external: the node plays no plugin of its own for it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from node_rig import PATIENCE_SECONDS, NodeRig, container, node_rig, on_node, page_sum, pod
from plain_plugin import PlainPlugin, device, register
from sim_client import LIST, ask

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.sim.api import NODES, PODS

CARD = "example.com/card"
DEVICES = (device("card-a", 0), device("card-b", 1), device("card-wide", 0, 1))
IDS = {"card-a", "card-b", "card-wide"}
SCENARIO = f"""
kubelet: {{release: "1.36", cpu_manager: {{reserved: "0"}}}}
numa: [{{node: 0, cpus: "0-1", memory: 1Gi}}, {{node: 1, cpus: "2-3", memory: 1Gi}}]
resources: [{{name: {CARD}, external: true}}]
"""

Come = Callable[[], PlainPlugin]


@pytest.fixture
def live(short_dir: Path) -> Iterator[NodeRig]:
    with node_rig(SCENARIO, short_dir) as live:
        yield live


@pytest.fixture
def come(live: NodeRig) -> Iterator[Come]:
    """Yield a function that lets the plugin serve, register and be listed; it is stopped afterwards."""
    with ExitStack() as stack:

        def start() -> PlainPlugin:
            kubelet = live.node.devices.socket_path
            plugin = PlainPlugin(kubelet.with_name("foreign.sock"), *DEVICES)
            stack.callback(plugin.close)
            plugin.serve()
            assert (grpc.StatusCode.OK, "") == register(kubelet, plugin.path.name, CARD)
            live.wait_for_plugins(CARD)
            return plugin

        yield start


def allocated(plugin: PlainPlugin) -> list[frozenset[str]]:
    """Return the ids of every call of Allocate, in order."""
    return [frozenset(ids) for method, ids in plugin.asked if method == "Allocate"]


def hold(live: NodeRig, number: int = 1, name: str = "user") -> frozenset[str]:
    """Create a pod that asks for cards, and return those that it holds by List and by the exporter."""
    live.create(pod(name, container(devices={CARD: number})))
    held = live.agreed()[name]["cnt-00"].devices
    return frozenset(device_id for _, device_id in held)


def test_a_plugin_that_registers_is_listed_as_allocatable(live: NodeRig, come: Come) -> None:
    """The kubelet asks for the options, then for the list; each device has its nodes (GetAllocatableDevices)."""
    plugin = come()

    assert {
        (CARD, "card-a"): frozenset({0}),
        (CARD, "card-b"): frozenset({1}),
        (CARD, "card-wide"): frozenset({0, 1}),
    } == live.agreed_stock().devices
    assert [("GetDevicePluginOptions", ()), ("ListAndWatch", ())] == plugin.asked


def test_a_plugin_of_another_version_is_refused_in_the_words_of_the_kubelet(live: NodeRig) -> None:
    """Register checks the version first (plugin/v1beta1/server.go); nothing becomes allocatable."""
    refusal = register(live.node.devices.socket_path, "foreign.sock", CARD, version="v1alpha1")

    assert (
        grpc.StatusCode.UNKNOWN,
        'requested API version "v1alpha1" is not supported by kubelet. Supported version is ["v1beta1"]',
    ) == refusal
    assert {} == live.agreed_stock().devices


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_pod_is_admitted_with_the_ids_that_allocate_was_called_with(live: NodeRig, come: Come, number: int) -> None:
    """One Allocate with one container request, while the pod is admitted (allocateContainerResources)."""
    plugin = come()
    held = hold(live, number)

    assert ("Running", "") == live.status("user")
    assert [held] == allocated(plugin)
    assert number == len(held)
    assert held <= IDS


def test_a_pod_that_asks_for_too_much_is_rejected_and_the_plugin_never_asked(live: NodeRig, come: Come) -> None:
    """The kubelet counts before it calls (devicesToAllocate); a rejected pod is not listed (kubernetes #132028)."""
    plugin = come()
    live.create(on_node(pod("user", container(devices={CARD: 4})), live.node))

    assert ("Failed", "UnexpectedAdmissionError") == live.status("user")
    assert [] == allocated(plugin)
    assert {} == live.agreed()


def test_a_resource_that_nobody_has_registered_is_no_business_of_the_kubelet(live: NodeRig) -> None:
    """It may be one of the whole cluster: the pod runs, and holds nothing (removeMissingExtendedResources)."""
    live.create(on_node(pod("user", container(devices={CARD: 1})), live.node))

    assert ("Running", "") == live.status("user")
    assert frozenset() == live.listed()["user"]["cnt-00"].devices


def test_a_device_on_two_nodes_is_held_once_in_two_rows(live: NodeRig, come: Come) -> None:
    """List has a row for each node of a device (containerDevicesFromResourceDeviceInstances); it counts once."""
    come()
    held = hold(live, 3)
    answer = pb.ListPodResourcesResponse.FromString(ask(live.node.socket_path, LIST).body)
    (user,) = answer.pod_resources
    rows = [
        (name, node.ID) for row in user.containers[0].devices for name in row.device_ids for node in row.topology.nodes
    ]

    assert held == IDS
    assert [("card-a", 0), ("card-b", 1), ("card-wide", 0), ("card-wide", 1)] == sorted(rows)
    assert 3 == live.rig.scrape().value("podres_container_devices", pod="user")


def test_an_allocation_outlives_a_kubelet_restart_and_the_plugin_comes_back(live: NodeRig, come: Come) -> None:
    """
    The checkpoint keeps what is held; nothing is allocatable until the plugin has registered again.

    Its socket was removed, from which it can tell; Allocate is not called a second time.
    Source: CleanupPluginDirectory and readCheckpoint of devicemanager/manager.go.
    """
    first = come()
    hold(live)
    before, stock = live.listed(), live.allocatable()
    live.node.restart_kubelet()
    meanwhile, wiped = (live.listed(), live.allocatable()), not first.path.exists()
    unallocatable = page_sum(live.wait_for_exporter(), "podres_node_unallocatable_held_devices")
    first.close()
    second = come()

    assert (before, (stock.cpus, {})) == meanwhile
    assert wiped
    assert 1 == unallocatable
    assert stock == live.agreed_stock()
    assert before == live.agreed()
    assert [] == allocated(second)


def test_devices_that_are_held_over_a_kubelet_restart_are_not_given_again(live: NodeRig, come: Come) -> None:
    """What the checkpoint has restored counts as taken: the next pod gets the other two, and the one after it none."""
    first = come()
    held = hold(live)
    live.node.restart_kubelet()
    first.close()
    second = come()
    live.create(pod("second", container(devices={CARD: 2})))
    live.create(on_node(pod("third", container(devices={CARD: 1})), live.node))
    live.wait_for_exporter()
    others = live.agreed()["second"]["cnt-00"].devices

    assert {(CARD, each) for each in IDS - held} == others
    assert [IDS - held] == allocated(second)
    assert ("Failed", "UnexpectedAdmissionError") == live.status("third")


def test_a_pod_that_comes_before_its_plugin_has_come_back_is_rejected(live: NodeRig, come: Come) -> None:
    """After a restart the resource is known and has no healthy device (devicesToAllocate, kubernetes #109595)."""
    come()
    live.node.restart_kubelet()
    live.create(on_node(pod("early", container(devices={CARD: 1})), live.node))
    live.wait_for_exporter()

    assert ("Failed", "UnexpectedAdmissionError") == live.status("early")
    assert {} == live.agreed()


def test_a_plugin_that_dies_leaves_its_devices_held_but_not_allocatable(live: NodeRig, come: Come) -> None:
    """The end of the stream marks every device unhealthy; List goes on to show who holds one (PluginDisconnected)."""
    plugin = come()
    hold(live)
    before = live.listed()
    plugin.close()
    gone = live.node.devices.wait_until(lambda: not live.node.devices.healthy()[CARD], PATIENCE_SECONDS)
    live.create(on_node(pod("late", container(devices={CARD: 1})), live.node))
    stock = live.allocatable()
    page = live.rig.poll()

    assert gone
    assert {} == stock.devices
    assert stock == live.shown_stock()
    assert before == live.agreed()
    assert 1 == page_sum(page, "podres_node_unallocatable_held_devices")
    assert 0 == page_sum(page, "podres_node_free_devices")
    assert ("Failed", "UnexpectedAdmissionError") == live.status("late")


def test_a_pod_that_is_deleted_gives_its_devices_to_the_next_one(live: NodeRig, come: Come) -> None:
    """All three at once, twice: nothing is left behind (UpdateAllocatedDevices)."""
    plugin = come()
    first = hold(live, 3)
    live.delete("user")
    between = live.agreed()
    second = hold(live, 3)

    assert {} == between
    assert first == second
    assert [IDS, IDS] == allocated(plugin)


def test_what_a_plugin_says_of_its_devices_reaches_the_pod_and_the_node(live: NodeRig, come: Come) -> None:
    """The pod's status names the sick device (KEP-4680), and the node has one device less to give (GetCapacity)."""
    plugin = come()
    (held,) = hold(live)
    plugin.send(*[device(each.ID, health="Sick" if each.ID == held else "Healthy") for each in DEVICES])

    def told() -> bool:
        status = live.node.store.get(PODS, "default", "user")["status"]
        (row,) = status["containerStatuses"][0]["allocatedResourcesStatus"][0]["resources"]
        amounts = live.node.store.get(NODES, "", live.node.scenario.node)["status"]
        return ({"resourceID": held, "health": "Unhealthy"}, "3", "2") == (
            row,
            amounts["capacity"].get(CARD),
            amounts["allocatable"].get(CARD),
        )

    assert eventually(told)
