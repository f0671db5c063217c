"""Metrics of device-plugin devices."""

from dataclasses import replace

from pages import sample_lines, wanted
from snapshots import NOTHING, TWO_NODES, holding, one_container, stocked

from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.families.spec import ContainerFamily
from podres_exporter.model import (
    Allocation,
    Container,
    ContainerView,
    CpuStock,
    Device,
    DeviceHealth,
    DeviceStock,
    DoubleHeld,
    Holder,
    Pod,
    PodView,
    Snapshot,
    Thing,
)

NOWHERE: frozenset[int] = frozenset()
STOCK_FAMILIES = (
    "podres_node_allocatable_devices",
    "podres_node_allocated_devices",
    "podres_node_free_devices",
    "podres_node_unallocatable_held_devices",
)


def device(resource: str, device_id: str, *nodes: int) -> Device:
    return Device(resource, device_id, frozenset(nodes))


def test_devices_are_counted_by_resource() -> None:
    """The same id under two resources is two devices: ids are unique within a resource only."""
    snapshot = one_container(
        Container("main", devices=(device("a/gpu", "0", 0), device("a/gpu", "1", 1), device("b/nic", "0", 0)))
    )

    actual = sample_lines(snapshot, "podres_container_devices")

    assert (
        wanted(
            """
            podres_container_devices{namespace="ml",pod="a",container="main",resource="a/gpu"} 2
            podres_container_devices{namespace="ml",pod="a",container="main",resource="b/nic"} 1
            """
        )
        == actual
    )


def test_a_container_without_devices_has_no_series() -> None:
    """The kubelet lists every container; a series of zeros for each would say nothing."""
    snapshot = holding(Pod("ml", "a", (Container("main"),)), Pod("ml", "b"))

    actual = sample_lines(snapshot, "podres_container_devices", "podres_container_device_info")

    assert actual == "\n"


def test_each_device_has_a_series_with_its_nodes() -> None:
    """Node 0 is a real node, several nodes are one series, and no node is an empty text."""
    snapshot = one_container(
        Container("c", devices=(device("a/g", "N"), device("a/g", "W", 0, 1), device("a/g", "Z", 0)))
    )

    actual = sample_lines(snapshot, "podres_container_device_info")

    identity = 'podres_container_device_info{namespace="ml",pod="a",container="c",resource="a/g"'
    assert (
        f"\n"
        f'{identity},device="N",device_base="N",replica="",numa_nodes=""}} 1\n'
        f'{identity},device="W",device_base="W",replica="",numa_nodes="0-1"}} 1\n'
        f'{identity},device="Z",device_base="Z",replica="",numa_nodes="0"}} 1\n'
    ) == actual


def test_the_replica_stands_on_the_page_beside_the_whole_id() -> None:
    """The whole id joins with the plugin's logs, the base with DCGM's UUID label."""
    snapshot = one_container(Container("c", devices=(device("g", "GPU-7f3c::3"),)))

    actual = sample_lines(snapshot, "podres_container_device_info")

    assert 'device="GPU-7f3c::3",device_base="GPU-7f3c",replica="3"' in actual


def test_what_is_left_is_told_by_sets_of_ids() -> None:
    """A held device may be missing from the report, so counts cannot be subtracted."""
    snapshot = stocked(
        devices=(
            DeviceStock("a/gpu", frozenset({0}), frozenset({"x", "y"}), frozenset({"y", "gone"})),
            DeviceStock("a/nic", NOWHERE, frozenset({"n"}), frozenset()),
        )
    )

    actual = sample_lines(snapshot, *STOCK_FAMILIES)

    assert (
        wanted(
            """
            podres_node_allocatable_devices{resource="a/gpu",numa_nodes="0"} 3
            podres_node_allocatable_devices{resource="a/nic",numa_nodes=""} 1
            podres_node_allocated_devices{resource="a/gpu",numa_nodes="0"} 2
            podres_node_allocated_devices{resource="a/nic",numa_nodes=""} 0
            podres_node_free_devices{resource="a/gpu",numa_nodes="0"} 1
            podres_node_free_devices{resource="a/nic",numa_nodes=""} 1
            podres_node_unallocatable_held_devices{resource="a/gpu",numa_nodes="0"} 1
            podres_node_unallocatable_held_devices{resource="a/nic",numa_nodes=""} 0
            """
        )
        == actual
    )


def test_what_is_allocatable_is_allocated_and_free_together() -> None:
    """HELP of podres_node_allocatable_devices promises the sum; dashboards build on it."""
    stock = DeviceStock("a/gpu", frozenset({0}), frozenset({"x", "y", "z"}), frozenset({"y", "gone"}))
    assert stock.allocatable is not None
    assert stock.free is not None

    assert len(stock.held) + len(stock.free) == len(stock.allocatable)


def test_a_kubelet_that_cannot_be_asked_leaves_only_what_is_held() -> None:
    """1.20 has no GetAllocatableResources: "unknown" must not look like "none free"."""
    snapshot = stocked(devices=(DeviceStock("a/gpu", frozenset({0, 1}), None, frozenset({"x"})),))

    actual = sample_lines(snapshot, *STOCK_FAMILIES)

    assert '\npodres_node_allocated_devices{resource="a/gpu",numa_nodes="0-1"} 1\n' == actual


def test_devices_disappear_with_the_allocation() -> None:
    """Unavailable is never empty: no series is not a series of zero."""
    actual = sample_lines(Snapshot("n1", None), "podres_container_devices", *STOCK_FAMILIES)

    assert actual == "\n"


def test_the_health_of_a_device_is_a_series_of_its_own() -> None:
    """A sick device keeps its info series; of one that two requests name, there is one series."""
    rows = (
        DeviceHealth("gpu.example.com", "gpu-a", "worker-1", "train-dev", "Unknown", "silent"),
        DeviceHealth("gpu.example.com", "gpu-a", "worker-1", "train-dev", "Unknown", "still silent"),
        DeviceHealth("nvidia.com/gpu", "GPU-0", "", "", "Unhealthy"),
    )
    container = Container("main", (Device("nvidia.com/gpu", "GPU-0", frozenset()),))
    view = PodView(Pod("ml", "a", (container,)), (ContainerView(container, NOTHING, health=rows),))
    snapshot = Snapshot("n1", Allocation((view,), (), CpuStock(None, frozenset()), (), None))

    assert wanted(
        """
            podres_container_device_health{namespace="ml",pod="a",container="main",resource="gpu.example.com",device="gpu-a",pool="worker-1",claim="train-dev",health="Unknown"} 1
            podres_container_device_health{namespace="ml",pod="a",container="main",resource="nvidia.com/gpu",device="GPU-0",pool="",claim="",health="Unhealthy"} 1
            """  # noqa: E501 - sample lines are as long as they are
    ) == sample_lines(snapshot, "podres_container_device_health")


def held_twice(*things: tuple[Thing, str, str]) -> tuple[DoubleHeld, ...]:
    holders = (Holder("ml", "a", "x"), Holder("ml", "b", "y"))
    return tuple(DoubleHeld(thing, resource, item, holders) for thing, resource, item in things)


def doubled(doubles: tuple[DoubleHeld, ...] | None) -> Snapshot:
    """Return a node with two resources and static CPUs on two nodes."""
    devices = tuple(DeviceStock(name, NOWHERE, frozenset("01"), frozenset("0")) for name in ("a/gpu", "b/nic"))
    snapshot = stocked(devices=devices, allocatable=frozenset(range(8)), exclusive=frozenset({1}), topology=TWO_NODES)
    assert snapshot.allocation is not None
    return replace(snapshot, allocation=replace(snapshot.allocation, doubles=doubles))


def test_what_two_pods_hold_is_counted_with_0_in_health() -> None:
    """An alert needs a series in health too; devices by resource, CPUs by NUMA node."""
    found = held_twice((Thing.DEVICE, "a/gpu", "0"), (Thing.DEVICE, "c/gone", "x"), (Thing.CPU, "cpu", "5"))

    sick = sample_lines(doubled(found), "podres_node_double_held_devices", "podres_node_double_held_cpus")
    well = sample_lines(doubled(()), "podres_node_double_held_devices", "podres_node_double_held_cpus")

    assert (
        wanted(
            """
            podres_node_double_held_devices{resource="a/gpu"} 1
            podres_node_double_held_devices{resource="b/nic"} 0
            podres_node_double_held_devices{resource="c/gone"} 1
            podres_node_double_held_cpus{numa_node="0"} 0
            podres_node_double_held_cpus{numa_node="1"} 1
            """
        )
        == sick
    )
    assert [" 0"] * 4 == [line[-2:] for line in well.split("\n") if line]


def test_what_cannot_be_judged_has_no_series() -> None:
    """0 would say that all is well."""
    families = ("devices", "cpus", "claim_devices")

    assert "\n" == sample_lines(doubled(None), *(f"podres_node_double_held_{family}" for family in families))


def test_resources_of_which_only_counts_are_wanted_have_no_series_for_each_device() -> None:
    """A plugin that makes a device of each MiB; what others hold is shown as before."""
    unit, gpu = Device("a/mib", "u1", frozenset()), Device("b/gpu", "G", frozenset())
    health = (DeviceHealth("a/mib", "u1", "", "", "Healthy"), DeviceHealth("b/gpu", "G", "", "", "Healthy"))
    view = ContainerView(Container("c", (unit, gpu)), NOTHING, health=health)
    counts = {
        each.name: [row[0] for row in each.rows(view, None)]
        for each in selected(COLLECTORS, {"a/mib"})
        if isinstance(each, ContainerFamily) and each.name.startswith("podres_container_device")
    }

    assert {
        "podres_container_devices": ["a/mib", "b/gpu"],
        "podres_container_device_info": ["b/gpu"],
        "podres_container_device_health": ["b/gpu"],
    } == counts
