"""The part of the page that lists what needs attention."""

from dataclasses import replace

import pytest
from builders import GPU, allocatable, block, container, gpu, pod
from page_dom import Dom, dom
from page_nodes import machine, snapshot
from snapshots import with_doubles

from podres_exporter.model import (
    Claim,
    ClaimDevice,
    DeviceHealth,
    Explanation,
    Metadata,
    PodMeta,
    PodView,
    Request,
    Snapshot,
)

MACHINE = machine(8, 2)
WELL = snapshot((pod("a", container("main", gpu("G0", 0), cpus="1")),), allocatable(gpu("G0", 0), cpus="0-7"), MACHINE)


def findings(shown: Snapshot) -> list[str]:
    page: Dom = dom(shown)
    return [each.text for each in page.all("li", within="attention")]


def with_view(shown: Snapshot, view: PodView) -> Snapshot:
    assert shown.allocation is not None
    return replace(shown, allocation=replace(shown.allocation, pods=(view,)))


def view_of(shown: Snapshot) -> PodView:
    assert shown.allocation is not None
    return shown.allocation.pods[0]


def unhealthy(count: int) -> Snapshot:
    """Return a node with so many pods, each with an unhealthy device."""
    pods = tuple(pod(f"p{index}", container("main", gpu(f"G{index}", 0))) for index in range(count))
    shown = snapshot(pods, allocatable(*(each.containers[0].devices[0] for each in pods)), MACHINE)
    assert shown.allocation is not None
    views = []
    for view in shown.allocation.pods:
        row = DeviceHealth(GPU, view.pod.containers[0].devices[0].device_id, "", "", "Unhealthy")
        views.append(replace(view, containers=(replace(view.containers[0], health=(row,)),)))
    return replace(shown, allocation=replace(shown.allocation, pods=tuple(views)))


def test_a_node_on_which_all_is_well_says_so() -> None:
    assert "Nothing: no container is misaligned" in dom(WELL).one("attention").text


def test_a_misaligned_container_is_named_with_the_reason() -> None:
    held = pod("a", container("main", gpu("G1", 1), cpus="1", memory=[block(1, 0)]))
    memory = [block(1024, 0), block(1024, 1)]
    shown = snapshot((held,), allocatable(gpu("G0", 0), gpu("G1", 1), cpus="0-7", memory=memory), MACHINE)
    sentence = (
        "misaligned A0 default/a container main: exclusive CPUs and memory on node 0, "
        "nvidia.com/gpu on node 1, though one NUMA node could serve it"
    )

    assert [sentence] == findings(shown)


def test_a_device_that_got_lost_is_named() -> None:
    shown = snapshot((pod("a", container("main", gpu("G0", 0))),), allocatable(gpu("G1", 0)), MACHINE)

    assert [
        "lost device A0 default/a container main holds nvidia.com/gpu G0, which is no longer allocatable"
    ] == findings(shown)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (DeviceHealth(GPU, "G0", "", "", "Unhealthy", "XID 79"), "nvidia.com/gpu G0: Unhealthy: XID 79"),
        (DeviceHealth("d.com", "g", "pool", "c", "Unknown"), "d.com pool/g: Unknown"),
    ],
)
def test_a_sick_device_is_named_once_with_what_is_known(row: DeviceHealth, sentence: str) -> None:
    view = view_of(WELL)
    sick = replace(view, containers=(replace(view.containers[0], health=(row,)),))

    assert [f"unhealthy device A0 default/a container main: {sentence}"] == findings(with_view(WELL, sick))


def test_a_healthy_device_is_no_news() -> None:
    view = view_of(WELL)
    row = DeviceHealth(GPU, "G0", "", "", "Healthy")

    assert [] == findings(with_view(WELL, replace(view, containers=(replace(view.containers[0], health=(row,)),))))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request("main", GPU, 4, 3), ["missing A0 default/a container main asked for 4 nvidia.com/gpu and shows 3"]),
        (Request("main", "cpu", 2, 0), ["missing A0 default/a container main asked for 2 exclusive CPUs and shows 0"]),
        (Request("main", GPU, 4, 0, Explanation.CLAIM), []),
        (Request("main", GPU, 1, 1), []),
    ],
)
def test_what_is_missing_for_no_known_reason_is_named(request_: Request, expected: list[str]) -> None:
    assert expected == findings(with_view(WELL, replace(view_of(WELL), requests=(request_,))))


def test_a_refused_pod_is_named_with_the_kubelets_words_and_a_finished_one_is_not() -> None:
    refused = PodMeta("batch", "greedy", "u1", "Failed", "TopologyAffinityError", "Pod was rejected: too\nmuch")
    finished = PodMeta("batch", "done", "u2", "Succeeded", has_started=True)
    metas = {each.key: each for each in (refused, finished)}

    assert ["rejected GR batch/greedy TopologyAffinityError: Pod was rejected: too much"] == findings(
        replace(WELL, metadata=Metadata(metas, synced=True, is_up=True))
    )


def test_many_findings_are_folded() -> None:
    page = dom(unhealthy(10))

    assert ["4 more"] == [each.text for each in page.all("summary", within="attention")]
    assert 10 == len(page.all("li", within="attention"))


def test_a_plugin_that_has_gone_with_thousands_of_devices_is_one_finding() -> None:
    """The list of them, a line for each, would be megabytes and bury the rest; the JSON document has all."""
    held = [gpu(f"G{index}", 0) for index in range(41_000)]
    shown = snapshot((pod("a", container("main", *held)),), allocatable(), MACHINE)

    (finding,) = findings(shown)

    assert finding.startswith("lost devices A0 default/a 41000 of nvidia.com/gpu (G0, G1, G2 and 40997 more)")
    assert finding.endswith(": held, and no longer allocatable")


def test_more_findings_than_anyone_reads_are_counted() -> None:
    page = dom(unhealthy(600))

    assert 512 == len(page.all("li", within="attention"))
    assert ["and 88 more"] == [each.text for each in page.all("p", within="attention")]


def test_what_two_pods_hold_is_named_first() -> None:
    """It concerns two pods, and leads to both."""
    pods = tuple(pod(name, container("main", gpu("G0", 0), cpus="1")) for name in ("a", "b"))
    shown = with_doubles(snapshot(pods, allocatable(gpu("G0", 0), cpus="0-7"), MACHINE))

    assert [
        "held twice A0 default/a B0 default/b nvidia.com/gpu G0",
        "held twice A0 default/a B0 default/b CPU 1",
    ] == findings(shown)[:2]


def test_a_dra_device_in_two_claims_is_perhaps_held_twice() -> None:
    claimed = ClaimDevice("d.example.com", "n1", "x", "", ())
    pods = tuple(pod(name, container("main", claims=[Claim("default", name, (claimed,))])) for name in ("a", "b"))

    found = findings(with_doubles(snapshot(pods, allocatable(cpus="0-7"), MACHINE)))

    assert ["perhaps held twice A0 default/a B0 default/b d.example.com n1/x"] == found


def test_the_worst_comes_first() -> None:
    """Somebody is woken: a device in two pods before a container that is slow."""
    pods = (
        pod("a", container("main", gpu("G1", 1), cpus="1")),
        pod("b", container("main", gpu("G0", 0))),
        pod("c", container("main", gpu("G0", 0))),
        pod("d", container("main", gpu("gone", 0))),
    )
    shown = with_doubles(snapshot(pods, allocatable(gpu("G0", 0), gpu("G1", 1), cpus="0-7"), MACHINE))

    assert ["held twice", "lost device", "misaligned"] == [
        each.text for each in dom(shown).all("strong", within="attention")
    ]


def test_a_plugin_that_has_gone_names_a_few_of_the_pods() -> None:
    pods = tuple(pod(f"p{index}", container("main", gpu(f"G{index}", 0))) for index in range(7))
    page = dom(snapshot(pods, allocatable(), MACHINE))
    (finding,) = page.all("li", within="attention")

    assert 4 == len(page.all("a", "chip", within="attention"))
    assert " and 3 more pods: 7 of nvidia.com/gpu (G0, G1, G2 and 4 more)" in finding.text
    assert 7 == len(finding.pods)
