"""The rows of a pod in the table: age, marks and problems."""

from dataclasses import replace

import pytest
from builders import GPU, allocatable, container, gpu, pod
from page_dom import Dom, dom
from page_nodes import MOMENT, machine, snapshot
from snapshots import with_doubles

from podres_exporter.join import double_held
from podres_exporter.join.hardware import hardware_of
from podres_exporter.model import (
    Attribution,
    Claim,
    ClaimDevice,
    ClaimUse,
    DeviceHealth,
    DraDevice,
    DraNode,
    DraPool,
    Mark,
    Metadata,
    Pod,
    PodMeta,
    Snapshot,
)

MACHINE = machine(8, 2)
"""CPUs 0 and 4 are one core, 1 and 5 another, on NUMA node 0."""


def node(*pods: Pod) -> Snapshot:
    return snapshot(pods, allocatable(gpu("G0", 0), gpu("G1", 0), gpu("G2", 1), cpus="0-7"), MACHINE)


def remarks(page: Dom, name: str) -> list[str]:
    """Return what stands below the containers of a pod."""
    return [each.text for each in page.all("td", "remarks", within=f"pod/default/{name}")]


def with_mark(shown: Snapshot, mark: Mark) -> Snapshot:
    """Return the snapshot with a mark on its first pod."""
    assert shown.allocation is not None
    first, *others = shown.allocation.pods
    return replace(shown, allocation=replace(shown.allocation, pods=(replace(first, mark=mark), *others)))


def with_start(shown: Snapshot, started_seconds: float | None) -> Snapshot:
    metas = {
        ("default", "a"): PodMeta("default", "a", "u", "Running", has_started=True, started_seconds=started_seconds)
    }
    return replace(shown, metadata=Metadata(metas, synced=True, is_up=True))


@pytest.mark.parametrize(
    ("started", "words"), [(MOMENT - 45, "45s"), (MOMENT - 11000, "3h3m"), (MOMENT + 5, "0s"), (MOMENT - 4e6, "46d")]
)
def test_a_pod_says_since_when_it_runs(started: float, words: str) -> None:
    """In its row and beside each device that it holds, as kubectl writes ages."""
    page = dom(with_start(node(pod("a", container("main", gpu("G0", 0)))), started))

    assert [words] == [each.text for each in page.all("td", data_label="Age")]
    assert [words] == [each.text for each in page.all("time", "age", within="devices")]


def test_where_no_start_is_known_there_are_no_ages() -> None:
    page = dom(with_start(node(pod("a", container("main", gpu("G0", 0)))), None))

    assert "Age" not in [each.text for each in page.all("th", scope="col")]
    assert [] == page.all("time", "age")


def test_one_pod_without_a_start_leaves_the_others_theirs() -> None:
    page = dom(with_start(node(pod("a", container("main", gpu("G0", 0))), pod("b", container("main"))), MOMENT - 45))

    assert {"default/a": ["45s"], "default/b": ["\u2013"]} == {
        body["data-name"]: [each.text for each in body.children[0].children if each["data-label"] == "Age"]
        for body in page.all("tbody")
    }


@pytest.mark.parametrize("mark", [Mark.RETAINED, Mark.UNCONFIRMED])
def test_rows_that_the_running_kubelet_has_not_said_are_marked(mark: Mark) -> None:
    page = dom(with_mark(node(pod("a", container("main", gpu("G0", 0))), pod("b", container("main"))), mark))

    assert [mark.value] == [
        each.text for each in page.pod("default/a").children[0].children[0].children if each.tag == "strong"
    ]
    assert {"kept"} <= page.pod("default/a").classes
    assert not {"kept"} & page.pod("default/b").classes
    assert "kubelet" in page.pod("default/a").children[0].children[0].text


def test_current_rows_have_no_mark() -> None:
    page = dom(node(pod("a", container("main", gpu("G0", 0)))))

    assert "retained" not in page.one("pods").text
    assert [] == remarks(page, "a")
    assert not {"wrong", "kept"} & page.pod("default/a").classes


def test_what_is_held_twice_is_said_in_the_rows_of_both_pods() -> None:
    pods = [pod(name, container("main", gpu("G0", 0), cpus="1,5")) for name in ("a", "b")]
    page = dom(with_doubles(node(*pods)))
    twice = "held twice, also by default/"

    assert [f"{GPU} G0 {twice}bCPU 1 {twice}bCPU 5 {twice}b"] == remarks(page, "a")
    assert [f"{GPU} G0 {twice}aCPU 1 {twice}aCPU 5 {twice}a"] == remarks(page, "b")
    assert ["held twice"] == [each.text for each in page.all("span", "flag", within="devices")]
    assert ["CPU 1: exclusive to default/a (main), default/b (main); held twice"] == [
        each["title"] for each in page.all("i", "bad") if each["title"].startswith("CPU 1:")
    ]


def test_a_claims_device_that_is_perhaps_held_twice_is_said_in_both_rows_and_on_its_tile() -> None:
    claimed = ClaimDevice("d.example.com", "n1", "x", "", ())
    pods = [pod(name, container("main", claims=[Claim("default", name, (claimed,))])) for name in ("a", "b")]
    page = dom(with_doubles(node(*pods)))

    assert ["d.example.com n1/x perhaps held twice, also by default/b"] == remarks(page, "a")
    assert ["perhaps held twice"] == [each.text for each in page.all("span", "flag", within="devices")]


def test_many_faults_of_one_container_are_counted() -> None:
    """Devices with one fault share a line, which names a few of them."""
    page = dom(node(pod("a", container("main", *(gpu(f"lost{number}", 0) for number in range(9))))))

    assert ["lost0, lost1, lost2, lost3 and 5 more held, but not allocatable"] == [
        each.text for each in page.all("span", "flag", within="pods")
    ]


def test_many_different_faults_of_one_container_are_counted() -> None:
    devices = [gpu(f"G{number}", 0) for number in range(9)]
    shown = snapshot((pod("a", container("main", *devices)),), allocatable(*devices), MACHINE)
    assert shown.allocation is not None
    view = shown.allocation.pods[0]
    health = tuple(DeviceHealth(GPU, f"G{number}", "", "", "Unhealthy", f"Xid {number}") for number in range(9))
    sick = replace(view, containers=(replace(view.containers[0], health=health),))
    page = dom(replace(shown, allocation=replace(shown.allocation, pods=(sick,))))
    flags = [each.text for each in page.all("span", "flag", within="pods")]

    assert ["G0 Unhealthy: Xid 0", "and 5 more"] == [flags[0], flags[-1]]
    assert 5 == len(flags)


def test_what_is_wrong_comes_first_then_what_has_devices() -> None:
    pods = [
        pod("a", container("main", cpus="2")),
        pod("b", container("main", gpu("G0", 0))),
        pod("c", container("main", gpu("G1", 0))),
        pod("d", container("main", gpu("lost", 0))),
    ]
    page = dom(node(*pods))

    assert ["d", "b", "c", "a"] == [each["data-name"].removeprefix("default/") for each in page.all("tbody")]


@pytest.mark.parametrize(
    ("cpus", "other", "words"),
    [
        ("1,5", "", []),
        ("1", "", ["shares cores with the shared pool: CPU 1"]),
        ("1", "5", ["shares cores with default/b: CPU 1"]),
        ("0-1", "4", ["shares cores with default/b: CPU 0shares cores with the shared pool: CPU 1"]),
    ],
)
def test_a_container_that_shares_physical_cores_says_with_whom(cpus: str, other: str, words: list[str]) -> None:
    """Without full-pcpus-only, an exclusive CPU may be half of a core whose other half another pod uses."""
    pods = [pod("a", container("main", cpus=cpus)), pod("b", container("main", cpus=other))]

    assert words == remarks(dom(node(*pods)), "a")


def test_containers_of_one_pod_share_cores_without_a_word() -> None:
    assert [] == remarks(dom(node(pod("a", container("one", cpus="1"), container("two", cpus="5")))), "a")


def dual(*pods: Pod, is_admin: bool = False) -> Snapshot:
    """Return a node on which a DRA driver offers the plugin's G0 too, and each claim has it."""
    shown = node(*pods)
    assert shown.allocation is not None
    dra = DraNode((DraPool("gpu.example.com", "n1", 1, (DraDevice("gpu-0", uuid="g0"),)),))
    views = []
    for view in shown.allocation.pods:
        uses = tuple(
            ClaimUse(claim.name, device, Attribution.CONTAINER, is_admin=is_admin)
            for claim in view.pod.containers[0].claims
            for device in claim.devices
        )
        views.append(replace(view, containers=(replace(view.containers[0], claim_uses=uses),)))
    stocks = tuple(
        replace(stock, held_by_dra=frozenset({"G0"}) - stock.held & frozenset({"G0"}))
        if "G0" in (stock.reported or ())
        else stock
        for stock in shown.allocation.devices
    )
    return replace(shown, allocation=replace(shown.allocation, pods=tuple(views), dra=dra, devices=stocks))


CLAIM = Claim("default", "c", (ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ()),))


def test_hardware_that_a_claim_has_names_its_holder_on_the_plugins_tile() -> None:
    page = dom(dual(pod("a", container("main", claims=[CLAIM]))))
    (tile,) = [each for each in page.all("li", "dev") if each["title"] == "G0: held by DRA"]

    assert "default/a" in tile.text


def test_hardware_that_a_plugin_and_dra_have_given_away_is_marked() -> None:
    """The plugin knows nothing of the claim, and gives the device to another pod."""
    pods = (pod("a", container("main", gpu("G0", 0))), pod("b", container("main", claims=[CLAIM])))
    page = dom(dual(*pods))

    assert ["G0 also in use by DRA: default/b"] == remarks(page, "a")
    assert {"wrong"} <= page.pod("default/a").classes
    assert [] == remarks(dom(dual(*pods, is_admin=True)), "a")


def test_hardware_that_is_held_twice_by_plugin_and_dra_is_said_in_both_rows_once() -> None:
    """The claim's pod does not hold the plugin's device by name; it is the same piece of hardware."""
    pods = (pod("a", container("main", gpu("G0", 0))), pod("b", container("main", claims=[CLAIM])))
    shown = dual(*pods)
    assert shown.allocation is not None
    assert shown.allocation.dra is not None
    doubles = double_held(pods, lambda *_: False, hardware_of(shown.allocation.dra.pools))
    page = dom(replace(shown, allocation=replace(shown.allocation, doubles=doubles)))

    assert [f"{GPU} G0 held twice, also by default/b"] == remarks(page, "a")
    assert [f"{GPU} G0 held twice, also by default/a"] == remarks(page, "b")
    assert ["held twice"] == [each.text for each in page.all("span", "flag", within="devices")]


def test_resources_are_named_by_their_ends_too() -> None:
    page = dom(node(pod("a", container("main", gpu("G0", 0)))))

    assert [f"1 {GPU}"] == [each.text for each in page.all("summary", within="pod/default/a")]
