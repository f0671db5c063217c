"""The reflector's state table: every state and every event."""

import pytest

from podres_exporter.errors import Reason
from podres_exporter.kube.reflector.pacing import LOADING_PAUSE, Pause, pause, pause_unreached
from podres_exporter.kube.reflector.state import (
    RESUMABLE,
    STABLE_SECONDS,
    Action,
    Disconnected,
    Ended,
    Happening,
    List,
    Listed,
    Phase,
    Progressed,
    ReflectorState,
    Rested,
    Watch,
    step,
)

LISTING = ReflectorState()
WATCHING = ReflectorState(Phase.WATCHING, "7")
LONG, SHORT = STABLE_SECONDS, STABLE_SECONDS - 1


def backoff(version: str, failures: int, expiries: int = 0, *, away: bool = False) -> ReflectorState:
    return ReflectorState(Phase.BACKOFF, version, failures, expiries, was_away=away)


@pytest.mark.parametrize(
    ("state", "happening", "lasted", "expected_state", "expected_action"),
    [
        (LISTING, Listed("5"), 0, ReflectorState(Phase.WATCHING, "5"), Watch("5")),
        (WATCHING, Progressed("8"), 0, ReflectorState(Phase.WATCHING, "8"), Watch("8")),
        (WATCHING, Progressed(""), 0, WATCHING, Watch("7")),
        (WATCHING, Ended(), LONG, backoff("7", 0), pause(0)),
        (WATCHING, Ended(), SHORT, backoff("7", 1), pause(1)),
        (WATCHING, Disconnected(Reason.UNAVAILABLE), LONG, backoff("7", 1, away=True), pause(1)),
        (WATCHING, Disconnected(Reason.UNAVAILABLE), SHORT, backoff("7", 1, away=True), pause(1)),
        (WATCHING, Disconnected(Reason.GONE), LONG, backoff("", 1, 1), pause(0, Reason.GONE)),
        (WATCHING, Disconnected(Reason.MALFORMED), SHORT, backoff("", 1), pause(1)),
        (WATCHING, Disconnected(Reason.TOO_LARGE), LONG, backoff("", 1), pause(1)),
        (LISTING, Disconnected(Reason.TIMEOUT), LONG, backoff("", 1, away=True), pause(1)),
        (backoff("7", 1), Rested(), 0, ReflectorState(Phase.WATCHING, "7", 1), Watch("7")),
        (backoff("", 1), Rested(), 0, ReflectorState(Phase.LISTING, "", 1), List()),
    ],
)
def test_what_happened_says_what_is_next(
    state: ReflectorState, happening: Happening, lasted: float, expected_state: ReflectorState, expected_action: Action
) -> None:
    assert (expected_state, expected_action) == step(state, happening, lasted)


def test_nothing_is_known_at_first_so_a_list_is_asked_for() -> None:
    assert (LISTING, List()) == step(ReflectorState(), Rested())


@pytest.mark.parametrize("reason", list(Reason))
def test_a_watch_goes_on_where_it_was_only_if_no_event_can_be_lost(reason: Reason) -> None:
    """A timeout is a silence that no healthy server keeps: its version may be behind ours, and then it never speaks."""
    state, _ = step(WATCHING, Disconnected(reason))

    assert ("7" if reason in {Reason.UNAVAILABLE, Reason.THROTTLED, Reason.DENIED} else "") == state.version
    assert (state.version != "") == (reason in RESUMABLE)


def test_failures_are_counted_across_lists_that_succeed_between_them() -> None:
    """A server that lists well and fails every watch would otherwise be asked every second."""
    state = ReflectorState(Phase.WATCHING, "1")
    waits = []
    for _ in range(4):
        state, action = step(state, Disconnected(Reason.INTERNAL))
        waits.append(action)
        state, _ = step(step(state, Rested())[0], Listed("2"))

    assert [pause(number, Reason.INTERNAL) for number in (1, 2, 3, 4)] == waits


def test_the_first_expiry_is_relisted_quickly_and_the_next_ones_are_not() -> None:
    """All watches of a cluster expire at once when an API server restarts; a server that does it again is ill."""
    state, waits = WATCHING, []
    for _ in range(3):
        state, action = step(state, Disconnected(Reason.GONE))
        waits.append(action)
        state, _ = step(step(state, Rested())[0], Listed("2"))

    assert [pause(0, Reason.GONE), pause(1), pause(2)] == waits


def test_an_expiry_after_an_outage_is_relisted_quickly_too() -> None:
    """The server that restarts knows no version of before: it is there, and what failed before does not count."""
    state = WATCHING
    for _ in range(6):
        state, _ = step(step(state, Disconnected(Reason.UNAVAILABLE))[0], Rested())

    state, action = step(state, Disconnected(Reason.GONE))

    assert (pause(0, Reason.GONE), "") == (action, state.version)


def test_a_watch_that_has_worked_makes_the_next_failure_the_first() -> None:
    state, action = step(ReflectorState(Phase.WATCHING, "7", failures=9), Disconnected(Reason.UNAVAILABLE), LONG)

    assert (backoff("7", 1, away=True), pause(1)) == (state, action)


def test_a_slow_list_has_not_worked() -> None:
    state, _ = step(ReflectorState(Phase.LISTING, "", failures=3), Disconnected(Reason.TIMEOUT), LONG)

    assert backoff("", 4, away=True) == state


UNREACHED = Disconnected(Reason.UNAVAILABLE, is_unreached=True)
LOADING = Disconnected(Reason.DENIED, is_loading=True)


def test_however_long_a_server_is_away_what_it_answers_then_is_the_first_failure() -> None:
    """An outage of a minute cost nearly two more: its failures counted where the young server refused us."""
    state = WATCHING
    for number in range(1, 30):
        state, action = step(step(state, Rested())[0], UNREACHED)
        assert pause_unreached(number) == action
    _, action = step(state, Disconnected(Reason.UNAVAILABLE))

    assert pause(1) == action


@pytest.mark.parametrize("between", [1, 2, 5])
def test_a_server_that_is_only_reached_now_and_then_is_asked_less_and_less(between: int) -> None:
    """One dead backend of two, or of some more: what it does not answer is no sign that the other one is well."""
    state, seconds, reached = LISTING, 0.0, []
    while seconds < 600:
        for happening in (Disconnected(Reason.INTERNAL), *[UNREACHED] * between):
            if happening is not UNREACHED:
                reached.append(seconds)
            state, action = step(state, happening)
            assert isinstance(action, Pause)
            seconds += action.seconds(0.0)
            state, _ = step(state, Rested())

    for minute in range(1, 10):
        assert sum(minute * 60 <= at < (minute + 1) * 60 for at in reached) < 10


@pytest.mark.faults("API server has just started and refuses everything (`RBAC: ... not found`)")
def test_a_young_server_that_has_not_loaded_its_roles_is_asked_again_soon_and_not_for_ever() -> None:
    """Twelve times: then the role that a binding names is really missing."""
    state, _ = step(WATCHING, UNREACHED)
    for _ in range(12):
        state, action = step(state, LOADING)
        assert LOADING_PAUSE == action
    state, action = step(state, LOADING)

    assert pause(1, Reason.DENIED) == action


def test_without_an_outage_before_a_role_that_is_not_found_is_a_missing_right() -> None:
    assert pause(1, Reason.DENIED) == step(WATCHING, LOADING)[1]


def test_the_server_s_wish_is_kept() -> None:
    _, action = step(WATCHING, Disconnected(Reason.THROTTLED, retry_after_seconds=20.0))

    assert pause(1, Reason.THROTTLED, 20.0) == action
