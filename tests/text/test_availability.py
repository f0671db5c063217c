"""Why a snapshot has nothing to show: one wording."""

import pytest

from podres_exporter.model import Part, Snapshot, SourceHealth
from podres_exporter.text.availability import NoAllocation, last_answer, no_allocation, why_nothing

NEVER, ONCE = SourceHealth("kubelet", False, None), SourceHealth("kubelet", False, 5.9)


@pytest.mark.parametrize(
    ("source", "held", "reason", "sentence"),
    [
        ((NEVER,), False, NoAllocation.NOT_ANSWERED, "the kubelet has not answered yet"),
        ((), False, NoAllocation.NOT_ANSWERED, "the kubelet has not answered yet"),
        ((NEVER,), True, NoAllocation.HELD_BACK, "the kubelet has just started; its answers are held back"),
        ((ONCE,), False, NoAllocation.TOO_OLD, "of 1970-01-01T00:00:05Z, is older than the maximum age"),
    ],
)
def test_the_reason_is_said(source: tuple[SourceHealth, ...], held: bool, reason: NoAllocation, sentence: str) -> None:
    snapshot = Snapshot("n1", None, sources=source, parts=(Part("pods", stale=False, held=held),))

    assert reason is no_allocation(snapshot)
    assert sentence in why_nothing(snapshot)


def test_the_time_of_the_last_answer_is_that_of_the_kubelet() -> None:
    assert "" == last_answer(Snapshot("n1", None, sources=(SourceHealth("topology", True, 9.0),)))
    assert "1970-01-01T00:00:05Z" == last_answer(Snapshot("n1", None, sources=(ONCE,)))
