"""Requests of all pods against the node's capacity (OutOfcpu, OutOfmemory, OutOfpods)."""

from dataclasses import replace
from typing import Any

import pytest
from asking_rig import GIB, GPU, known, running, small_node, spec
from builders import container, pod

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.fit import Answer, Ask, Fits, KubeletOptions, Obstacle, Policy, ask_for, fit
from podres_exporter.fit.options import learned
from podres_exporter.fit.reasons import reason
from podres_exporter.model import PodMeta, Snapshot


def requesting(name: str, millicores: int = 0, memory: int = 0, **more: object) -> PodMeta:
    """Return a pod of the shared pool that asks for so much."""
    counts: Any = {"cpu_millicores": millicores, "memory_bytes": memory, **more}
    return running(name, spec("main", millicores / 1000, memory), qos="Burstable", **counts)


def node(*metas: PodMeta, synced: bool = True) -> Snapshot:
    """Return the node of 14 allocatable CPUs and 32 GiB with these pods, none of which holds anything."""
    held = [pod(meta.name, container("main"), namespace="ml") for meta in metas if meta.phase == "Running"]
    return small_node(*held, metadata=known(*metas, synced=synced))


def ask(cpus: float, memory: int = GIB) -> Ask:
    return ask_for(cpu_millicores=round(cpus * 1000), memory_bytes=memory)


def asked(snapshot: Snapshot, of: Ask, options: KubeletOptions | None = None) -> Answer:
    return fit(snapshot, of, options=options)


BUSY = node(requesting("web", 9000, 20 * GIB), requesting("batch", 2000, 8 * GIB))
"""Three CPUs and 4 GiB are left of what the node may be asked for, while every CPU and byte is unheld."""


@pytest.mark.parametrize(
    ("of", "fits", "why"),
    [
        pytest.param(ask(3), Fits.YES, "", id="just enough"),
        pytest.param(ask(4), Fits.NO, "OutOfcpu", id="more CPU than is left"),
        pytest.param(ask(0.5), Fits.YES, "", id="a fraction counts as well"),
        pytest.param(ask(3.5), Fits.UNKNOWN, "", id="a reservation of less than a CPU keeps a whole one back"),
        pytest.param(ask(1, 5 * GIB), Fits.NO, "OutOfmemory", id="more memory than is left"),
        pytest.param(ask(1, 4 * GIB), Fits.YES, "", id="just enough memory"),
    ],
)
def test_requests_of_pods_in_the_shared_pool_count(of: Ask, fits: Fits, why: str) -> None:
    """Source: kubelet lifecycle/predicate.go; measured on 1.36.3 under all four policies."""
    answer = asked(BUSY, of)

    assert [fits] * 4 == [each.fits for each in answer.outcomes]
    assert {why} == {each.rejection.reason if each.rejection else "" for each in answer.outcomes}
    if why:
        assert {(Obstacle.REQUESTED,)} == {
            tuple(hurdle.obstacle for hurdle in each.hurdles) for each in answer.outcomes
        }


def test_who_requests_most_is_named_and_whose_leaving_would_help() -> None:
    outcome = asked(BUSY, ask(4)).outcomes[0]

    assert [("web", "requests.cpu", 9000), ("batch", "requests.cpu", 2000)] == [
        (each.name, each.resource, each.amount) for each in outcome.holders
    ]
    assert (("ml", "web"), ("ml", "batch")) == outcome.freeing
    assert "CPU requests: 4 requested, 3999m of 14999m left by the node's other pods" == reason(outcome)


def test_pods_that_have_ended_do_not_count_and_pods_on_their_way_do() -> None:
    """A pod that is bound is admitted before one that is not."""
    done = requesting("done", 14000, phase="Failed", is_terminal=True)
    bound = requesting("bound", 14000, phase="Pending", has_started=False)

    assert Fits.YES == asked(node(done), ask(4)).fits
    assert Fits.NO == asked(node(bound), ask(4)).fits


def test_requests_are_not_counted_where_they_are_not_known() -> None:
    """Without metadata, or while it is not complete."""
    crowd = requesting("web", 14000)

    assert [Fits.YES, Fits.YES] == [
        asked(node(crowd, synced=False), ask(4)).fits,
        asked(replace(node(crowd), metadata=None), ask(4)).fits,
    ]


@pytest.mark.parametrize(
    ("count", "options", "fits"),
    [
        (109, None, Fits.YES),
        (110, None, Fits.UNKNOWN),
        (130, None, Fits.UNKNOWN),
        (130, KubeletOptions(capacities={"pods": (250, 250)}), Fits.YES),
        (30, KubeletOptions(capacities={"pods": (30, 30)}), Fits.NO),
    ],
)
def test_a_kubelet_takes_so_many_pods(count: int, options: KubeletOptions | None, fits: Fits) -> None:
    """110 by default; a node that runs as many may accept more, which cannot be read."""
    metas = [requesting(f"p{number}") for number in range(count)]

    assert fits == asked(node(*metas), ask(1), options).fits


def refused(reason: str, text: str, name: str = "refused") -> PodMeta:
    message = f"Pod was rejected: {text}"
    return requesting(name, 1000, phase="Failed", reason=reason, message=message, is_terminal=True)


def test_the_kubelets_own_rejections_tell_its_capacity() -> None:
    """So that nothing is left to guess: `OutOfcpu ... capacity: 13500`."""
    text = "Node didn't have enough resource: cpu, requested: 3000, used: 11000, capacity: 13500"
    snapshot = node(requesting("web", 11000), refused("OutOfcpu", text))

    assert [Fits.NO, Fits.YES] == [asked(snapshot, ask(3)).fits, asked(snapshot, ask(2.5)).fits]
    assert {"cpu": (13500, 13500)} == learned(KubeletOptions(), snapshot.metadata).capacities


def test_what_is_given_goes_before_what_is_learned() -> None:
    text = "Node didn't have enough resource: pods, requested: 1, used: 30, capacity: 30"
    snapshot = node(refused("OutOfpods", text), refused("OutOfcpu", "no numbers in it", "odd"))
    given = KubeletOptions(full_pcpus_only=False, capacities={"pods": (99, 99)})

    assert {"pods": (99, 99)} == learned(given, snapshot.metadata).capacities
    assert {"pods": (30, 30)} == learned(KubeletOptions(), snapshot.metadata).capacities


def test_without_the_static_cpu_manager_more_than_is_online_is_too_much() -> None:
    """How much of it is reserved is not known then."""
    crowd = requesting("web", 14000)
    snapshot = small_node(cpus=frozenset(), metadata=known(crowd))

    assert [Fits.YES, Fits.NO] == [asked(snapshot, ask(2)).fits, asked(snapshot, ask(2.5)).fits]


def test_the_overhead_of_a_pods_sandbox_is_asked_for_too() -> None:
    heavy = replace(ask(2), cpu_millicores=5000)

    assert Fits.NO == asked(BUSY, heavy).fits


def test_a_pod_taken_for_gone_requests_nothing() -> None:
    answer = fit(BUSY, ask(12), Policy.NONE, without=("ml", "web"))

    assert Fits.YES == answer.fits


THREADS = 2


@pytest.mark.parametrize(
    ("cpus", "given", "fits"),
    [(3, True, Fits.NO), (4, True, Fits.YES), (3, False, Fits.YES), (3, None, Fits.YES), (4, None, Fits.YES)],
)
def test_whole_cores_only(cpus: int, given: bool | None, fits: Fits) -> None:
    """full-pcpus-only; that it may be set is said where it matters."""
    answer = asked(small_node(), ask(cpus), KubeletOptions(full_pcpus_only=given))
    says = any("full-pcpus-only" in note.text for note in answer.notes)

    assert [fits] * 4 == [each.fits for each in answer.outcomes]
    assert says == (given is None and cpus % THREADS == 1)
    if fits is Fits.NO:
        assert {"SMTAlignmentError"} == {each.rejection.reason for each in answer.outcomes if each.rejection}
        assert {Obstacle.WHOLE_CORES} == {hurdle.obstacle for each in answer.outcomes for hurdle in each.hurdles}


def test_cores_with_a_reserved_or_held_thread_are_not_whole() -> None:
    """CPUs 0 and 8 are reserved, 2 is held: of each node's eight threads six are in whole cores, and two less."""
    options = KubeletOptions(full_pcpus_only=True)
    held = small_node(pod("a", container("main", cpus="2")))
    answers = [fit(held, ask(count), Policy.NONE, options=options).fits for count in (10, 12)]

    assert [Fits.YES, Fits.NO] == answers


def test_a_rejection_for_whole_cores_tells_that_the_option_is_set() -> None:
    """So `fit` says no by itself after the first such pod."""
    text = "SMT Alignment Error: requested 1 cpus not multiple cpus per core = 2"
    snapshot = node(refused("SMTAlignmentError", text))

    assert [Fits.NO, Fits.YES] == [asked(snapshot, ask(3)).fits, asked(snapshot, ask(2)).fits]


def test_one_thread_to_a_core_is_always_whole() -> None:
    snapshot = small_node()
    assert snapshot.allocation
    assert snapshot.allocation.topology
    plain = replace(snapshot.allocation.topology, core_by_cpu={})
    single = replace(snapshot, allocation=replace(snapshot.allocation, topology=plain))

    assert Fits.YES == asked(single, ask(3), KubeletOptions(full_pcpus_only=True)).fits
    assert parse_cpuset("0-7") == plain.siblings(parse_cpuset("0-7"))


def test_devices_are_refused_before_requests_are_counted() -> None:
    """The managers come first in the kubelet, too."""
    both = ask_for(cpu_millicores=4000, memory_bytes=GIB, devices={GPU: 5})
    (outcome,) = fit(BUSY, both, Policy.NONE).outcomes

    assert outcome.rejection
    assert "UnexpectedAdmissionError" == outcome.rejection.reason
