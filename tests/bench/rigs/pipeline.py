"""The steps of a poll without I/O: from the bytes of two answers to the bytes of the page."""

import itertools
import math
from collections.abc import Sequence

from bench.rigs.answers import Round
from bench.rigs.naive import ALLOCATION_FAMILIES
from bench.rigs.sizes import NODE
from bench.rigs.timing import CLOCK, cpu_ms

from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.page import Exposition
from podres_exporter.join import Joiner
from podres_exporter.model import Allocatable, Allocation, Listing, Snapshot, Topology
from podres_exporter.wire import AllocatableDecoder, DeviceRows, ListDecoder

STEPS = ("decode", "join", "render")


class Pipeline:
    """What the exporter keeps between polls, fed by hand."""

    def __init__(self, rounds: Sequence[Round], topology: Topology) -> None:
        """Take the answers in turn, forever."""
        self._rounds, self._topology = itertools.cycle(rounds), topology
        self.answer = rounds[0]
        rows = DeviceRows()
        self._list, self._allocatable, self._joiner = ListDecoder(rows), AllocatableDecoder(rows), Joiner()
        self.exposition = fresh_exposition()
        self._decoded: tuple[Listing, Allocatable] | None = None
        self._joined: Allocation | None = None

    def next(self) -> None:
        """Take the next answer."""
        self.answer = next(self._rounds)

    def decode(self) -> None:
        answer = self.answer
        self._decoded = self._list.decode(answer.listed), self._allocatable.decode(answer.allocatable)

    def join(self) -> None:
        assert self._decoded is not None
        self._joined = self._joiner.join(*self._decoded, self._topology)

    def render(self) -> None:
        publish(self.exposition, self.snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of the last join."""
        return Snapshot(NODE, self._joined)

    def poll(self) -> None:
        """Take all the steps."""
        self.next()
        for step in (self.decode, self.join, self.render):
            step()

    def timed(self) -> dict[str, float]:
        """Take all the steps; return the CPU milliseconds of each."""
        self.next()
        return {step: cpu_ms(getattr(self, step)) for step in STEPS}


def fresh_exposition() -> Exposition:
    """Return an exposition that has kept nothing, without the exporter's own counters."""
    return Exposition(NODE, ALLOCATION_FAMILIES, OwnMetrics((), {}), CLOCK)


class FirstPages:
    """Pages of a snapshot that nothing is known of yet; what the daemon makes at its start is made beforehand."""

    def __init__(self, snapshot: Snapshot, count: int) -> None:
        """Be ready for so many pages."""
        self._snapshot, self._unused = snapshot, [fresh_exposition() for _ in range(count)]

    def page(self) -> bytes:
        """Return the next first page."""
        return publish(self._unused.pop(), self._snapshot)


def publish(exposition: Exposition, snapshot: Snapshot) -> bytes:
    """Return the page of the snapshot, made for a scrape that follows at once."""
    exposition.publish(snapshot, math.inf)
    return b"".join(exposition.body(Format.TEXT, gzip=False))
