"""Reasons to call List: every row of the table, and that there are no others."""

from dataclasses import replace

import pytest
from builders import GPU
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.allocation.reasons import (
    ListReason,
    Situation,
    admission_is_under_way,
    list_reason,
    next_list_at,
)
from podres_exporter.model import ContainerKind, ContainerSpec, Metadata, PodMeta

QUIET = Situation(
    now=1000.0,
    interval=10.0,
    resync_interval=300.0,
    tried_at=800.0,
    listed_at=800.0,
    start_listed_at=800.0,
    started_at=None,
    came_late=False,
    witness_at=10.0,
    has_get=True,
    expects_own=True,
    has_allocatable=True,
    wants_metadata=True,
    is_followed=True,
    metadata_lost=False,
    has_news=False,
    needs_list=False,
)
"""Get is served, metadata followed, and nothing has happened for a long time."""

RESTARTED = replace(QUIET, started_at=999.5, witness_at=None, start_listed_at=None)
POLLED = replace(QUIET, wants_metadata=False, is_followed=False)
LOST = replace(QUIET, is_followed=False, metadata_lost=True)
NO_GET = replace(QUIET, has_get=False)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        pytest.param(QUIET, None, id="nothing has happened"),
        pytest.param(replace(QUIET, now=99_999.0), None, id="for a day"),
        pytest.param(replace(QUIET, has_news=True), None, id="news, which Get answers"),
        pytest.param(replace(QUIET, listed_at=None, tried_at=None), "start", id="never listed"),
        pytest.param(replace(QUIET, listed_at=None, tried_at=999.9), "start", id="the first failed"),
        pytest.param(RESTARTED, None, id="the own pod is asked for by Get"),
        pytest.param(replace(RESTARTED, has_get=None), None, id="as long as that is not known to be missing"),
        pytest.param(replace(RESTARTED, now=1009.5), "restart", id="from the tenth second on by List too"),
        pytest.param(replace(RESTARTED, now=1100.0, tried_at=1095.0), None, id="at the poll interval"),
        pytest.param(replace(RESTARTED, now=9999.0, start_listed_at=1009.5), None, id="until one is answered"),
        pytest.param(
            replace(RESTARTED, now=9999.0, start_listed_at=9980.0, tried_at=9980.0, expects_own=False),
            "restart",
            id="at each poll interval where its name may be wrong",
        ),
        pytest.param(replace(RESTARTED, has_get=False), "restart", id="without Get at once"),
        pytest.param(replace(RESTARTED, expects_own=False), "restart", id="without an own pod at once"),
        pytest.param(replace(RESTARTED, has_get=False, tried_at=999.5), None, id="each second"),
        pytest.param(replace(RESTARTED, has_get=False, tried_at=999.0), "restart", id="a second later"),
        pytest.param(replace(RESTARTED, witness_at=999.5), None, id="not before a second after the witness"),
        pytest.param(replace(RESTARTED, witness_at=999.0), "restart", id="a second after the witness"),
        pytest.param(
            replace(RESTARTED, witness_at=990.0, start_listed_at=990.5),
            "restart",
            id="listed too soon after it",
        ),
        pytest.param(replace(RESTARTED, witness_at=990.0, start_listed_at=991.0), None, id="listed after the witness"),
        pytest.param(replace(QUIET, witness_at=None), None, id="an old kubelet that does not know the own pod"),
        pytest.param(replace(QUIET, witness_at=900.0), "restart", id="and is listed once it does"),
        pytest.param(
            replace(QUIET, witness_at=None, expects_own=False),
            "restart",
            id="an old kubelet and an own name that is wrong",
        ),
        pytest.param(
            replace(RESTARTED, is_followed=False, metadata_lost=True, tried_at=990.0), "metadata", id="both are away"
        ),
        pytest.param(replace(RESTARTED, wants_metadata=False, tried_at=990.0), "poll", id="nothing tells what changes"),
        pytest.param(LOST, "metadata", id="metadata is lost"),
        pytest.param(replace(LOST, tried_at=995.0), None, id="listed since, at the poll interval"),
        pytest.param(replace(QUIET, metadata_lost=True, tried_at=999.0), "metadata", id="metadata is back"),
        pytest.param(replace(QUIET, is_followed=False), None, id="metadata is not there yet"),
        pytest.param(POLLED, "poll", id="no metadata"),
        pytest.param(replace(POLLED, tried_at=992.0), None, id="no metadata, at the poll interval"),
        pytest.param(replace(QUIET, has_allocatable=False), "poll", id="nothing else tells that the kubelet lives"),
        pytest.param(replace(NO_GET, has_news=True), "news", id="news without Get"),
        pytest.param(replace(NO_GET, has_news=True, tried_at=990.5), None, id="a poll interval after the last"),
        pytest.param(NO_GET, None, id="without Get and without news"),
        pytest.param(replace(NO_GET, now=1100.0), "resync", id="without Get, the resync"),
        pytest.param(replace(QUIET, needs_list=True), None, id="what only List can mend waits for the resync"),
        pytest.param(replace(QUIET, needs_list=True, now=1100.0), "resync", id="and is mended by it"),
    ],
)
def test_each_reason_is_one_of_the_table(at: Situation, reason: str | None) -> None:
    found = list_reason(at)

    assert reason == (found and found.value)


times = st.none() | st.floats(0, 2000)
situations = st.builds(
    Situation,
    now=st.floats(2000, 3000),
    interval=st.sampled_from((1.0, 10.0, 60.0)),
    resync_interval=st.just(300.0),
    tried_at=times,
    listed_at=times,
    start_listed_at=times,
    started_at=times,
    witness_at=times,
    has_get=st.sampled_from((True, False, None)),
    expects_own=st.booleans(),
    has_allocatable=st.booleans(),
    wants_metadata=st.booleans(),
    is_followed=st.booleans(),
    metadata_lost=st.booleans(),
    has_news=st.booleans(),
    needs_list=st.booleans(),
)


@given(situations)
def test_when_the_next_one_is_due_is_when_there_is_a_reason(at: Situation) -> None:
    due = next_list_at(at)
    if due is None:
        assert list_reason(at) is None
    else:
        assert due >= at.now
        assert list_reason(replace(at, now=due)) is not None


@given(situations)
def test_nothing_is_listed_in_bursts(at: Situation) -> None:
    """Whatever the situation, less than a second after the last List there is none, but for what is news of its own."""
    reason = list_reason(replace(at, tried_at=at.now - 0.5, listed_at=at.now - 0.5, start_listed_at=at.now - 0.5))

    assert reason in {None, ListReason.METADATA, ListReason.RESTART}
    if reason is ListReason.METADATA:
        assert at.is_followed
    if reason is ListReason.RESTART:
        assert at.witness_at is not None


def admitted(name: str, **changes: object) -> PodMeta:
    spec = ContainerSpec("main", ContainerKind.APP, devices=((GPU, 1),))
    return replace(PodMeta("ml", name, f"uid-{name}", phase="Pending", containers=(spec,)), **changes)  # type: ignore[arg-type]  # as the tests name them


@pytest.mark.parametrize(
    ("changes", "is_under_way"),
    [
        ({}, True),
        ({"has_started": True}, False),
        ({"phase": "Running"}, False),
        ({"is_deleting": True}, False),
        ({"containers": ()}, False),
        ({"containers": (ContainerSpec("main", ContainerKind.APP, cpu_millicores=2000),)}, True),
        ({"containers": (ContainerSpec("main", ContainerKind.APP, cpu_millicores=2500),)}, False),
        ({"containers": (ContainerSpec("init", ContainerKind.INIT, devices=((GPU, 1),)),)}, True),
    ],
)
def test_an_admission_is_under_way_while_a_pod_that_asks_for_something_has_no_start_time(
    changes: dict[str, object], is_under_way: bool
) -> None:
    meta = admitted("a", **changes)
    metadata = Metadata({meta.key: meta}, synced=True)

    assert is_under_way == admission_is_under_way(metadata)
    assert not admission_is_under_way(replace(metadata, synced=False))
    assert not admission_is_under_way(None)
