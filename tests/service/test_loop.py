"""The poll loop: it survives errors, stops on request, and reports when it hangs."""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fake_clock import FakeClock

from podres_exporter.clock import Clock, SystemClock
from podres_exporter.errors import Reason
from podres_exporter.service import PollLoop

INTERVAL, PATIENCE = 10.0, 240.0


class Counted:
    """Events that only count what the loop tells."""

    def __init__(self) -> None:
        self.loop_errors = 0

    def rpc(self, rpc: str, seconds: float, reason: Reason | None) -> None:
        raise AssertionError((rpc, seconds, reason))

    def malformed(self, rpc: str, items: int) -> None:
        raise AssertionError((rpc, items))

    def restarted(self) -> None:
        raise AssertionError

    def listed(self, reason: str) -> None:
        raise AssertionError(reason)

    def list_delayed(self, outcome: str) -> None:
        raise AssertionError(outcome)

    def resync_differed(self) -> None:
        raise AssertionError

    def loop_error(self) -> None:
        self.loop_errors += 1


@dataclass
class Scripted:
    """What the loop turns, as a test has it."""

    tick: Callable[[], float]
    refresh: Callable[[], None]
    due: Callable[[], float]
    failed: Callable[[], None]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def events() -> Counted:
    return Counted()


def make_loop(
    tick: Callable[[], float],
    clock: Clock,
    events: Counted,
    refresh: Callable[[], None] = lambda: None,
    woken: threading.Event | None = None,
    due: Callable[[], float] = lambda: math.inf,
    failed: Callable[[], None] = lambda: None,
) -> PollLoop:
    woken = woken or threading.Event()
    return PollLoop(
        Scripted(tick, refresh, due, failed),
        woken=woken,
        interval_seconds=INTERVAL,
        patience_seconds=PATIENCE,
        events=events,
        clock=clock,
    )


def fail() -> float:
    raise LookupError("a bug")


def test_a_turn_polls_once_and_returns_the_wait_that_the_poll_asks_for(clock: FakeClock, events: Counted) -> None:
    """Backoff is the poller's decision."""
    assert make_loop(lambda: 2.5, clock, events).turn() == pytest.approx(2.5)
    assert 0 == events.loop_errors


def test_an_unexpected_error_is_logged_with_its_traceback_and_counted_and_the_loop_goes_on(
    clock: FakeClock, events: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    """Catch broad once per loop: log, count, back off, continue."""
    delay = make_loop(fail, clock, events).turn()
    (record,) = caplog.records

    assert delay == pytest.approx(INTERVAL)
    assert 1 == events.loop_errors
    assert (logging.ERROR, "poll.failed") == (record.levelno, record.message)
    assert record.exc_info is not None
    assert LookupError is record.exc_info[0]


def test_the_loop_waits_between_polls_as_long_as_each_poll_asks(clock: FakeClock, events: Counted) -> None:
    """One poll after the other, no more and no fewer."""
    delays = iter([1.0, 20.0, 0.5])
    polled_at: list[float] = []

    def tick() -> float:
        polled_at.append(clock.monotonic_seconds())
        delay = next(delays, None)
        if delay is None:
            loop.stop()
        return delay or 0.0

    loop = make_loop(tick, clock, events)
    loop.start()

    assert loop.join(60)
    assert [100.0, 101.0, 121.0, 121.5] == polled_at


def test_a_poll_that_fails_is_followed_by_the_next_one_an_interval_later(clock: FakeClock, events: Counted) -> None:
    """A bug in one poll must not end the exporter."""
    polled_at: list[float] = []

    def tick() -> float:
        polled_at.append(clock.monotonic_seconds())
        if len(polled_at) < 3:
            raise LookupError("a bug")
        loop.stop()
        return 0.0

    loop = make_loop(tick, clock, events)
    loop.start()

    assert loop.join(60)
    assert [100.0, 110.0, 120.0] == polled_at
    assert 2 == events.loop_errors


def test_a_stop_ends_the_wait_at_once(events: Counted) -> None:
    """SIGTERM must finish within five seconds, however long the interval is."""
    polled = threading.Event()

    def tick() -> float:
        polled.set()
        return 3600.0

    loop = make_loop(tick, SystemClock(), events)
    loop.start()

    assert polled.wait(60)
    loop.stop()
    assert loop.join(60)


def test_a_stop_before_the_start_lets_one_poll_pass_and_no_more(clock: FakeClock, events: Counted) -> None:
    """A signal may come while everything is being built."""
    polls: list[int] = []

    def tick() -> float:
        polls.append(1)
        return 1.0

    loop = make_loop(tick, clock, events)
    loop.stop()
    loop.start()

    assert loop.join(60)
    assert len(polls) <= 1


def test_joining_a_loop_whose_poll_hangs_ends_in_time_and_says_so(events: Counted) -> None:
    """Every blocking call ends by itself; the exit code tells that the loop did not."""
    hanging, release = threading.Event(), threading.Event()

    def tick() -> float:
        hanging.set()
        release.wait(60)
        return 0.0

    loop = make_loop(tick, SystemClock(), events)
    loop.start()

    assert hanging.wait(60)
    loop.stop()
    assert not loop.join(0.05)
    release.set()
    assert loop.join(60)


def test_the_thread_has_a_name_and_cannot_keep_the_process_alive(events: Counted) -> None:
    """Threads are named and daemon."""
    seen: list[threading.Thread] = []

    def tick() -> float:
        seen.append(threading.current_thread())
        loop.stop()
        return 0.0

    loop = make_loop(tick, SystemClock(), events)
    loop.start()

    assert loop.join(60)
    assert ("poll", True) == (seen[0].name, seen[0].daemon)


def test_a_loop_that_turns_is_healthy(clock: FakeClock, events: Counted) -> None:
    """Liveness says nothing of the kubelet."""
    loop = make_loop(lambda: INTERVAL, clock, events)
    loop.turn()
    clock.advance(PATIENCE)

    assert (True, "the poll loop is running") == loop.healthy()


def test_a_loop_that_has_not_turned_for_longer_than_its_patience_is_not_healthy(
    clock: FakeClock, events: Counted
) -> None:
    """Liveness fails only when a loop stops turning; the reason says for how long."""
    loop = make_loop(lambda: INTERVAL, clock, events)
    loop.turn()
    clock.advance(PATIENCE + 1)

    assert (False, "the poll loop has not run for 241 s") == loop.healthy()


def test_a_loop_that_turns_again_is_healthy_again(clock: FakeClock, events: Counted) -> None:
    """A node that was frozen for minutes has not lost its exporter."""
    loop = make_loop(lambda: INTERVAL, clock, events)
    clock.advance(PATIENCE + 1)
    loop.turn()

    assert loop.healthy()[0]


def test_a_loop_whose_polls_all_fail_still_turns(clock: FakeClock, events: Counted) -> None:
    """A restart would not mend a bug; the counter of loop errors tells of it."""
    loop = make_loop(fail, clock, events)
    clock.advance(PATIENCE + 1)
    loop.turn()

    assert loop.healthy()[0]


def test_a_loop_has_its_patience_from_the_start_too(clock: FakeClock, events: Counted) -> None:
    """A first poll that hangs is noticed like any other, and not before its time."""
    loop = make_loop(lambda: INTERVAL, clock, events)
    clock.advance(PATIENCE)

    assert loop.healthy()[0]
    clock.advance(1)
    assert not loop.healthy()[0]


def test_news_is_followed_between_two_polls_and_the_next_poll_keeps_its_time(clock: FakeClock, events: Counted) -> None:
    """A change of a pod is shown within a second, and the kubelet is asked for everything no more often for it."""
    woken = threading.Event()
    polled_at: list[float] = []
    refreshed_at: list[float] = []

    def tick() -> float:
        polled_at.append(clock.monotonic_seconds())
        if len(polled_at) == 3:
            loop.stop()
        woken.set()
        return 10.0

    loop = make_loop(tick, clock, events, lambda: refreshed_at.append(clock.monotonic_seconds()), woken)
    loop.start()

    assert loop.join(60)
    assert [100.0, 110.0, 120.0] == pytest.approx(polled_at)
    assert [100.6, 110.6] == pytest.approx(refreshed_at)


def test_news_in_a_flood_is_followed_twice_a_second_at_most(clock: FakeClock, events: Counted) -> None:
    """The kubelet's rate limit is one for all its clients."""
    woken = threading.Event()
    refreshed_at: list[float] = []
    polls: list[int] = []

    def tick() -> float:
        polls.append(1)
        if len(polls) == 2:
            loop.stop()
        woken.set()
        return 2.7

    def refresh() -> None:
        refreshed_at.append(clock.monotonic_seconds())
        woken.set()

    loop = make_loop(tick, clock, events, refresh, woken)
    loop.start()

    assert loop.join(60)
    assert [100.6, 101.2, 101.8, 102.4] == pytest.approx(refreshed_at)


def test_a_refresh_that_fails_is_counted_and_the_loop_goes_on(clock: FakeClock, events: Counted) -> None:
    """The same guard as for polls."""
    woken = threading.Event()
    polls: list[int] = []

    def tick() -> float:
        polls.append(1)
        if len(polls) == 2:
            loop.stop()
        woken.set()
        return 10.0

    def refresh() -> None:
        raise LookupError("a bug")

    loop = make_loop(tick, clock, events, refresh, woken)
    loop.start()

    assert loop.join(60)
    assert (2, 1) == (len(polls), events.loop_errors)


def test_a_stop_ends_the_gathering_of_news(events: Counted) -> None:
    """Wherever the loop waits, a stop ends it."""
    polled, woken = threading.Event(), threading.Event()

    def tick() -> float:
        polled.set()
        return 3600.0

    loop = make_loop(tick, SystemClock(), events, woken=woken)
    loop.start()

    assert polled.wait(60)
    woken.set()
    loop.stop()
    assert loop.join(60)
