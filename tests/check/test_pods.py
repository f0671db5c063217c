"""Findings on pods: differences between kubelet and API server, and unmet requests."""

from dataclasses import replace
from typing import Any

import pytest
from builders import container, gpu, listing, pod
from check_rig import NOW, TRAIN, found, healthy, meta, metadata, socket, unconnected, verdicts

from podres_exporter.check import Finding, Verdict
from podres_exporter.check.evidence import Look
from podres_exporter.check.findings.pods import disagrees
from podres_exporter.model import Claim, ClaimDevice, ContainerKind, ContainerSpec, Listing

AGREED = Look(listing(TRAIN), metadata(meta()))


def of(name: str, *looks: Look) -> Finding:
    return found(healthy(looks=looks), f"pods.{name}")


def with_another(**facts: Any) -> Look:
    """Return a look with a second pod that the kubelet does not list."""
    return Look(listing(TRAIN), metadata(meta(), meta("other", **facts)))


def claimed(*claims: Claim) -> Listing:
    return listing(pod("train", container("main", gpu("GPU-0", 0), cpus="2-3", claims=claims), namespace="ml"))


def devices(*names: str) -> tuple[ClaimDevice, ...]:
    return tuple(ClaimDevice("d", "p", name, "", ()) for name in names)


def test_sides_that_agree_have_nothing_said_against_them() -> None:
    evidence = healthy(looks=(AGREED,))

    assert not disagrees(AGREED)
    assert {} == verdicts(evidence)
    assert "2 requests for devices and exclusive CPUs, none unmet" == found(evidence, "pods.requests").seen
    assert "no DRA claims" == found(evidence, "pods.claims").seen


@pytest.mark.parametrize("look", [Look(None), Look(listing(TRAIN)), Look(None, metadata(meta()))])
def test_one_side_alone_disagrees_with_nobody(look: Look) -> None:
    assert not disagrees(look)


def test_a_pod_that_the_kubelet_does_not_list_is_a_warning() -> None:
    look = with_another()
    one = of("missing", look)

    assert disagrees(look)
    assert Verdict.WARNING is one.verdict
    assert "1 running pod of the API server's not listed by the kubelet: ml/other" in one.seen
    assert {"pods": 1} == one.facts


def test_a_kubelet_that_has_just_started_is_given_time() -> None:
    young = socket()
    evidence = healthy(
        looks=(with_another(),), socket=replace(young, file=replace(young.file, changed_seconds=NOW - 5))
    )

    assert "check again in a minute" in found(evidence, "pods.missing").remedy


@pytest.mark.parametrize(
    "facts", [{"is_terminal": True}, {"is_deleting": True}, {"has_started": False}], ids=["finished", "deleting", "new"]
)
def test_a_pod_that_need_not_be_listed_is_not_missing(facts: dict[str, Any]) -> None:
    """Finished, on its way out, or not yet taken up."""
    assert Verdict.OK is of("missing", with_another(**facts)).verdict
    assert not disagrees(with_another(**facts))


def test_a_pod_that_the_api_server_does_not_know_is_worth_a_note() -> None:
    """It is exported all the same."""
    look = Look(listing(TRAIN, pod("static")), metadata(meta()))
    one = of("unknown", look)

    assert disagrees(look)
    assert Verdict.NOTE is one.verdict
    assert "default/static" in one.seen


def test_a_finished_pod_that_is_listed_is_worth_a_note() -> None:
    """Kubelets up to 1.33; serve leaves it out."""
    look = Look(listing(TRAIN, pod("done", namespace="ml")), metadata(meta(), meta("done", is_terminal=True)))
    one = of("finished", look)

    assert disagrees(look)
    assert Verdict.NOTE is one.verdict
    assert "1 finished pod still listed by the kubelet: ml/done" in one.seen
    assert "1.34" in one.remedy


@pytest.mark.parametrize("name", ["missing", "unknown", "finished"])
def test_what_a_second_look_does_not_show_was_on_its_way(name: str) -> None:
    """Pods come and go between two questions."""
    first = Look(
        listing(TRAIN, pod("a"), pod("done", namespace="ml")),
        metadata(meta(), meta("new"), meta("done", is_terminal=True)),
    )

    assert Verdict.OK is not of(name, first, first).verdict
    assert Verdict.OK is of(name, first, AGREED).verdict


def test_sides_are_not_compared_where_one_is_silent() -> None:
    names = ("missing", "unknown", "finished", "requests")
    silent = healthy(looks=(Look(listing(TRAIN)),))

    assert {"the API server's pods are not known (api.list)"} == {found(silent, f"pods.{name}").seen for name in names}
    assert {"the kubelet's pods are not known (kubelet.list)"} == {
        found(unconnected(), f"pods.{name}").seen for name in (*names, "claims")
    }


@pytest.mark.parametrize(
    ("held", "resource"),
    [(container("main", cpus="2-3"), "1 nvidia.com/gpu"), (container("main", gpu("GPU-0", 0)), "2 cpu")],
)
def test_a_container_that_asked_and_shows_nothing_is_a_warning(held: Any, resource: str) -> None:
    """Devices, and exclusive CPUs under a static CPU manager."""
    one = of("requests", Look(listing(pod("train", held, namespace="ml")), metadata(meta())))

    assert Verdict.WARNING is one.verdict
    assert f"ml/train main requested {resource} and has 0" == one.seen
    assert {"requests": 2, "missing": 1, "explained": 0} == one.facts


def test_what_is_missing_for_a_known_reason_is_merely_counted() -> None:
    """The kubelet never lists plain init containers."""
    init = ContainerSpec("init", ContainerKind.INIT, devices=(("nvidia.com/gpu", 1),))
    known = meta(containers=(*meta().containers, init))
    one = of("requests", Look(listing(TRAIN), metadata(known)))

    assert Verdict.OK is one.verdict
    assert "1 is held but not listed by the kubelet, as expected" in one.seen


def test_a_claim_without_devices_is_a_warning() -> None:
    """Its driver has not prepared it."""
    look = Look(claimed(Claim("ml", "a", ()), Claim("ml", "b", devices("x"))), metadata(meta()))
    one = of("claims", look)

    assert Verdict.WARNING is one.verdict
    assert "1 claim without devices: ml/a" == one.seen
    assert {"claims": 2, "unprepared": 1, "undecided": 0} == one.facts


def test_claims_of_which_nobody_tells_who_uses_what_are_worth_a_note() -> None:
    """Also where the API server is not asked."""
    evidence = healthy(looks=(Look(claimed(Claim("ml", "a", devices("x", "y")))),), api=None)
    one = found(evidence, "pods.claims")

    assert Verdict.NOTE is one.verdict
    assert "1 claim without a report of which container uses which device: ml/a" == one.seen
    assert "attribution=claim" in one.remedy


def test_claims_that_are_clear_are_counted() -> None:
    evidence = healthy(looks=(Look(claimed(Claim("ml", "a", devices("x"))), metadata(meta())),))

    assert "1 DRA claim, no problems" == found(evidence, "pods.claims").seen
