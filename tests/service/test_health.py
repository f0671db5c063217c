"""Health of the sources, with one log line per change."""

import logging

import pytest
from fake_clock import FakeClock

from podres_exporter.errors import KubeletError, Reason, SourceError, TopologyError
from podres_exporter.model import SourceHealth
from podres_exporter.service.health import HealthBook

START = 1_700_000_000.0
GONE = KubeletError("List", Reason.UNAVAILABLE, "no such file")
SLOW = KubeletError("List", Reason.TIMEOUT, "no answer")


class StandingWallClock(FakeClock):
    """A machine whose wall clock is set back all the time."""

    def wall_seconds(self) -> float:
        return START


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def book(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> HealthBook:
    caplog.set_level(logging.DEBUG)
    return HealthBook(("kubelet", "topology"), clock)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, object]]:
    return [(record.levelname, record.message, vars(record)["source"]) for record in caplog.records]


def test_a_source_that_was_never_asked_is_not_up(book: HealthBook) -> None:
    """And it has no last success: 0 would read as 1970 (podres_source_last_success_timestamp_seconds)."""
    assert (
        SourceHealth("kubelet", up=False, last_success_seconds=None),
        SourceHealth("topology", up=False, last_success_seconds=None),
    ) == book.all()


def test_a_success_is_dated_by_the_wall_clock(book: HealthBook, clock: FakeClock) -> None:
    """A timestamp, never an age."""
    clock.advance(5)
    book.up("kubelet")

    assert SourceHealth("kubelet", up=True, last_success_seconds=START + 5) == book.all()[0]


def test_a_failure_keeps_the_date_of_the_last_success(book: HealthBook, clock: FakeClock) -> None:
    """That date is what tells how old the page is."""
    book.up("kubelet")
    clock.advance(30)
    book.down(GONE)

    assert SourceHealth("kubelet", up=False, last_success_seconds=START, reason=Reason.UNAVAILABLE) == book.all()[0]


def test_the_sources_do_not_speak_for_each_other(book: HealthBook) -> None:
    """A kubelet that is gone says nothing of the topology."""
    book.up("topology")
    book.down(GONE)

    assert [False, True] == [health.up for health in book.all()]


def test_a_source_that_stays_up_is_logged_once(book: HealthBook, caplog: pytest.LogCaptureFixture) -> None:
    """Transitions are logged, not states."""
    for _ in range(3):
        book.up("kubelet")

    assert [("INFO", "source.up", "kubelet")] == lines(caplog)
    assert not hasattr(caplog.records[0], "outage_seconds")


def test_a_source_that_stays_away_is_logged_once_with_its_reason(
    book: HealthBook, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when a source goes down, whatever the later failures are."""
    for error in (GONE, GONE, SLOW):
        book.down(error)

    assert [("WARNING", "source.down", "kubelet")] == lines(caplog)
    assert ("unavailable", "List: no such file") == (
        vars(caplog.records[0])["reason"],
        vars(caplog.records[0])["detail"],
    )


def test_a_source_that_returns_is_logged_with_the_length_of_its_outage(
    book: HealthBook, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The outage counts from the first failure, not from the last one."""
    book.up("kubelet")
    book.down(GONE)
    clock.advance(3)
    book.down(SLOW)
    clock.advance(0.26)
    book.up("kubelet")

    assert [
        ("INFO", "source.up", "kubelet"),
        ("WARNING", "source.down", "kubelet"),
        ("INFO", "source.up", "kubelet"),
    ] == lines(caplog)
    assert vars(caplog.records[2])["outage_seconds"] == pytest.approx(3.3)


def test_every_outage_is_logged_again(book: HealthBook, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """The second outage has a length of its own."""
    for seconds in (60, 1):
        book.down(GONE)
        clock.advance(seconds)
        book.up("kubelet")

    assert [60.0, 1.0] == [vars(record)["outage_seconds"] for record in caplog.records if "up" in record.message]


def test_an_outage_is_measured_by_the_clock_that_nobody_sets(caplog: pytest.LogCaptureFixture) -> None:
    """The wall clock may jump during an outage; durations come from the monotonic one."""
    caplog.set_level(logging.INFO)
    clock = StandingWallClock()
    book = HealthBook(["kubelet"], clock)
    book.down(GONE)
    clock.advance(7)
    book.up("kubelet")

    assert 7.0 == vars(caplog.records[-1])["outage_seconds"]


def test_the_newest_error_of_each_source_is_kept(book: HealthBook) -> None:
    """The readiness probe says why it waits."""
    topology: SourceError = TopologyError(Reason.MALFORMED, "a cpulist")
    for error in (GONE, topology, SLOW):
        book.down(error)

    assert {"kubelet": SLOW, "topology": topology} == book.last_error
