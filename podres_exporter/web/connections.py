"""Every connection with a thread and what it is doing, so that no slow client takes the place of another for long."""

import contextlib
import math
import socket
import struct
import threading
from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.web.limits import Limits, Stage

# SO_LINGER with time 0: close() drops what the client has not read, instead of keeping megabytes of it in the kernel,
# where they count against the container's memory limit.
_DROP_UNSENT = struct.pack("ii", 1, 0)


@dataclass(eq=False, slots=True)
class Connection:
    """
    One client's socket. Once it has a thread, Connections owns the stage, and the thread alone uses the socket.

    *since_seconds* is the monotonic time at which the stage began, *limit_seconds* how long it may last.
    """

    sock: socket.socket
    stage: Stage
    since_seconds: float
    limit_seconds: float = math.inf


class Connections:
    """
    The set of open connections; safe to use from any thread.

    To cut one is to shut its socket down, which ends the call its thread is blocked in, and to count it no longer. That
    happens under the lock, as does the closing of a socket: so a shutdown never hits a number that the kernel has given
    to another connection, and a request being answered is never cut for being idle.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Start empty."""
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._is_closing = False

    def __len__(self) -> int:
        """Return how many are open."""
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

    def admit(self, connection: Connection, stage: Stage) -> bool:
        """Take a connection in, at another's expense if there is no room; False if none can be spared."""
        with self._lock:
            if self._is_closing:
                return False
            if len(self._open) >= self._limits.connections:
                victim = self._dispensable()
                if victim is None:
                    return False
                self._cut(victim)
            self._note(connection, stage)
            self._open.add(connection)
            return True

    def enter(self, connection: Connection, stage: Stage, at_most_seconds: float = math.inf) -> bool:
        """
        Note what the connection does from now on; False if it has been cut, or would wait while the server stops.

        *at_most_seconds* may shorten the stage's limit.
        """
        with self._lock:
            if connection not in self._open or (self._is_closing and stage is Stage.WAITING):
                return False
            self._note(connection, stage, at_most_seconds)
            return True

    def close(self, connection: Connection) -> None:
        """Close the socket and forget it; called once, by the thread that used it."""
        with self._lock:
            self._open.discard(connection)
            connection.sock.close()

    def cut_overdue(self) -> None:
        """Cut every connection whose stage has lasted longer than its limit."""
        with self._lock:
            now = self._clock.monotonic_seconds()
            for each in [one for one in self._open if now - one.since_seconds > one.limit_seconds]:
                self._cut(each)

    def begin_closing(self) -> None:
        """Admit no more, and cut all that are not answering; those that are end when they have answered."""
        with self._lock:
            self._is_closing = True
            for each in [one for one in self._open if one.stage is not Stage.ANSWERING]:
                self._cut(each)

    def cut_all(self) -> None:
        """Cut whatever is left."""
        with self._lock:
            for each in list(self._open):
                self._cut(each)

    def _note(self, connection: Connection, stage: Stage, at_most_seconds: float = math.inf) -> None:
        """Begin a stage, or go on with it as of when it began; the caller holds the lock."""
        if connection.stage is not stage:
            connection.stage = stage
            connection.since_seconds = self._clock.monotonic_seconds()
        connection.limit_seconds = min(self._limits.of(stage), at_most_seconds)

    def _dispensable(self) -> Connection | None:
        """
        Return who can be spared best, of each kind the oldest, None if nobody can be.

        Who has its last answer goes first; an answer goes last, and only if it outlasts patience. Between them stand
        those who wait for their next request and those who do not come to one: whoever takes half of the places goes,
        so neither can drive the others out.
        """
        are_crowding = 2 * sum(each.stage is Stage.READING for each in self._open) >= self._limits.connections
        in_turn = (Stage.READING, Stage.WAITING) if are_crowding else (Stage.WAITING, Stage.READING)
        for stage in (Stage.LEAVING, *in_turn):
            if oldest := self._oldest(stage):
                return oldest
        answer = self._oldest(Stage.ANSWERING)
        impatient_since = self._clock.monotonic_seconds() - self._limits.patience_seconds
        return answer if answer and answer.since_seconds < impatient_since else None

    def _oldest(self, stage: Stage) -> Connection | None:
        """Return who has been in a stage for longest."""
        return min((one for one in self._open if one.stage is stage), key=lambda one: one.since_seconds, default=None)

    def _cut(self, connection: Connection) -> None:
        """Wake the connection's thread, which will close it, and free its place; the caller holds the lock."""
        self._open.discard(connection)
        with contextlib.suppress(OSError):  # the client may have gone first
            if connection.stage is Stage.ANSWERING:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
            connection.sock.shutdown(socket.SHUT_RDWR)
