"""
Many of the exporter's reflectors in front of simulated API servers, on a clock moved by hand.

The reflectors are real: their threads, their HTTP over loopback, their pauses. Only the time is not: it goes on when
everybody either rests or reads a watch. How fast the machine is, and who else uses it, changes nothing of the result.
"""

import contextlib
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scale.server import Server
from scale.stepped_clock import SteppedClock

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.clock import SystemClock
from podres_exporter.errors import Reason
from podres_exporter.kube.auth.credentials import user_agent
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.interfaces import ENDED
from podres_exporter.kube.pods.feed import PodWatch
from podres_exporter.kube.reflector.list_watch import ListWatch, pods_of_node
from podres_exporter.model import Malformed
from podres_exporter.podmeta import PodDecoder
from podres_exporter.sim.api import kubeconfig

QUANTUM_SECONDS = 0.02
"""Whoever rests is woken up to this much late, so that many wake together."""

TICKS_SECONDS = 0.12
"""In real time: a watch of the simulated server looks at its clock every 50 ms."""

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that a reflector has made: when, of which node, and what had happened to it before."""

    seconds: float
    node: str
    verb: str
    cause: str


class Ledger:
    """MetadataObserver of one reflector; writes into a list that all share."""

    def __init__(self, node: str, clock: SteppedClock, asked: list[Asked], totals: Counter[str]) -> None:
        self._node, self._clock, self._asked, self._totals = node, clock, asked, totals
        self._cause = "start"

    def request(self, verb: str) -> None:
        self._asked.append(Asked(self._clock.monotonic_seconds(), self._node, verb, self._cause))
        self._cause = "listed"

    def error(self, verb: str, reason: Reason) -> None:  # noqa: ARG002 - a Protocol's
        self._cause = reason.value

    def restart(self, cause: str) -> None:
        if cause == ENDED:
            self._cause = cause

    def event(self, kind: str) -> None:
        self._totals[kind] += 1

    def received(self, number_of_bytes: int) -> None:
        self._totals["bytes"] += number_of_bytes

    def malformed(self, items: Sequence[Malformed]) -> None:
        self._totals["malformed"] += len(items)


class Readers:
    """How many watches are being read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.number = 0

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        with self._lock:
            self.number += 1
        try:
            yield
        finally:
            with self._lock:
                self.number -= 1


class Counted:
    """The exporter's own ListWatchTransport, whose open watches are counted."""

    def __init__(self, transport: ListWatch, readers: Readers) -> None:
        self._transport, self._readers = transport, readers

    def list(self) -> bytes:
        return self._transport.list()

    def list_pieces(self, *, is_latest: bool = False) -> contextlib.AbstractContextManager[Iterator[bytes]]:
        return self._transport.list_pieces(is_latest=is_latest)

    @contextlib.contextmanager
    def watch(self, version: str, timeout_seconds: int) -> Generator[Iterator[bytes]]:
        with self._transport.watch(version, timeout_seconds) as lines, self._readers.one_more():
            yield lines

    def close(self) -> None:
        self._transport.close()


class Fleet:
    """The reflectors of many nodes, shared out among some servers."""

    def __init__(self, servers: Sequence[Server], directory: Path, nodes: int, seed: int = 1) -> None:
        """Make the reflectors, without starting them; *seed* decides about all their random numbers."""
        self.clock, self._real = SteppedClock(), SystemClock()
        self.servers = servers
        self.asked: list[Asked] = []
        self.totals: Counter[str] = Counter()
        self.readers = Readers()
        self.names = [f"node-{number:04d}" for number in range(nodes)]
        self._told_seconds = 0.0
        self._watches: list[PodWatch] = []
        for number, server in enumerate(servers):
            path = directory / f"kubeconfig-{number}"
            path.write_text(kubeconfig(server.url()), encoding="utf-8")
            self._watches += [self._reflector(node, str(path), seed) for node in self.nodes_of(number)]

    def nodes_of(self, server: int) -> list[str]:
        """Return the nodes that ask the server of this number."""
        return self.names[server :: len(self.servers)]

    def start(self) -> None:
        """Start all of them, at the same moment of their clock."""
        for each in self._watches:
            each.start(_no_listener)
        self.settle()

    def stop(self) -> None:
        """Stop all of them."""
        for each in self._watches:
            each.stop()

    def run_until(self, seconds: float, *, longest_step_seconds: float = 1.0, ticks: bool = False) -> None:
        """
        Let time go on, from one who wakes to the next.

        With *ticks* it goes on in steps of the longest length, and the servers notice each of them.
        """
        clock = self.clock
        while (now := clock.monotonic_seconds()) < seconds:
            due = math.inf if ticks else max(clock.next_due_seconds(), now + QUANTUM_SECONDS)
            clock.advance_to(min(seconds, due, now + longest_step_seconds))
            if ticks or clock.monotonic_seconds() - self._told_seconds >= 1.0:
                self._tell_servers()
            if ticks:
                threading.Event().wait(TICKS_SECONDS)
            self.settle()
        self._tell_servers()

    def settle(self, is_settled: Callable[[], bool] = lambda: True) -> None:
        """Wait, in real time, until everybody rests or reads, and twice so. Raises AssertionError after a minute."""
        until, looks = self._real.monotonic_seconds() + PATIENCE_SECONDS, 0
        while looks < 2:
            at_rest = self.clock.parked + self.readers.number == len(self._watches)
            looks = looks + 1 if at_rest and is_settled() else 0
            if self._real.monotonic_seconds() > until:
                raise AssertionError(f"{self.clock.parked} rest, {self.readers.number} read, of {len(self._watches)}")
            threading.Event().wait(0.001)

    def all_back(self) -> bool:
        """Return whether every node has an open watch."""
        return self.readers.number == len(self._watches)

    def each(self, do: Callable[[Server], None]) -> None:
        """Do something to every server."""
        for server in self.servers:
            do(server)

    def cut(self, do: Callable[[Server], None]) -> None:
        """Do something to every server that ends all watches, and wait until all know."""
        self.each(do)
        self.settle(lambda: self.readers.number == 0)

    def _tell_servers(self) -> None:
        passed, self._told_seconds = self.clock.monotonic_seconds() - self._told_seconds, self.clock.monotonic_seconds()
        self.each(lambda server: server.advance(passed))

    def _reflector(self, node: str, path: str, seed: int) -> PodWatch:
        uniform = random.Random(f"{seed}/{node}").random  # noqa: S311 - no secret
        client = KubeClient(lambda: Kubeconfig([path], None, {}, self.clock), user_agent(node), self.clock)
        transport = Counted(pods_of_node(client, node), self.readers)
        ledger = Ledger(node, self.clock, self.asked, self.totals)
        return PodWatch(transport, PodDecoder(LabelAllowlist()), self.clock, ledger, uniform)


def _no_listener(keys: Collection[object]) -> None:
    """Stand in for the exporter."""
