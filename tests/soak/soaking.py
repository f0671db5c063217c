"""Run a soak test: the exporter as a process, the simulated node in this one, and periodic readings."""

import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path
from random import Random

from soak.churn import Churn
from soak.clients import Clients
from soak.plan import FAULT_SECONDS, FAULTS, FLAGS, NODE, TICK_SECONDS, Fault, scenario
from soak.readings import Reading, read

from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import kubeconfig
from podres_exporter.sim.live import LiveNode

_START_SECONDS = 60.0
_SETTLE_SECONDS = 8.0
_QUIET_SECONDS = 0.15
_WATCHES = 2
"""Of pods, and of resource slices."""
_EVENT = re.compile(r" event=(\S+)")
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Soak:
    """
    What was seen; times in real seconds.

    *before* and *after* are readings at rest, without faults and requests.
    """

    warm_up_seconds: float
    seconds: float
    before: Reading
    readings: tuple[Reading, ...]
    after: Reading
    events: dict[str, int]
    faults: dict[str, int]
    good: dict[str, int]
    bad: dict[str, int]
    problems: tuple[str, ...]
    lines: dict[str, int]
    tracebacks: int
    polls: float
    gaps: tuple[float, ...]
    exit_code: int
    log: str


class _Exporter:
    """The process and its log."""

    def __init__(self, directory: Path, node: LiveNode) -> None:
        (directory / "kubeconfig").write_text(kubeconfig(node.api.url), encoding="utf-8")
        self.log = directory / "log"
        flags = [f"--kubelet.socket={node.socket_path}", f"--topology.sysfs={node.sysfs}", f"--node-name={NODE}"]
        flags += [f"--metadata.kubeconfig={directory / 'kubeconfig'}", *FLAGS]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PODRES_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "podres_exporter", "serve", *flags],
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=kept,
            )

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def port(self) -> int:
        """Return the port that the log announces."""
        until = CLOCK.monotonic_seconds() + _START_SECONDS
        while CLOCK.monotonic_seconds() < until and self.process.poll() is None:
            if found := re.search(r"urls=http://127\.0\.0\.1:([0-9]+)/", self.text()):
                return int(found[1])
            CLOCK.wait(threading.Event(), 0.05)
        raise AssertionError(self.text())

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(_START_SECONDS)


@contextmanager
def _running(directory: Path) -> Iterator[tuple[LiveNode, _Exporter]]:
    with LiveNode(parse_scenario(scenario(), "soak"), directory, CLOCK) as node:
        exporter = _Exporter(directory, node)
        try:
            yield node, exporter
        finally:
            if exporter.process.poll() is None:
                exporter.process.kill()
                exporter.process.wait(_START_SECONDS)


def soak(
    directory: Path,
    warm_up_seconds: float,
    seconds: float,
    *,
    every_seconds: float,
    faults: Sequence[Fault] = FAULTS,
    fault_seconds: float = FAULT_SECONDS,
    seed: int = 0,
) -> Soak:
    """
    Return what came of so many seconds of churn after the warm-up.

    There is a reading, and there is a fault, every so many seconds. The path of *directory* must be short.
    """
    readings: list[Reading] = []
    with _running(directory) as (node, exporter):
        churn = Churn(node, Random(seed))  # noqa: S311 - no secret
        port, pid = exporter.port(), exporter.process.pid
        with Clients(port, pause_seconds=TICK_SECONDS * 2) as clients:
            began = CLOCK.monotonic_seconds()

            def look() -> Reading:
                with clients.silence():
                    CLOCK.wait(threading.Event(), _QUIET_SECONDS)
                    return read(pid, exporter.log, CLOCK.monotonic_seconds() - began - warm_up_seconds)

            whats_next = cycle(faults)
            _play(churn, began + warm_up_seconds, whats_next, fault_seconds)
            _settle(node)
            before, polls, known = look(), clients.polls, len(clients.successes)
            started = CLOCK.monotonic_seconds()

            def look_again() -> None:
                if CLOCK.monotonic_seconds() - started >= every_seconds * (len(readings) + 1):
                    readings.append(look())

            _play(churn, started + seconds, whats_next, fault_seconds, look_again)
            taken, polls, gaps = (
                CLOCK.monotonic_seconds() - started,
                clients.polls - polls,
                _gaps(clients.successes[known:]),
            )
            _settle(node)
            after = look()
        exit_code = exporter.end()
        log = exporter.text()
    return Soak(
        warm_up_seconds,
        taken,
        before,
        tuple(readings),
        after,
        dict(churn.events),
        dict(churn.faults),
        dict(clients.good),
        dict(clients.bad),
        tuple(clients.problems[:10]),
        dict(Counter(_EVENT.findall(log))),
        log.count("Traceback"),
        polls,
        gaps,
        exit_code,
        log,
    )


def _play(
    churn: Churn,
    until: float,
    faults: Iterator[Fault],
    fault_seconds: float,
    look: Callable[[], None] = lambda: None,
) -> None:
    """
    Change something with every tick.

    Every few seconds something goes wrong, and stays so for a quarter of the time to the next.
    """
    is_wrong = False
    next_fault = CLOCK.monotonic_seconds() + fault_seconds / 2
    while (now := CLOCK.monotonic_seconds()) < until:
        churn.tick()
        if now >= next_fault:
            if is_wrong:
                churn.end()
            else:
                churn.begin(next(faults))
            is_wrong = not is_wrong
            next_fault += fault_seconds / 4 if is_wrong else fault_seconds * 3 / 4
        look()
        CLOCK.wait(threading.Event(), max(0.0, now + TICK_SECONDS - CLOCK.monotonic_seconds()))
    churn.end()


def _settle(node: LiveNode) -> None:
    """Wait until the exporter watches everything again, and then a little."""
    until = CLOCK.monotonic_seconds() + 10 * _SETTLE_SECONDS
    while node.api.faults.open_watches != _WATCHES and CLOCK.monotonic_seconds() < until:
        CLOCK.wait(threading.Event(), 0.1)
    CLOCK.wait(threading.Event(), 2.0)


def _gaps(moments: list[float]) -> tuple[float, ...]:
    """Return the seconds from each good poll to the next."""
    return tuple(later - sooner for sooner, later in pairwise(moments))
