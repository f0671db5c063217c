"""The kubelet's release inferred from its answers, for every simulated release."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from builders import allocatable, block, container, listing, pod
from check_rig import TRAIN, calls, found, healthy, meta, metadata, refused

from podres_exporter.check import Evidence, Verdict
from podres_exporter.check.evidence import Call, Look
from podres_exporter.check.findings.release import OPEN, Clue, narrowed, range_text
from podres_exporter.errors import Reason
from podres_exporter.model import Claim, ClaimDevice, ContainerKind, ContainerSpec, Listing
from podres_exporter.scenario import KubeletSettings, Release, node_at
from podres_exporter.sim import StateAnswers, builtin_scenario
from podres_exporter.sim.podresources.answers import RpcFault
from podres_exporter.sim.podresources.dialect import dialect_of
from podres_exporter.sources.kubelet import translate
from podres_exporter.wire import AllocatableDecoder, ListDecoder

DISABLED = "PodResources API GetAllocatableResources disabled"


def claimed(*devices: ClaimDevice) -> Listing:
    return listing(pod("train", container("main", claims=[Claim("ml", "c", devices)]), namespace="ml"))


def cdi(driver: str = "", share_id: str = "") -> ClaimDevice:
    return ClaimDevice(driver, "", "", share_id, ("x/y=0",))


def sidecar() -> Any:
    return meta(containers=(ContainerSpec("log", ContainerKind.SIDECAR),))


def lone(**changes: Any) -> Evidence:
    """Return evidence in which only List has answered, so that nothing else narrows the release."""
    return healthy(**{"calls": {"List": Call("List", 0.1, 1)}, "allocatable": None, **changes})


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, "1.34 or newer: Get is enabled, by default from 1.34"),
        (Reason.NOT_FOUND, "1.34 or newer: Get is enabled, by default from 1.34"),
        (Reason.DISABLED, "1.27 to 1.33: Get exists but is disabled and Get is off by default"),
        (Reason.UNIMPLEMENTED, "1.20 to 1.26: Get does not exist"),
        (Reason.TIMEOUT, "1.20 or newer: no further clues"),
    ],
)
def test_get_tells_three_ages_apart(reason: Reason | None, expected: str) -> None:
    """There from 1.27, on from 1.34."""
    call = Call("Get", 0.1, 1, reason)

    assert expected == found(lone(calls={"List": Call("List", 0.1, 1), "Get": call}), "kubelet.release").seen


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        (None, "", "1.23 or newer"),
        (Reason.UNIMPLEMENTED, "", "1.20"),
        (Reason.DISABLED, "Pod Resources API GetAllocatableResources disabled", "1.21 to 1.22"),
        (Reason.DISABLED, DISABLED, "1.21 to 1.27"),
        (Reason.TIMEOUT, "", "1.20 or newer"),
    ],
)
def test_get_allocatable_resources_tells_the_oldest_apart(reason: Reason | None, detail: str, expected: str) -> None:
    """Its text has changed with 1.27."""
    call = Call("GetAllocatableResources", 0.1, 1, reason, detail)
    evidence = lone(calls={"List": Call("List", 0.1, 1), "GetAllocatableResources": call})

    assert expected == found(evidence, "kubelet.release").seen.partition(": ")[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"calls": {"List": Call("List", 0.1, 1, attempts=2, rejected=1)}}, "1.27 or newer: calls are limited"),
        ({"allocatable": allocatable(memory=[block(1, 0)])}, "1.22 or newer: memory is reported"),
        ({"looks": (Look(listing(pod("a", cpus="1"))),)}, "1.37 or newer: pods have pod-level CPUs or memory"),
        ({"looks": (Look(listing(pod("a", memory=[block(1, 0)]))),)}, "1.37 or newer"),
        ({"looks": (Look(claimed(cdi("d", "s"))),)}, "1.35 or newer: claims have share ids"),
        ({"looks": (Look(claimed(cdi("d"))),)}, "1.31 or newer: claims name their devices"),
        ({"looks": (Look(claimed(cdi())),)}, "1.27 to 1.30: claims name CDI devices only"),
        ({"looks": (Look(claimed()),)}, "1.27 or newer: claims are listed"),
        (
            {"looks": (Look(listing(TRAIN), metadata(sidecar())),)},
            "1.20 to 1.29: sidecars are not listed",
        ),
        (
            {"looks": (Look(listing(pod("train", container("log"), namespace="ml")), metadata(sidecar())),)},
            "1.30 or newer: sidecars are listed",
        ),
        ({"looks": (Look(listing(), metadata(sidecar())),)}, "1.20 or newer: no further clues"),
        (
            {"looks": (Look(listing(TRAIN), metadata(meta(is_terminal=True))),)},
            "1.20 to 1.33: finished pods are listed",
        ),
    ],
)
def test_each_clue_counts(changes: dict[str, Any], expected: str) -> None:
    """Fields, texts and habits that came, or went, with a release."""
    assert found(lone(**changes), "kubelet.release").seen.startswith(expected)


def test_the_shared_pool_as_exclusive_cpus_is_a_kubelet_of_1_22_at_most() -> None:
    """Two pods report the same CPUs; only asked of kubelets without Get."""
    pods = listing(*(pod(name, container(cpus="0-7")) for name in "ab"))
    old = {"List": Call("List", 0.1, 1), "Get": refused("Get", Reason.UNIMPLEMENTED)}

    assert "1.20 to 1.22: containers list the shared pool as exclusive CPUs" == (
        found(lone(calls=old, looks=(Look(pods),)), "kubelet.release").seen
    )
    assert "1.20 or newer" in found(lone(looks=(Look(pods),)), "kubelet.release").seen


def test_a_kubelet_that_does_not_list_tells_nothing() -> None:
    spoilt = calls(List=refused("List", Reason.TIMEOUT))

    assert Verdict.SKIPPED is found(healthy(calls=spoilt), "kubelet.release").verdict


def test_defaults_that_contradict_each_other_have_been_changed() -> None:
    """Get switched on by hand on a kubelet that lists finished pods: only what is certain is left."""
    finished = Look(listing(TRAIN), metadata(meta(is_terminal=True)))
    one = found(
        lone(looks=(finished,), calls={"List": Call("List", 0.1, 1), "Get": Call("Get", 0.1, 1)}), "kubelet.release"
    )

    assert "1.27 or newer: Get exists" == one.seen
    assert {"first": "1.27", "last": None} == one.facts


@pytest.mark.parametrize(
    ("clues", "expected"),
    [
        ([], (20, OPEN)),
        ([Clue("", 27), Clue("", 20, 33)], (27, 33)),
        ([Clue("", 27), Clue("", 20, 22, is_certain=False)], (27, OPEN)),
        ([Clue("", 27), Clue("", 30, is_certain=False)], (30, OPEN)),
    ],
)
def test_clues_are_intersected(clues: list[Clue], expected: tuple[int, int]) -> None:
    assert expected == narrowed(clues)


@pytest.mark.parametrize(
    ("first", "last", "expected"), [(20, 20, "1.20"), (27, 33, "1.27 to 1.33"), (34, OPEN, "1.34 or newer")]
)
def test_ranges_are_named(first: int, last: int, expected: str) -> None:
    assert expected == range_text(first, last)


@pytest.mark.parametrize("minor", range(20, 38))
def test_the_range_of_a_simulated_kubelet_has_its_release_in_it(minor: int) -> None:
    """Whatever a release answers, in its own dialect, must not be taken for another."""
    settings = KubeletSettings(Release(minor))
    state = node_at(builtin_scenario(), 100.0)
    answers = StateAnswers(settings, lambda: state, Random(1))  # noqa: S311 - order, not a secret
    known = dialect_of(settings).methods
    listed = ListDecoder().decode(answers.list())
    offered, allocatable_call = spoken("GetAllocatableResources", known, answers.allocatable)
    _, get_call = spoken("Get", known, lambda: answers.get(*listed.pods[0].key))
    evidence = healthy(
        calls=calls(GetAllocatableResources=allocatable_call, Get=get_call),
        allocatable=None if offered is None else AllocatableDecoder().decode(offered),
        looks=(Look(listed),),
        topology=state.topology,
    )
    facts = found(evidence, "kubelet.release").facts
    first, last = str(facts["first"]), str(facts["last"] or "1.1000")

    assert int(first.removeprefix("1.")) <= minor <= int(last.removeprefix("1."))


def spoken(rpc: str, known: frozenset[str], ask: Callable[[], bytes]) -> tuple[bytes | None, Call]:
    """Return the answer, and the call that came to it."""
    if rpc not in known:
        return None, refused(rpc, Reason.UNIMPLEMENTED)
    try:
        return ask(), Call(rpc, 0.1, 1)
    except RpcFault as fault:
        reason, detail = translate(fault.code, fault.details)
        return None, refused(rpc, reason, detail)
