"""The page of a node with many pods: collapsed parts, and its size."""

from collections.abc import Iterable

from big_node import big_node
from builders import allocatable, container, gpu, pod
from page_dom import Dom, dom
from page_nodes import machine, snapshot

from podres_exporter.model import Metadata, Pod, PodMeta, Snapshot

MACHINE = machine(8, 2)


def node(pods: Iterable[Pod], metas: Iterable[PodMeta] = ()) -> Snapshot:
    shown = snapshot(tuple(pods), allocatable(cpus="0-7"), MACHINE)
    metadata = Metadata({meta.key: meta for meta in metas}, synced=True, is_up=True)
    return Snapshot(shown.node, shown.allocation, metadata, shown.sources, shown.rpcs, shown.parts)


def holding(count: int) -> list[Pod]:
    return [pod(f"h{index:03}", container("main", gpu(f"G{index}", 0))) for index in range(count)]


def idle(count: int) -> list[Pod]:
    return [pod(f"i{index:03}", container("main")) for index in range(count)]


def shown_and_folded(page: Dom) -> tuple[int, dict[str, int]]:
    """Return how many pods are seen at once, and how many are in each fold."""
    folds = {each["id"]: 0 for each in page.all("details") if each["id"].startswith("pods-")}
    shown = 0
    for body in page.all("tbody"):
        inside = [outer["id"] for outer in body.inside if outer["id"] in folds]
        shown += not inside
        for identifier in inside:
            folds[identifier] += 1
    return shown, folds


def test_a_few_pods_are_all_shown() -> None:
    page = dom(node([*holding(4), *idle(20)]))

    assert (24, {}) == shown_and_folded(page)
    assert [] == page.all("table", "dense")


def test_of_many_pods_those_that_hold_nothing_are_folded() -> None:
    page = dom(node([*holding(4), *idle(21)]))

    assert (4, {"pods-nothing": 21}) == shown_and_folded(page)
    assert ["21 pods with nothing of their own"] == [each.text for each in page.all("summary") if "own" in each.text]


def test_of_very_many_holders_the_first_are_shown() -> None:
    assert (48, {"pods-holding": 12}) == shown_and_folded(dom(node(holding(60))))


def test_what_is_wrong_takes_the_room_of_pods_that_need_no_look_and_never_its_own() -> None:
    """The first twelve have lost their device; then 24 of the others have room, and all twelve are seen."""
    well = [pod(f"w{index:03}", container("main", cpus=str(index % 8))) for index in range(48)]
    first, folded = shown_and_folded(dom(node([*holding(12), *well])))

    assert (36, {"pods-holding": 24}) == (first, folded)


def test_hundreds_of_rejected_pods_do_not_bury_the_others() -> None:
    """A controller that makes a pod again and again leaves each one behind."""
    metas = [PodMeta("x", f"p{index:03}", f"u{index}", "Failed", "OutOfcpu", "no") for index in range(300)]
    metas += [PodMeta("x", "done", "u", "Succeeded", has_started=True)]
    page = dom(node(holding(2), metas))

    assert (10, {"pods-unlisted": 292, "pods-finished": 1}) == shown_and_folded(page)


def test_each_table_has_its_headings() -> None:
    page = dom(node([*holding(60), *idle(30)]))

    assert 3 == len(page.all("table"))
    assert [4] * 3 == [len(each.children[0].children[0].children) for each in page.all("table")]
    assert {"col"} == {each["scope"] for table in page.all("table") for each in table.children[0].children[0].children}


def test_only_columns_that_somebody_fills_are_there() -> None:
    heads = [each.text for each in dom(node(holding(1))).all("th", scope="col")]

    assert ["Pod", "Container", "Devices", "Placement"] == heads


def test_forty_one_thousand_units_of_one_resource_stay_within_their_budget() -> None:
    every = [gpu(f"unit{index}", 0) for index in range(41_000)]
    pods = (pod("a", container("main", *every[:20_000])), pod("b", container("main", *every[20_000:30_000])))
    page = dom(snapshot(pods, allocatable(*every), MACHINE))

    assert len(page.html.encode()) < 300 * 1024


def test_a_big_node_stays_within_its_budget_whatever_is_wrong_with_it() -> None:
    assert max(len(dom(big_node(is_troubled=wrong)).html.encode()) for wrong in (False, True)) < 400 * 1024


def test_a_legend_names_a_pod_once_for_each_numa_node() -> None:
    """With all that it holds there: CPUs, memory and huge pages."""
    page = dom(big_node())
    legends = [each for each in page.all("ul", "legend", within="machine") if "rest" not in each.classes]
    words = [chip.text for legend in legends for chip in page.elements if legend in chip.inside and chip.tag == "a"]

    assert 8 == len(legends)
    assert len(words) == len(set(words))
    assert all("CPUs " in text and text.endswith("Gi") for text in words)
