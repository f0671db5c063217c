"""Waits that end by an event, a signal or a closed pipe."""

import io
import os
import signal
import sys
import threading

import pytest

from podres_exporter.cli.signals import Alarm, interruptible

LONG_SECONDS = 120.0


def test_an_alarm_rings_once_for_any_number_of_rings() -> None:
    """Even for more than its pipe holds."""
    alarm = Alarm()
    for _ in range(70_000):
        alarm.ring()
    rang = [alarm.wait(LONG_SECONDS), alarm.wait(0.0), alarm.wait(-1.0)]
    alarm.close()

    assert [True, False, False] == rang


def test_an_alarm_may_be_rung_from_another_thread() -> None:
    """That is what it is for."""
    alarm = Alarm()
    threading.Thread(target=alarm.ring).start()
    rang = alarm.wait(LONG_SECONDS)
    alarm.close()

    assert rang


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_quietly(number: signal.Signals) -> None:
    """And the handlers are those of before."""
    before = signal.getsignal(number)
    ended = []
    with interruptible() as alarm:
        threading.Thread(target=os.kill, args=(os.getpid(), number)).start()
        alarm.wait(LONG_SECONDS)
        alarm.wait(LONG_SECONDS)
        ended.append(True)

    assert [] == ended
    assert before == signal.getsignal(number)


def test_a_closed_pipe_ends_the_block_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has seen enough has gone."""
    reader, writer = os.pipe()
    ended = []
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        with interruptible() as alarm:
            os.close(reader)
            alarm.wait(LONG_SECONDS)
            ended.append(True)

    assert [] == ended


def test_an_output_that_is_no_file_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can close it."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with interruptible() as alarm:
        rang = alarm.wait(0.0)

    assert not rang
