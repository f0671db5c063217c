"""Memory on the page."""

import pytest
from builders import allocatable, block, container, pod
from page_dom import dom
from page_nodes import machine, snapshot

from podres_exporter.model import MemoryBlock, Pod

MACHINE = machine(8, 2)
TOLD = (block(4096, 0), block(4096, 1))


def segments(*pods: Pod, told: tuple[MemoryBlock, ...] = TOLD) -> list[tuple[str, str]]:
    """Return where each segment begins and how wide it is."""
    page = dom(snapshot(pods, allocatable(memory=told), MACHINE))
    rects = [each for each in page.all("rect", within="machine") if each["class"] != "part"]
    return [(each["x"], each["width"]) for each in rects]


def test_a_bar_is_divided_among_the_pods() -> None:
    pods = (pod("a", container(memory=[block(1024, 0)])), pod("b", container(memory=[block(2048, 0)])))

    assert [("0.00%", "25.00%"), ("25.00%", "50.00%")] == segments(*pods)


def test_a_block_over_several_nodes_has_a_bar_of_its_own() -> None:
    """How it is split the kubelet does not tell."""
    page = dom(snapshot((pod("a", container(memory=[block(6144, 0, 1)])),), allocatable(memory=TOLD), MACHINE))
    summaries = [box.children[0].children[0].text for box in page.kind("memory")]

    assert ["6Gi held across these nodes; the split is not reported"] == summaries
    assert ["Not held by any pod: memory 4Gi"] * 2 == [each.text for each in page.all("p", "note", within="machine")]


def test_a_block_that_pod_and_container_repeat_counts_once() -> None:
    """Pod-level lists of 1.37 overlap those of the containers."""
    repeated = pod("a", container(memory=[block(1024, 0)]), memory=[block(1024, 0)])

    assert [("0.00%", "25.00%")] == segments(repeated)


def test_more_than_is_reported_fills_the_bar() -> None:
    assert [("0.00%", "100.00%")] == segments(pod("a", container(memory=[block(9999, 0)])))


def test_what_the_node_has_none_of_has_no_bar() -> None:
    page = dom(snapshot((), allocatable(memory=[block(0, 0, memory_type="hugepages-1Gi")]), MACHINE))

    assert [] == page.kind("hugepages-1Gi")


@pytest.mark.parametrize(("size", "codes"), [(1024, ["A0"]), (10, [])])
def test_a_segment_bears_a_code_where_there_is_room(size: int, codes: list[str]) -> None:
    page = dom(snapshot((pod("a", container(memory=[block(size, 0)])),), allocatable(memory=TOLD), MACHINE))

    assert codes == [each.text for each in page.all("text")]


def test_without_a_report_the_bar_is_what_is_held() -> None:
    page = dom(snapshot((pod("a", container(memory=[block(1024, 0)])),), None, MACHINE))

    assert ["1Gi held"] == [box.children[0].children[0].text for box in page.kind("memory")]
    assert "allocatable is not reported" in page.one("totals").text
