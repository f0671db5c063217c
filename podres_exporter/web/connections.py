"""Track every connection that has a worker thread, and choose which one to close when a new client needs its place."""

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

# SO_LINGER with time 0: close() drops unread data instead of keeping megabytes of it in the kernel, where it counts
# against the container's memory limit.
_DROP_UNSENT = struct.pack("ii", 1, 0)


class Stage(Enum):
    """The state of a connection."""

    WAITING = "for the first byte of a request"
    READING = "an unfinished request head or TLS handshake"
    ANSWERING = "making the answer and sending it"
    LEAVING = "the last answer is out, the client has yet to close"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The number of connections, and the maximum duration of each stage in seconds.

    *connections*: each costs a thread; 64 is far more than the few scrapers, probes and people that one node has.
    *reserved*: additional places for probes, so that a liveness probe never waits for another client. *queued*:
    requests that wait for a place; an excess one replaces one of the client that has the most. *newcomers*: connections
    without a request yet; each costs a few KiB in the kernel and no thread.
    *idle_seconds*: longer than the usual scrape intervals, so that a scraper keeps its connection.
    *head_seconds*: counted from the first byte; a request head is one packet, so this is for very bad networks.
    *answer_seconds*: a page of 10 MiB at 3 Mbit/s; scrapers give up after 10 s by default.
    *patience_seconds*: how long a client may take to read its answer before it can be closed for a new client.
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
        """Return the maximum duration of the stage."""
        return {
            Stage.WAITING: self.idle_seconds,
            Stage.READING: self.head_seconds,
            Stage.ANSWERING: self.answer_seconds,
            Stage.LEAVING: self.leave_seconds,
        }[stage]

    @property
    def check_seconds(self) -> float:
        """How often to check for overdue connections, and so by how much a limit may be exceeded."""
        return min(1.0, min(self.of(stage) for stage in Stage) / 4)

    @property
    def calm_seconds(self) -> float:
        """
        How often to check while all clients are idle between requests, as scrapers are nearly all the time.

        Checking twice a second would be a fifth of the exporter's CPU time on a small node. A request that begins
        meanwhile and is never finished is closed that much later.
        """
        return max(self.check_seconds, min(self.head_seconds, self.idle_seconds / 4))


@dataclass(eq=False, slots=True)
class Connection:
    """
    One client's socket. Once it has a thread, Connections owns the stage, and only the thread uses the socket.

    *since_seconds* is the monotonic time at which the stage began, *limit_seconds* how long it may last. *client*
    identifies the client for fair sharing. *sending_since_seconds* is set while a finished answer is being sent: only
    then does closing the connection free its thread at once.
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
    The connections that have a thread; thread-safe.

    Cutting a connection means shutting its socket down, which ends the call in which its thread is blocked. It keeps
    its place until that thread has released it, so there are never more threads than places. Cutting and closing happen
    under the lock, so a shutdown never hits a descriptor that the kernel has reused for another connection, and a
    request being answered is never cut as idle.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Start empty."""
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._is_closing = False

    def __len__(self) -> int:
        """Return how many have a place, including those that were cut and have not ended yet."""
        return len(self._open)

    @property
    def are_calm(self) -> bool:
        """Whether all open connections are idle between requests."""
        with self._lock:
            return all(each.stage is Stage.WAITING for each in self._open)

    @property
    def is_closing(self) -> bool:
        """Whether the server is stopping, so that no connection will wait for another request."""
        return self._is_closing

    def admit(self, connection: Connection, stage: Stage, *, is_probe: bool = False) -> bool:
        """Give the connection a place; return False if there is none. Probes may use the reserved places."""
        with self._lock:
            places = self._limits.connections + (self._limits.reserved if is_probe else 0)
            if self._is_closing or len(self._open) >= places:
                return False
            self._note(connection, stage)
            self._open.add(connection)
            return True

    def make_room(self, wanted: int) -> None:
        """Cut dispensable connections until *wanted* places are free or about to be, as far as possible."""
        with self._lock:
            free = self._limits.connections - len(self._open) + sum(each.is_cut for each in self._open)
            for _ in range(wanted - free):
                victim = self._dispensable()
                if victim is None:
                    return
                self._cut(victim)

    def enter(self, connection: Connection, stage: Stage, at_most_seconds: float = math.inf) -> bool:
        """
        Set the connection's stage; return False if it has been cut, or would become idle while the server stops.

        *at_most_seconds* may shorten the stage's limit.
        """
        with self._lock:
            if connection.is_cut or connection not in self._open or (self._is_closing and stage is Stage.WAITING):
                return False
            self._note(connection, stage, at_most_seconds)
            return True

    def begin_sending(self, connection: Connection) -> None:
        """Note that the answer is ready to send; called only by the connection's thread, so no lock is needed."""
        connection.sending_since_seconds = self._clock.monotonic_seconds()

    def close(self, connection: Connection) -> None:
        """Close the socket and release its place; called once, by the thread that used it."""
        with self._lock:
            self._open.discard(connection)
            connection.sock.close()

    def cut_overdue(self) -> None:
        """Cut every connection that has exceeded the limit of its stage."""
        with self._lock:
            now = self._clock.monotonic_seconds()
            for each in self._open:
                if now - each.since_seconds > each.limit_seconds:
                    self._cut(each)

    def begin_closing(self) -> None:
        """Admit no more, and cut all that are not answering; the others end after their answer."""
        with self._lock:
            self._is_closing = True
            for each in self._open:
                if each.stage is not Stage.ANSWERING:
                    self._cut(each)

    def cut_all(self) -> None:
        """Cut the remaining connections."""
        with self._lock:
            for each in self._open:
                self._cut(each)

    def _note(self, connection: Connection, stage: Stage, at_most_seconds: float = math.inf) -> None:
        """Start a stage, or continue one from its original start; the caller holds the lock."""
        if connection.stage is not stage:
            connection.stage = stage
            connection.since_seconds = self._clock.monotonic_seconds()
        connection.sending_since_seconds = None
        connection.limit_seconds = min(self._limits.of(stage), at_most_seconds)

    def _dispensable(self) -> Connection | None:
        """
        Return the connection that is most dispensable, None if there is none.

        First a client that has its last answer; last one that is still reading its answer, and only beyond
        `patience_seconds`. In between are idle clients and those with an unfinished request: whichever kind occupies
        half of the places is cut, so neither can drive out the other. An answer that is still being made is never cut,
        since that would not free its thread.
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
        with contextlib.suppress(OSError):  # the client may have closed first
            if connection.stage is Stage.ANSWERING:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
            connection.sock.shutdown(socket.SHUT_RDWR)


def most_crowded(connections: Collection[Connection]) -> Connection | None:
    """Return the oldest connection of the client with the most connections; None if there is none."""
    held = Counter(each.client for each in connections)
    return min(connections, key=lambda each: (-held[each.client], each.since_seconds), default=None)
