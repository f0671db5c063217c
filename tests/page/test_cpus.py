"""The grid of CPUs on the page."""

import pytest
from builders import allocatable, container, gpu, pod
from page_dom import Dom, dom
from page_nodes import machine, snapshot

from podres_exporter.model import Core, Topology

FOUR_CORES = machine(8, 2)
"""NUMA node 0 has CPUs 0, 1, 4 and 5 as two cores, node 1 the others."""


def cells(page: Dom, place: str) -> list[str]:
    """Return what the title of each cell of a NUMA node says."""
    found = [each for each in page.all("i", "c") if any(p["aria-labelledby"] == f"{place}-h" for p in each.inside)]
    return [each["title"] for each in found]


def test_threads_of_a_core_are_beside_each_other() -> None:
    page = dom(snapshot((), allocatable(cpus="0-7"), FOUR_CORES))

    assert ["04", "15", "26", "37"] == [each.text for each in page.all("span", "core")]


def test_a_cpu_says_whose_it_is_or_what_else() -> None:
    node = snapshot((pod("a", container("main", cpus="1,5")),), allocatable(cpus="1-7"), FOUR_CORES)

    assert [
        "CPU 0: reserved, not allocatable",
        "CPU 4: shared pool",
        "CPU 1: exclusive to default/a (main)",
        "CPU 5: exclusive to default/a (main)",
    ] == cells(dom(node), "numa-0")


def test_colour_is_not_all_there_is() -> None:
    """Every held CPU bears the code of its pod, and a list says the same in words."""
    page = dom(snapshot((pod("a-b", container(cpus="1,5")),), allocatable(cpus="0-7"), FOUR_CORES))
    held = [each for each in page.all("i", "c") if each["data-p"]]

    assert ["1AB", "5AB"] == [each.text for each in held]
    assert "AB default/a-b CPUs 1,5" in [each.text for each in page.all("a", "chip")]


def test_what_the_grid_draws_the_list_says() -> None:
    """The grid is hidden from screen readers, so nothing may be in it alone."""
    page = dom(snapshot((pod("a", container(cpus="2")),), allocatable(cpus="1-3,6-7"), FOUR_CORES))
    rest = [each.text.strip() for each in page.all("ul", "rest")]

    assert ["shared pool 1 reserved, not allocatable 0,4-5", "shared pool 3,6-7"] == [
        " ".join(text.replace("reserved", " reserved").split()) for text in rest
    ]


def test_cpus_of_the_pod_as_a_whole_are_held_too() -> None:
    node = snapshot((pod("a", container("main", cpus="1"), cpus="1,5"),), allocatable(cpus="0-7"), FOUR_CORES)

    assert ["CPU 1: exclusive to default/a (main)", "CPU 5: exclusive to default/a"] == cells(dom(node), "numa-0")[2:]


def test_containers_that_share_a_cpu_are_all_named() -> None:
    """Containers of a pod with pod-level resources may be granted the same CPUs."""
    shared = pod("a", container("one", cpus="1"), container("two", cpus="1"))
    page = dom(snapshot((shared,), allocatable(cpus="0-7"), FOUR_CORES))

    assert "CPU 1: exclusive to default/a (one), default/a (two)" in cells(page, "numa-0")


@pytest.mark.parametrize(
    ("told", "held", "title", "summary"),
    [
        (None, "1", "CPU 0: not held; the kubelet does not tell whether it is allocatable", "1 of 4 exclusive"),
        ("", "", "CPU 0: for every container", "4, none exclusive"),
        ("1-7", "1", "CPU 0: reserved, not allocatable", "1 of 3 allocatable exclusive"),
    ],
)
def test_what_is_not_told_is_not_claimed(told: str | None, held: str, title: str, summary: str) -> None:
    """No report (1.20, switched off), no static policy (an empty report), and a static one."""
    report = None if told is None else allocatable(cpus=told)
    page = dom(snapshot((pod("a", container(cpus=held)),), report, FOUR_CORES))

    assert title == cells(page, "numa-0")[0]
    assert summary == page.kind("CPUs")[0].children[0].children[0].text


def test_without_a_topology_the_cpus_are_on_no_stated_node() -> None:
    page = dom(snapshot((pod("a", container(cpus="1")),), allocatable(cpus="0-3"), None))

    assert ["CPU 0: shared pool", "CPU 1: exclusive to default/a (main)"] == cells(page, "numa-none")[:2]
    assert [] == page.all("span", "core")


def test_cpus_whose_core_nobody_states_stand_alone() -> None:
    topology = Topology({0: frozenset({0, 1})}, {0: Core(-1, -1), 1: Core(-1, -1)})
    page = dom(snapshot((), allocatable(cpus="0-1"), topology))

    assert [] == page.all("span", "core")
    assert 2 == len(page.all("i", "c"))


def test_many_cpus_are_drawn_small() -> None:
    page = dom(snapshot((), allocatable(cpus="0-255"), machine(256, 1)))

    assert page.all("div", "cores", "dense")


def test_a_node_without_cpus_has_no_grid() -> None:
    """Memory behind CXL is a NUMA node without CPUs."""
    topology = Topology({0: frozenset({0}), 1: frozenset()})
    page = dom(snapshot((pod("a", container("main", gpu("g", 1))),), allocatable(gpu("g", 1), cpus="0"), topology))

    assert "NUMA node 1" in [each.text for each in page.all("h3")]
    assert 1 == len(page.kind("CPUs"))
