"""Why a snapshot has nothing to show."""

import pytest
from builders import GPU, allocatable, container, gpu, pod

from podres_exporter.join import Joiner
from podres_exporter.model import Belief, Listing, Mark, Metadata, MetadataOrigin, Part, Snapshot, SourceHealth, Unknown
from podres_exporter.text.availability import (
    NoAllocation,
    last_answer,
    no_allocation,
    what_is_given_up,
    what_is_retained,
    what_is_unknown,
    why_nothing,
)

NEVER, ONCE = SourceHealth("kubelet", False, None), SourceHealth("kubelet", False, 5.9)


@pytest.mark.parametrize(
    ("source", "reason", "sentence"),
    [
        ((NEVER,), NoAllocation.NOT_ANSWERED, "the kubelet has not answered yet"),
        ((), NoAllocation.NOT_ANSWERED, "the kubelet has not answered yet"),
        ((ONCE,), NoAllocation.TOO_OLD, "of 1970-01-01T00:00:05Z, is older than the maximum age"),
    ],
)
def test_the_reason_is_said(source: tuple[SourceHealth, ...], reason: NoAllocation, sentence: str) -> None:
    snapshot = Snapshot("n1", None, sources=source)

    assert reason is no_allocation(snapshot)
    assert sentence in why_nothing(snapshot)


def test_the_time_of_the_last_answer_is_that_of_the_kubelet() -> None:
    assert "" == last_answer(Snapshot("n1", None, sources=(SourceHealth("topology", True, 9.0),)))
    assert "1970-01-01T00:00:05Z" == last_answer(Snapshot("n1", None, sources=(ONCE,)))


def test_pods_of_before_a_restart_are_named_a_few_of_them() -> None:
    pods = tuple(pod(f"p{number}", container("main", gpu(f"GPU-{number}"))) for number in range(7))
    belief = Belief({each.key: Mark.RETAINED for each in pods})
    allocation = Joiner().join(Listing(pods), allocatable(gpu("GPU-9")), None, belief=belief)

    assert (
        "default/p0, default/p1, default/p2, default/p3, default/p4 and 2 more as the kubelet listed them before its "
        "restart"
    ) == what_is_retained(Snapshot("n1", allocation))
    assert "" == what_is_retained(Snapshot("n1", Joiner().join(Listing(pods), None, None)))
    assert "" == what_is_retained(Snapshot("n1", None))


def test_what_is_not_known_to_be_free_is_named_with_the_pods_that_run_unlisted() -> None:
    belief = Belief(unknown=Unknown(resources=frozenset({GPU})), unlisted=(("ml", "train"),))
    allocation = Joiner().join(Listing(()), allocatable(gpu("GPU-9"), cpus="0-3"), None, Metadata(), belief=belief)

    assert (
        f"how much is free of {GPU}; according to the API server, ml/train runs here, and the kubelet has not listed it"
    ) == what_is_unknown(Snapshot("n1", allocation))
    by_kubelet = Metadata(origin=MetadataOrigin.PODSAPI)
    assert "; according to the kubelet's Pods API, ml/train runs here" in what_is_unknown(
        Snapshot("n1", allocation, metadata=by_kubelet)
    )
    assert "" == what_is_unknown(Snapshot("n1", Joiner().join(Listing(()), None, None)))


def test_pods_that_are_given_up_are_named() -> None:
    belief = Belief(given_up=(("ml", "train"),))
    allocation = Joiner().join(Listing(()), allocatable(gpu("GPU-9")), None, Metadata(), belief=belief)

    assert (
        "according to the API server, ml/train runs here, and the kubelet does not list it: nothing is counted as held "
        "for it"
    ) == what_is_given_up(Snapshot("n1", allocation))
    assert "" == what_is_given_up(Snapshot("n1", None))


def test_devices_whose_plugins_are_not_back_yet_are_told() -> None:
    parts = (Part("allocatable", stale=False, held=True),)

    assert "what is allocatable, as the kubelet reported it before its restart" == what_is_retained(
        Snapshot("n1", None, parts=parts)
    )
