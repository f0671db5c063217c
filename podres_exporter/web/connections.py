"""Track every connection that has a worker thread, and choose which one to cut when a new client needs its place."""

import contextlib
import math
import socket
import struct
import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from podres_exporter.clock import Clock

# SO_LINGER with time 0: close() drops what the client has not read, instead of keeping megabytes of it in the kernel,
# where they count against the container's memory limit.
_DROP_UNSENT = struct.pack("ii", 1, 0)


class Stage(Enum):
    """What a connection is doing."""

    WAITING = "for the first byte of a request"
    READING = "an unfinished request head or TLS handshake"
    ANSWERING = "making the answer and sending it"
    LEAVING = "the last answer is out, the client has yet to close"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How many connections there are and how long each stage of one may last, in seconds.

    *connections*: each costs a thread; 64 is far more than the few scrapers, probes and people that one node has.
    *reserved*: places beside them for probes, so that a liveness probe never waits for another client.
    *queued*: requests that wait for a place; one more takes the turn of the client that has most of them.
    *newcomers*: connections that have asked nothing yet; each costs a few KiB in the kernel and no thread.
    *idle_seconds*: longer than the usual scrape intervals, so that a scraper keeps its connection.
    *head_seconds*: a request head is one packet; this is for the worst of networks. It counts from the first byte.
    *answer_seconds*: a page of 10 MiB at 3 Mbit/s; scrapers give up after 10 s by default.
    *patience_seconds*: how long a client may take to read its answer before it is cut where a new client needs the
    place.
    *queue_seconds*: how long a request waits for a place before it is answered 503.
    *leave_seconds*: how long to wait for the client to read a last answer and close (RFC 9112, 9.6).
    """

    connections: int = 64
    reserved: int = 4
    queued: int = 256
    newcomers: int = 256
    idle_seconds: float = 75.0
    head_seconds: float = 5.0
    answer_seconds: float = 30.0
    patience_seconds: float = 0.5
    queue_seconds: float = 4.0
    leave_seconds: float = 2.0

    def of(self, stage: Stage) -> float:
        """Return how long the stage may last."""
        return {
            Stage.WAITING: self.idle_seconds,
            Stage.READING: self.head_seconds,
            Stage.ANSWERING: self.answer_seconds,
            Stage.LEAVING: self.leave_seconds,
        }[stage]

    @property
    def check_seconds(self) -> float:
        """How often to look for connections that are overdue: what a limit may be exceeded by."""
        return min(1.0, min(self.of(stage) for stage in Stage) / 4)

    @property
    def calm_seconds(self) -> float:
        """
        How often to look while all clients only wait for a next request, as scrapers do nearly all the time.

        Twice a second would be a fifth of all that the exporter of a small node costs. A request that begins meanwhile
        and is never finished is cut that much later.
        """
        return max(self.check_seconds, min(self.head_seconds, self.idle_seconds / 4))


@dataclass(eq=False, slots=True)
class Connection:
    """
    One client's socket. Once it has a thread, Connections owns the stage, and the thread alone uses the socket.

    *since_seconds* is the monotonic time at which the stage began, *limit_seconds* how long it may last. *client* says
    whom it counts for where clients share something fairly. *sending_since_seconds* is set while an answer that is made
    is being sent: only then does cutting the connection free its thread at once.
    """

    sock: socket.socket
    stage: Stage
    since_seconds: float
    limit_seconds: float = math.inf
    client: str = ""
    sending_since_seconds: float | None = None
    is_cut: bool = False


class Connections:
    """
    The set of connections that have a thread; safe to use from any thread.

    To cut one is to shut its socket down, which ends the call its thread is blocked in. It keeps its place until that
    thread has let go of it: so there are never more threads than places, whatever a thread is busy with. Cutting and
    closing happen under the lock, so a shutdown never hits a number that the kernel has given to another connection,
    and a request being answered is never cut for being idle.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Start empty."""
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._is_closing = False

    def __len__(self) -> int:
        """Return how many have a place, those that were cut and have not ended yet among them."""
        return len(self._open)

    @property
    def are_calm(self) -> bool:
        """Whether all that are open wait for a next request."""
        with self._lock:
            return all(each.stage is Stage.WAITING for each in self._open)

    @property
    def is_closing(self) -> bool:
        """Whether the server is stopping, so that no connection will wait for another request."""
        return self._is_closing

    def admit(self, connection: Connection, stage: Stage, *, is_probe: bool = False) -> bool:
        """Give the connection a place; False where there is none. Probes may use the reserved places."""
        with self._lock:
            places = self._limits.connections + (self._limits.reserved if is_probe else 0)
            if self._is_closing or len(self._open) >= places:
                return False
            self._note(connection, stage)
            self._open.add(connection)
            return True

    def make_room(self, wanted: int) -> None:
        """Cut connections that can be spared until *wanted* places are free or about to be, as far as possible."""
        with self._lock:
            free = self._limits.connections - len(self._open) + sum(each.is_cut for each in self._open)
            for _ in range(wanted - free):
                victim = self._dispensable()
                if victim is None:
                    return
                self._cut(victim)

    def enter(self, connection: Connection, stage: Stage, at_most_seconds: float = math.inf) -> bool:
        """
        Note what the connection does from now on; False if it has been cut, or would wait while the server stops.

        *at_most_seconds* may shorten the stage's limit.
        """
        with self._lock:
            if connection.is_cut or connection not in self._open or (self._is_closing and stage is Stage.WAITING):
                return False
            self._note(connection, stage, at_most_seconds)
            return True

    def begin_sending(self, connection: Connection) -> None:
        """Note that the answer is made; called by the connection's thread alone, so it needs no lock."""
        connection.sending_since_seconds = self._clock.monotonic_seconds()

    def close(self, connection: Connection) -> None:
        """Close the socket and give its place back; called once, by the thread that used it."""
        with self._lock:
            self._open.discard(connection)
            connection.sock.close()

    def cut_overdue(self) -> None:
        """Cut every connection whose stage has lasted longer than its limit."""
        with self._lock:
            now = self._clock.monotonic_seconds()
            for each in self._open:
                if now - each.since_seconds > each.limit_seconds:
                    self._cut(each)

    def begin_closing(self) -> None:
        """Admit no more, and cut all that are not answering; those that are end when they have answered."""
        with self._lock:
            self._is_closing = True
            for each in self._open:
                if each.stage is not Stage.ANSWERING:
                    self._cut(each)

    def cut_all(self) -> None:
        """Cut whatever is left."""
        with self._lock:
            for each in self._open:
                self._cut(each)

    def _note(self, connection: Connection, stage: Stage, at_most_seconds: float = math.inf) -> None:
        """Begin a stage, or go on with it as of when it began; the caller holds the lock."""
        if connection.stage is not stage:
            connection.stage = stage
            connection.since_seconds = self._clock.monotonic_seconds()
        connection.sending_since_seconds = None
        connection.limit_seconds = min(self._limits.of(stage), at_most_seconds)

    def _dispensable(self) -> Connection | None:
        """
        Return the connection that can be spared best, None if there is none.

        A client that has its last answer goes first; one that reads its answer goes last, and only if that outlasts
        patience. Between them stand those that wait for their next request and those that do not finish one: the kind
        that takes half of the places goes, so neither can drive the other out. An answer that is still being made is
        never cut for a newcomer, since that would not free its thread.
        """
        there = [each for each in self._open if not each.is_cut]
        are_crowding = 2 * sum(each.stage is Stage.READING for each in there) >= self._limits.connections
        in_turn = (Stage.READING, Stage.WAITING) if are_crowding else (Stage.WAITING, Stage.READING)
        for stage in (Stage.LEAVING, *in_turn):
            if found := most_crowded([each for each in there if each.stage is stage]):
                return found
        impatient_since = self._clock.monotonic_seconds() - self._limits.patience_seconds
        return most_crowded([each for each in there if (each.sending_since_seconds or math.inf) < impatient_since])

    def _cut(self, connection: Connection) -> None:
        """Wake the connection's thread, which will close it; the caller holds the lock."""
        if connection.is_cut:
            return
        connection.is_cut = True
        with contextlib.suppress(OSError):  # the client may have gone first
            if connection.stage is Stage.ANSWERING:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
            connection.sock.shutdown(socket.SHUT_RDWR)


def most_crowded(connections: Collection[Connection]) -> Connection | None:
    """Return the oldest connection of the client that has the most of them; None if there is none."""
    held = Counter(each.client for each in connections)
    return min(connections, key=lambda each: (-held[each.client], each.since_seconds), default=None)
