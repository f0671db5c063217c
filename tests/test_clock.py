"""The system clock, and the fake clock of the tests."""

import threading
from pathlib import Path

import pytest
from fake_clock import FakeClock

from podres_exporter.clock import Clock, SystemClock


def test_wall_time_is_the_time_that_the_kernel_writes_into_files(tmp_path: Path) -> None:
    """Seconds since the Unix epoch; socket creation times are compared with it."""
    file = tmp_path / "now"
    file.touch()

    assert file.stat().st_mtime == pytest.approx(SystemClock().wall_seconds(), abs=600)


def test_monotonic_time_goes_on_while_one_waits() -> None:
    """Ages are differences of it."""
    clock = SystemClock()
    before = clock.monotonic_seconds()
    was_set = clock.wait(threading.Event(), 0.02)

    assert not was_set
    assert clock.monotonic_seconds() - before >= 0.02


def test_waiting_ends_at_once_where_the_event_is_set() -> None:
    """A stop does not wait for the next poll."""
    clock, event = SystemClock(), threading.Event()
    event.set()

    assert clock.wait(event, 3600)


def test_waiting_ends_when_another_thread_sets_the_event() -> None:
    """The signal handler's thread is not the one that waits."""
    clock, event = SystemClock(), threading.Event()
    setter = threading.Timer(0.02, event.set)
    setter.start()
    was_set = clock.wait(event, 3600)
    setter.join()

    assert was_set


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()], ids=lambda clock: type(clock).__name__)
def test_the_fake_clock_keeps_the_promises_of_the_real_one(clock: Clock) -> None:
    """Tests on a fake clock prove nothing if it behaves otherwise."""
    stopped = threading.Event()
    stopped.set()
    wall, monotonic = clock.wall_seconds(), clock.monotonic_seconds()

    assert clock.wait(stopped, 3600)
    assert not clock.wait(threading.Event(), 0.03125)
    assert clock.monotonic_seconds() - monotonic >= 0.03125
    assert clock.wall_seconds() >= wall
