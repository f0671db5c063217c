"""Clients who have asked nothing yet: they cost a socket each and no thread."""

import contextlib
import resource
import select
import socket

from podres_exporter.clock import Clock
from podres_exporter.web.connections import Connection
from podres_exporter.web.limits import Limits, Stage
from podres_exporter.web.opening import LOOK_BYTES, Opening

# A look must not keep the accepting thread from those who have just come, however many have something to say.
_AT_ONCE = 16

_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR

# The listening sockets, the kubelet and the API server need descriptors too, and so do connections with a thread.
_SHARE_OF_DESCRIPTORS = 4


class Reception:
    """
    The connections that wait until what has come on them is worth a thread; used by the accepting thread alone.

    An event is reported once per arrival, so one who sends byte by byte costs a look per byte, and one who is silent
    nothing. What is looked at stays in the kernel: whoever answers reads it from the beginning.

    Both dictionaries are by file descriptor and in order of since_seconds, so the first of each is the next to go.
    """

    def __init__(self, limits: Limits, clock: Clock, opening: Opening) -> None:
        """Start empty."""
        self._limits = limits
        self._clock = clock
        self._opening = opening
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._seats = min(limits.newcomers, max(1, descriptors // _SHARE_OF_DESCRIPTORS))
        self._poll = select.epoll()
        self._silent: dict[int, Connection] = {}
        self._begun: dict[int, Connection] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._silent) + len(self._begun)

    def fileno(self) -> int:
        """Return a descriptor that is readable while take_ready() has something to look at."""
        return self._poll.fileno()

    def seat(self, sock: socket.socket) -> None:
        """Take a newcomer in; where there is no room, the one longest silent goes, or else the oldest beginning."""
        if len(self) >= self._seats:
            self._take(next(iter(self._silent or self._begun))).sock.close()
        number = sock.fileno()
        self._poll.register(number, _EVENTS)
        self._silent[number] = Connection(sock, self._opening.silent, self._clock.monotonic_seconds())

    def take_ready(self) -> list[Connection]:
        """Return connections that are worth a thread now, a few at a time; they are no longer known here."""
        return [
            connection
            for number, events in self._poll.poll(0, _AT_ONCE)
            if (connection := self._look(number, is_gone=bool(events & _GONE)))
        ]

    def drop_overdue(self) -> None:
        """Close whoever has been silent, or has begun and not finished, for too long."""
        now = self._clock.monotonic_seconds()
        for waiting, stage in ((self._silent, self._opening.silent), (self._begun, Stage.READING)):
            since = now - self._limits.of(stage)
            while waiting and next(iter(waiting.values())).since_seconds < since:
                self._take(next(iter(waiting))).sock.close()

    def close(self) -> None:
        """Close everything."""
        for number in (*self._silent, *self._begun):
            self._take(number).sock.close()
        self._poll.close()

    def _look(self, number: int, *, is_gone: bool) -> Connection | None:
        """Return the connection if it is worth a thread; close it if nothing can follow what has come."""
        connection = self._silent.get(number) or self._begun[number]
        data = b""
        with contextlib.suppress(OSError):
            data = connection.sock.recv(LOOK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        if self._opening.is_worth_a_thread(data):
            return self._take(number)
        if is_gone:
            self._take(number).sock.close()
        elif data and number in self._silent:
            connection.stage, connection.since_seconds = Stage.READING, self._clock.monotonic_seconds()
            self._begun[number] = self._silent.pop(number)
        return None

    def _take(self, number: int) -> Connection:
        """Return the connection, of which nothing more will be heard here."""
        self._poll.unregister(number)
        return self._silent.pop(number, None) or self._begun.pop(number)
