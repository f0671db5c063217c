"""Concurrent requests to many exporters; a slow one does not delay the others."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cluster_rig import told
from fake_clock import FakeClock

from podres_exporter.cli.kubectl.fanout import AT_ONCE, Patience, Progress, ask_all, asking, proxy_path
from podres_exporter.clock import SystemClock
from podres_exporter.cluster.outcome import Outcome, Target, Trouble
from podres_exporter.errors import ApiServerError, Reason

CLOCK = SystemClock()
TOLD = [told(f"n{number}") for number in range(40)]
TARGETS = [each.target for each in TOLD]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def answer(target: Target, _: float) -> Outcome:
    return TOLD[TARGETS.index(target)]


def test_every_target_has_its_outcome_in_its_place() -> None:
    seen: list[tuple[int, int]] = []

    assert TOLD == ask_all(TARGETS, answer, CLOCK, Patience(), lambda done, number: seen.append((done, number)))
    assert [(done, 40) for done in range(41)] == seen
    assert [] == ask_all([], answer, CLOCK, Patience(), lambda *_: None)


FIRST_ANSWERS = """
import gzip, json, sys, threading
from cluster_rig import busy, document, told
from podres_exporter.cli.kubectl.fanout import AT_ONCE, Patience, ask_all, asking
from podres_exporter.clock import SystemClock

body, gate = json.dumps(document(busy("n1"), at=1.0)).encode(), threading.Barrier(AT_ONCE)
targets = [told(f"n{number}").target for number in range(AT_ONCE)]
sys.setswitchinterval(1e-6)

class Api:
    def get(self, path, query, seconds):
        gate.wait(60)
        return 200, body

found = ask_all(targets, asking(Api()), SystemClock(), Patience(), lambda *_: None)
sys.exit(0 if all(type(each).__name__ == "Answered" for each in found) else 7)
"""


@pytest.mark.parametrize("trial", range(4))
def test_the_first_answers_may_come_at_the_same_moment(trial: int) -> None:  # noqa: ARG001 - one run may be lucky
    """The decoder is built before there are threads: msgspec crashes where two of them build it."""
    path = os.pathsep.join(str(Path(__file__).parents[2] / each) for each in ("rigs", "rigs/programs", "samples"))
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_ANSWERS], env={**os.environ, "PYTHONPATH": path}, timeout=120, check=False
    )

    assert 0 == ran.returncode


def test_only_so_many_are_asked_at_once() -> None:
    inside, most, lock = [0], [0], threading.Lock()
    full = threading.Event()

    def ask(target: Target, seconds: float) -> Outcome:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] == AT_ONCE:
                full.set()
        assert full.wait(60)
        with lock:
            inside[0] -= 1
        return answer(target, seconds)

    ask_all(TARGETS, ask, CLOCK, Patience(), lambda *_: None)

    assert AT_ONCE == most[0]


def test_those_that_are_late_for_the_whole_are_troubles_and_nobody_waits_for_them() -> None:
    release, clock = threading.Event(), FakeClock()

    def ask(target: Target, seconds: float) -> Outcome:
        assert seconds <= 300
        if target.node != "n0":
            release.wait(60)
        return answer(target, seconds)

    def note_time(done: int, _: int) -> None:
        if done:
            clock.advance(300)

    first, *rest = ask_all(TARGETS, ask, clock, Patience(1000, 300), note_time)
    release.set()

    assert TOLD[0] == first
    assert {(Reason.TIMEOUT, "no answer within 300 s, the deadline for all nodes (--deadline)")} == {
        (each.reason, each.detail) for each in rest if isinstance(each, Trouble)
    }
    assert 39 == len(rest)


def test_a_bug_in_reading_one_answer_is_that_node_s_trouble() -> None:
    def ask(target: Target, seconds: float) -> Outcome:
        if target.node == "n1":
            raise ZeroDivisionError
        return answer(target, seconds)

    first, second = ask_all(TARGETS[:2], ask, CLOCK, Patience(), lambda *_: None)

    assert TOLD[0] == first
    assert isinstance(second, Trouble)
    assert (Reason.INTERNAL, "reading its answer failed: ZeroDivisionError") == (second.reason, second.detail)


def test_an_exporter_is_asked_through_its_pod_s_proxy() -> None:
    """`https:` stands before the pod's name (utilnet.SplitSchemeNamePort)."""
    plain, secure = Target("n1", "m", "a", 10190), Target("n1", "m", "a", 443, is_secure=True)

    assert "/api/v1/namespaces/m/pods/a:10190/proxy/api/v1/snapshot" == proxy_path(plain)
    assert "/api/v1/namespaces/m/pods/https:a:443/proxy/api/v1/snapshot" == proxy_path(secure)


class Broken:
    """An API server that is away."""

    def __init__(self, reason: Reason) -> None:
        self._reason = reason

    def get(self, path: str, query: dict[str, str], seconds: float) -> tuple[int, bytes]:  # noqa: ARG002
        raise ApiServerError("get", self._reason, "Connection reset by peer")


def test_a_request_that_fails_is_the_node_s_trouble() -> None:
    reset = asking(Broken(Reason.UNAVAILABLE))(TARGETS[0], 2)
    late = asking(Broken(Reason.TIMEOUT))(TARGETS[0], 2.5)

    assert isinstance(reset, Trouble)
    assert isinstance(late, Trouble)
    assert "the request through the API server failed: Connection reset by peer" == reset.detail
    assert "its exporter gave no complete answer within 2.5 s (--timeout)" == late.detail


def test_progress_is_a_line_on_a_terminal_that_is_gone_at_the_end() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show(3, 50)

    assert "\rquerying exporters: 3 of 50" == terminal.getvalue()

    progress.show(50, 50)
    progress.clear()

    assert terminal.getvalue().endswith("\r\x1b[K")


def test_progress_is_nothing_anywhere_else() -> None:
    file = io.StringIO()
    Progress(file).show(3, 50)
    Progress(file).clear()

    assert "" == file.getvalue()
