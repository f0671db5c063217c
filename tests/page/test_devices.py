"""Devices on the page, as tiles or as cells."""

from dataclasses import replace

from builders import GPU, allocatable, container, device, gpu, pod
from page_dom import Dom, dom
from page_nodes import machine, snapshot

from podres_exporter.model import Allocatable, DeviceHealth, Pod, Snapshot

MACHINE = machine(8, 2)


def node(pods: tuple[Pod, ...], told: Allocatable | None) -> Dom:
    return dom(snapshot(pods, told, MACHINE))


def tiles(page: Dom, *classes: str) -> list[str]:
    return [each["title"] for each in page.all("li", "dev", *classes)]


def with_health(shown: Snapshot, row: DeviceHealth) -> Snapshot:
    """Return the snapshot with a remark of the pod's status on the first container."""
    allocation = shown.allocation
    assert allocation is not None
    view = allocation.pods[0]
    first = replace(view.containers[0], health=(row,))
    views = (replace(view, containers=(first, *view.containers[1:])), *allocation.pods[1:])
    return replace(shown, allocation=replace(allocation, pods=views))


def flags(page: Dom) -> list[str]:
    return [each.text for each in page.all("span", "flag", within="devices")]


def test_a_device_says_its_holder_or_that_it_is_free() -> None:
    page = node((pod("a", container("main", gpu("G0", 0))),), allocatable(gpu("G0", 0), gpu("G1", 0)))

    assert ["G0: held by default/a (main)", "G1: free"] == tiles(page)
    assert ["G1: free"] == tiles(page, "free")
    assert ["1 of 2 held"] == [box.children[0].children[0].text for box in page.kind(GPU)]


def test_a_device_stands_with_its_numa_node() -> None:
    page = node((), allocatable(gpu("G0", 0), gpu("G1", 1), gpu("G2", 0, 1), gpu("G3")))

    assert ["G0NUMA 0free", "G2NUMA 0-1free", "G1NUMA 1free", "G3free"] == [each.text for each in page.all("li", "dev")]


def test_shares_of_one_device_are_one_tile() -> None:
    shares = [gpu(f"GPU-7f3c::{share}", 0) for share in range(11)]
    page = node((pod("a", container("main", shares[2])), pod("b", container("main", shares[10]))), allocatable(*shares))
    slots = [each["title"] for each in page.all("li", "t") if any("slots" in outer.classes for outer in each.inside)]

    assert ["GPU-7f3c"] == tiles(page)
    assert "2 of 11 shares held" in page.all("li", "shares")[0].text
    assert ["0", "1"] == sorted(page.all("li", "shares")[0].pods)
    assert slots[1:3] == ["share 1: free", "GPU-7f3c::2: held by default/a (main)"]
    assert slots[10] == "GPU-7f3c::10: held by default/b (main)"


def test_a_held_device_that_is_not_allocatable_is_marked_in_words() -> None:
    page = node((pod("a", container("main", gpu("G0", 0))),), allocatable(gpu("G1", 0)))

    assert ["G0: held by default/a (main); held, but not allocatable"] == tiles(page, "bad")
    assert ["held, but not allocatable"] == flags(page)
    assert ["G0 held, but not allocatable"] == [each.text for each in page.all("span", "flag", within="pods")]


def test_a_sick_device_is_marked_with_what_its_plugin_says() -> None:
    shown = snapshot((pod("a", container("main", gpu("G0", 0))),), allocatable(gpu("G0", 0)), MACHINE)
    page = dom(with_health(shown, DeviceHealth(GPU, "G0", "", "", "Unhealthy", "XID <79>")))

    assert ["Unhealthy: XID <79>"] == flags(page)


def test_a_healthy_device_has_no_mark() -> None:
    shown = snapshot((pod("a", container("main", gpu("G0", 0))),), allocatable(gpu("G0", 0)), MACHINE)
    page = dom(with_health(shown, DeviceHealth(GPU, "G0", "", "", "Healthy")))

    assert [] == page.all("span", "flag")


def test_where_the_kubelet_cannot_be_asked_no_device_is_free() -> None:
    page = node((pod("a", container("main", gpu("G0", 0))),), None)

    assert [] == tiles(page, "free")
    assert "how many are free the kubelet does not tell" in page.kind(GPU)[0].text


def test_many_devices_are_cells_and_free_ones_a_number() -> None:
    every = [gpu(f"G{index:04}", 0) for index in range(200)]
    page = node((pod("a", container("main", *every[:3])),), allocatable(*every))

    assert [f"G000{index}: held by default/a (main)" for index in range(3)] + ["197 free"] == [
        each["title"] for each in page.all("i", "c") if not each["title"].startswith("CPU")
    ]
    assert "A0 default/a 3" in [each.text for each in page.all("a", "chip")]


def test_a_few_free_ones_among_many_are_drawn() -> None:
    every = [gpu(f"G{index:02}", 0) for index in range(40)]
    page = node((pod("a", container("main", *every[:30])),), allocatable(*every))

    assert 10 == len(page.all("i", "c", "free"))
    assert "10 free" in page.kind(GPU)[0].text


def test_shares_of_many_devices_stay_together() -> None:
    every = [device(GPU, f"G{index:02}::{share}", 0) for index in range(33) for share in range(2)]
    page = node((pod("a", container("main", *every)),), allocatable(*every))

    assert ["A0A0"] * 33 == [each.text for each in page.all("span", "core") if each.children[0]["data-p"]]


def test_many_pods_on_one_resource_are_folded() -> None:
    every = [gpu(f"G{index:02}", 0) for index in range(40)]
    pods = tuple(pod(f"p{index:02}", container("main", each)) for index, each in enumerate(every))
    page = node(pods, allocatable(*every))

    assert ["40 pods hold some"] == [each.text for each in page.all("summary", within="devices")]


def test_thousands_of_shares_of_one_device_are_a_slot_for_each_holder() -> None:
    """A plugin that makes a share of each MiB: the page stays a page."""
    base = "GPU-7abbb7a9-40e1-053c-f605-000000000001"
    every = [gpu(f"{base}-{share}", 0) for share in range(3000)]
    pods = (pod("a", container("main", *every[:2000])), pod("b", container("main", *every[2000:2500])))
    page = node(pods, allocatable(*every))
    slots = [each["title"] for each in page.all("li", "t") if any("slots" in outer.classes for outer in each.inside)]

    assert "2500 of 3000 shares held" in page.all("li", "shares")[0].text
    assert [
        "2000 shares: held by default/a (main)",
        "500 shares: held by default/b (main)",
        "500 shares: free",
    ] == slots


def test_thousands_of_devices_are_a_cell_for_each_holder() -> None:
    every = [gpu(f"unit{index}", 0) for index in range(3000)]
    pods = (pod("a", container("main", *every[:2000])), pod("b", container("main", *every[2000:2500])))
    page = node(pods, allocatable(*every))

    assert ["2000", "500", "500 free"] == [
        each["title"] for each in page.all("i", "c") if not each["title"].startswith("CPU")
    ]
