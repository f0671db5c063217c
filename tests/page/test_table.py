"""The table of pods on the page."""

from dataclasses import replace

import pytest
from builders import GPU, allocatable, block, container, gpu, pod
from page_dom import dom
from page_nodes import machine, snapshot

from podres_exporter.model import (
    Alignment,
    Claim,
    ClaimDevice,
    ContainerKind,
    ContainerSpec,
    Metadata,
    Pod,
    PodMeta,
    Snapshot,
    Verdict,
)

MACHINE = machine(8, 2)
BUSY = container(
    "main", gpu("G0", 0), gpu("G1", 0), cpus="1,5", memory=[block(1024, 0)], claims=[Claim("default", "lane", ())]
)


def node(*pods: Pod, metas: tuple[PodMeta, ...] = ()) -> Snapshot:
    told = allocatable(gpu("G0", 0), gpu("G1", 0), cpus="0-7", memory=[block(4096, 0)])
    metadata = Metadata({meta.key: meta for meta in metas}, synced=True, is_up=True) if metas else None
    return replace(snapshot(pods, told, MACHINE), metadata=metadata)


def cells(shown: Snapshot, name: str) -> list[dict[str, str]]:
    """Return each row of a pod: the text by the heading of its column."""
    rows = [row for row in dom(shown).all("tr") if any(each["id"] == f"pod/{name}" for each in row.inside)]
    return [{each["data-label"]: each.text for each in row.children if each.tag == "td"} for row in rows]


def test_a_row_says_all_that_a_container_holds() -> None:
    assert [
        {
            "Container": "main",
            "CPUs": "2 1,5",
            "Devices": f"2 {GPU}G0G1",
            "Memory": "1Gi on node 0",
            "Claims": "lane",
            "Placement": "aligned on NUMA node 0",
        }
    ] == cells(node(pod("a", BUSY)), "default/a")


def test_containers_that_hold_nothing_stand_below_the_pods_name() -> None:
    shown = node(pod("a", BUSY, container("sidecar"), container("logger")))

    assert ["main"] == [row["Container"] for row in cells(shown, "default/a")]
    assert "sidecar, logger: nothing of its own" in dom(shown).pod("default/a").text


def test_a_pod_that_holds_nothing_comes_last_and_says_so() -> None:
    shown = node(pod("a", container("web")), pod("b", BUSY))

    assert ["default/b", "default/a"] == [each["data-name"] for each in dom(shown).all("tbody")]
    assert [{"Container": "web", "Holds": "nothing of its own"}] == cells(shown, "default/a")
    assert "nothing of its own" == dom(shown).pod("default/a")["data-says"]


def test_what_the_pod_holds_as_a_whole_has_its_own_row() -> None:
    """Pod-level resources of 1.37."""
    shown = node(pod("a", container("main"), cpus="1,5", memory=[block(1024, 0)]))

    assert [("pod as a whole", "2 1,5")] == [(row["Container"], row["CPUs"]) for row in cells(shown, "default/a")]


def test_the_line_on_a_chosen_pod_sums_it_up() -> None:
    claim = Claim("default", "lane", (ClaimDevice("d.com", "p", "lane-0", "", ()),))
    shown = node(pod("a", replace(BUSY, claims=(claim, replace(claim, name="wheel")))))

    assert f"2 CPUs (1,5), 2 {GPU}, 1Gi memory, 2 claims" == dom(shown).pod("default/a")["data-says"]


def test_a_block_that_pod_and_container_repeat_is_summed_up_once() -> None:
    shown = node(pod("a", container("main", memory=[block(1024, 0)]), memory=[block(1024, 0)]))

    assert "1Gi memory" == dom(shown).pod("default/a")["data-says"]


def test_a_pod_says_whose_it_is_and_how_it_is() -> None:
    meta = PodMeta(
        "default",
        "a",
        "u",
        "Running",
        qos_class="Guaranteed",
        workload_kind="Job",
        workload_name="<j>",
        is_deleting=True,
    )
    shown = node(pod("a", BUSY), metas=(meta,))
    assert shown.allocation is not None
    view = replace(shown.allocation.pods[0], meta=meta)
    shown = replace(shown, allocation=replace(shown.allocation, pods=(view,)))

    assert "Job/<j>, Guaranteed, Running, being deleted" in dom(shown).pod("default/a").text


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        (PodMeta("x", "p", "u", "Failed", "OutOfcpu", "Node didn't have enough"), "rejected by the kubelet OutOfcpu: "),
        (PodMeta("x", "p", "u", "Succeeded", has_started=True), "finished"),
        (PodMeta("x", "p", "u", "Pending"), "not started yet"),
        (PodMeta("x", "p", "u", "Running", has_started=True), "not listed by the kubelet"),
    ],
)
def test_pods_that_the_kubelet_does_not_list_say_why(meta: PodMeta, words: str) -> None:
    spec = ContainerSpec("main", ContainerKind.APP)
    rows = cells(node(metas=(replace(meta, containers=(spec,)),)), "x/p")

    assert ["main"] == [row["Container"] for row in rows]
    assert rows[0]["Why"].startswith(words)


@pytest.mark.parametrize(
    ("alignment", "text"),
    [
        (Alignment(Verdict.UNSUPPORTED), "unknown kubelets before 1.23"),
        (Alignment(Verdict.UNKNOWN), "unknown no NUMA node"),
        (Alignment(Verdict.SPANS, frozenset({0, 1})), "spans"),
        (Alignment(Verdict.MISALIGNED), "misaligned"),
        (Alignment(Verdict.NOT_APPLICABLE), "nothing to align"),
    ],
)
def test_the_verdict_comes_with_its_reason(alignment: Alignment, text: str) -> None:
    shown = node(pod("a", BUSY))
    assert shown.allocation is not None
    view = shown.allocation.pods[0]
    views = (replace(view, containers=(replace(view.containers[0], alignment=alignment),)),)
    shown = replace(shown, allocation=replace(shown.allocation, pods=views))

    assert cells(shown, "default/a")[0]["Placement"].startswith(text)
    assert (alignment.verdict is Verdict.MISALIGNED) == dom(shown).pod("default/a")["data-says"].endswith("misaligned")


def test_a_node_without_pods_says_so() -> None:
    assert "There is no pod on this node." in dom(node()).one("pods").text


def test_thousands_of_holders_share_what_the_page_names_of_ids() -> None:
    """Otherwise 50,000 ids on 2,000 containers would be megabytes; few holders name all that they have."""
    few = cells(node(pod("a", container("main", *(gpu(f"G{index}") for index in range(40))))), "default/a")
    many = node(
        *(
            pod(f"p{number}", container("main", *(gpu(f"G{number}-{index}") for index in range(25))))
            for number in range(2000)
        )
    )
    page = dom(many)

    assert "G39" in few[0]["Devices"]
    assert "and 15 more" in page.pod("default/p7").text
    assert 22_000 >= len(page.all("li", within="pods"))
