"""The header of the page: freshness, and why nothing is shown."""

from dataclasses import replace

import pytest
from page_dom import LINKS, Dom, dom
from page_nodes import CURRENT, MOMENT, WELL, machine, snapshot, tiny

from podres_exporter.errors import Reason
from podres_exporter.model import Mark, Metadata, MetadataOrigin, Part, PodMeta, Snapshot, SourceHealth
from podres_exporter.page.assets import load_assets
from podres_exporter.page.document import render

AT = "2026-09-21 14:13:20 UTC"
LAST_GOOD = "This page shows its last good answer, which may be out of date."
REMEDY = "podres-exporter check, run in the exporter's container, names the cause and the remedy."
NODE = tiny()
POD = PodMeta("ml", "a", "u")


def chips(shown: Snapshot) -> list[tuple[str, str]]:
    """Return the level and the words of each source."""
    return [(each["class"], each.text) for each in dom(shown).all("li", within="status")]


def notices(shown: Snapshot) -> list[str]:
    return [each.text for each in dom(shown).all("p", "notice")]


def source(name: str, *, up: bool, ever: bool = True) -> SourceHealth:
    return SourceHealth(name, up=up, last_success_seconds=MOMENT if ever else None)


def test_sources_that_answer_say_when() -> None:
    assert [
        ("ok", f"\u2713 Kubelet answered {AT}"),
        ("ok", f"\u2713 Topology answered {AT}"),
        ("off", "\u2013 API server not asked"),
    ] == chips(NODE)
    assert [] == notices(NODE)


def test_a_kubelet_that_is_down_makes_the_page_stale() -> None:
    shown = replace(NODE, sources=(source("kubelet", up=False), WELL[1]))

    assert ("bad", f"\u2715 Kubelet down; last answered {AT}") == chips(shown)[0]
    assert [f"Stale: the kubelet has not answered since {AT}. {LAST_GOOD} {REMEDY}"] == notices(shown)


@pytest.mark.parametrize(
    ("sources", "parts", "reason"),
    [
        ((source("kubelet", up=False, ever=False),), CURRENT, "the kubelet has not answered yet"),
        (
            (source("kubelet", up=False),),
            CURRENT,
            "the kubelet's last good answer, of 2026-09-21T14:13:20Z, is older than the maximum age",
        ),
    ],
)
def test_without_an_allocation_the_page_says_why(
    sources: tuple[SourceHealth, ...], parts: tuple[Part, ...], reason: str
) -> None:
    """In the words of the JSON document; unavailable is never empty."""
    shown = replace(NODE, allocation=None, sources=sources, parts=parts)

    assert [f"No allocation to show: {reason}. {REMEDY}"] == notices(shown)
    assert [] == dom(shown).all("table")


def test_the_last_error_of_a_kubelet_that_is_down_is_said() -> None:
    """On a first installation the log may not be available; a person who may open the page may request /-/ready too."""
    down = replace(NODE, allocation=None, sources=(source("kubelet", up=False, ever=False),))
    error = "List: unix:/x.sock: No such file or directory <b>"
    page = Dom(render(down, MOMENT, load_assets(), LINKS, error))

    assert f"The last error: {error}. {REMEDY}" in page.one("status").text
    assert error not in Dom(render(NODE, MOMENT, load_assets(), LINKS, error)).one("status").text


def test_what_to_do_stands_beside_the_last_error() -> None:
    """By the cause; a kubelet that is up again needs no remedy."""
    kubelet = replace(source("kubelet", up=False, ever=False), reason=Reason.UNAVAILABLE)
    error = "List: unix:/x.sock: No such file or directory"
    down = Dom(render(replace(NODE, allocation=None, sources=(kubelet,)), MOMENT, load_assets(), LINKS, error))
    stale = Dom(render(replace(NODE, sources=(kubelet,)), MOMENT, load_assets(), LINKS, error))
    well = Dom(render(NODE, MOMENT, load_assets(), LINKS, error))

    assert [True, True, False] == [
        "mount the kubelet's directory pod-resources" in each.one("status").text for each in (down, stale, well)
    ]


def test_what_is_of_before_a_restart_and_what_is_not_known_is_told() -> None:
    assert NODE.allocation is not None
    first, *others = NODE.allocation.pods
    devices = tuple(replace(each, is_complete=False) for each in NODE.allocation.devices)
    allocation = replace(NODE.allocation, pods=(replace(first, mark=Mark.RETAINED), *others), devices=devices)
    parts = (Part("pods", stale=False, held=True), Part("allocatable", stale=True, held=False))
    allocation = replace(allocation, given_up_pods=(("ml", "<lost>"),))
    shown = replace(NODE, allocation=allocation, parts=parts)

    assert ["Stale (allocatable devices, CPUs and memory):", "Retained:", "Not known:", "Not listed:"] == [
        text[: text.index(":") + 1] for text in notices(shown)
    ]
    assert f"{first.pod.namespace}/{first.pod.name} as the kubelet listed it before" in notices(shown)[1]
    assert "ml/<lost> runs here, and the kubelet does not list it" in notices(shown)[3]


def test_a_kubelet_that_tells_no_allocatable_ones_is_said_so() -> None:
    assert ["This kubelet does not tell what is allocatable, so what is free is not known."] == notices(
        snapshot((), None, machine(2, 1))
    )


def test_a_topology_that_cannot_be_read_is_said_so() -> None:
    shown = replace(NODE, sources=(WELL[0], source("topology", up=False, ever=False)))

    assert ("bad", "\u2715 Topology no answer yet") == chips(shown)[1]
    assert "The kernel's topology cannot be read" in notices(shown)[0]


@pytest.mark.parametrize(
    ("metadata", "health", "chip"),
    [
        (Metadata({POD.key: POD}, synced=True), source("metadata", up=True), ("ok", "followed, 1 pod")),
        (Metadata(), source("metadata", up=False, ever=False), ("warn", "no answer yet")),
        (Metadata(), source("metadata", up=True), ("warn", f"catching up; last answered {AT}, 0 pods known")),
        (
            Metadata({POD.key: POD}, synced=True),
            source("metadata", up=False),
            ("warn", f"down; last answered {AT}, 1 pod known"),
        ),
    ],
)
def test_the_api_server_is_told_apart(metadata: Metadata, health: SourceHealth, chip: tuple[str, str]) -> None:
    shown = replace(NODE, metadata=metadata, sources=(*WELL, health))
    level, words = chips(shown)[2]

    assert chip == (level, words.partition("API server ")[2])
    assert metadata.synced is not any("API server is not followed" in text for text in notices(shown))


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("metadata", "The API server is not followed at the moment: workloads, requests and refused pods may be"),
        ("dra", "DRA devices and claims are not followed at the moment: claims' requests, taints and what is"),
    ],
)
@pytest.mark.parametrize("reason", [Reason.UNAVAILABLE, Reason.DENIED, None])
def test_a_source_that_is_down_is_said_with_its_reason_and_the_remedy(
    name: str, beginning: str, reason: Reason | None
) -> None:
    metadata = Metadata({POD.key: POD}, synced=name != "metadata")
    down = replace(source(name, up=False), reason=reason)
    (text,) = notices(replace(NODE, metadata=metadata, sources=(*WELL, down)))

    assert text.startswith(beginning)
    assert text.endswith(REMEDY)
    assert (f"The last request failed ({reason})." in text) is (reason is not None)


def test_an_api_server_that_takes_dra_with_it_is_one_cause() -> None:
    down = (source("metadata", up=False), source("dra", up=False))
    (text,) = notices(replace(NODE, metadata=Metadata(), sources=(*WELL, *down)))

    assert text.startswith(
        "The API server is not followed at the moment: workloads, requests and refused pods; claims'"
    )
    assert 1 == text.count(REMEDY)


def test_dra_that_is_refused_while_pods_are_caught_up_with_is_said_apart() -> None:
    """Two causes, two sentences."""
    sources = (source("metadata", up=True), source("dra", up=False))
    first, second = notices(replace(NODE, metadata=Metadata(), sources=(*WELL, *sources)))

    assert REMEDY not in first
    assert second.startswith("DRA devices and claims are not followed")
    assert second.endswith(REMEDY)


def test_a_source_that_only_catches_up_has_nothing_to_remedy() -> None:
    (text,) = notices(replace(NODE, metadata=Metadata(), sources=(*WELL, source("metadata", up=True))))

    assert not text.endswith(REMEDY)


def test_the_pods_api_has_its_own_name() -> None:
    metadata = Metadata({POD.key: POD}, origin=MetadataOrigin.PODSAPI)
    shown = replace(NODE, metadata=metadata, sources=(*WELL, source("metadata", up=True)))

    assert chips(shown)[2][1].startswith("! Pods API catching up")
    assert any(text.startswith("The kubelet's Pods API is not followed at the moment") for text in notices(shown))


def test_a_source_of_another_name_is_shown_by_it() -> None:
    shown = replace(NODE, sources=(*WELL, source("<moon>", up=True)))

    assert f"\u2713 <moon> answered {AT}" in [text for _, text in chips(shown)]


def test_a_kubelet_that_never_answered_the_exporter_itself() -> None:
    """A recorded snapshot may have an allocation without a time."""
    shown = replace(NODE, sources=(source("kubelet", up=False, ever=False),))

    assert "has not answered since the exporter started" in notices(shown)[0]
