"""Connections without a complete first request: each costs a socket and no thread."""

import contextlib
import re
import resource
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from podres_exporter.clock import Clock
from podres_exporter.web.connections import Connection, Limits, Stage
from podres_exporter.web.request import MAX_HEAD_BYTES, RequestError, check_unfinished

_HANDSHAKE = 0x16
_RECORD_HEAD_BYTES = 5
_MAX_RECORD_BYTES = 16 * 1024

LOOK_BYTES = max(MAX_HEAD_BYTES + len(b"\r\n\r\n"), _RECORD_HEAD_BYTES + _MAX_RECORD_BYTES)
"""How many of the received bytes are needed to decide."""

_PROBE = re.compile(rb"(?:\r\n)?(?:GET|HEAD) /-/(?:healthy|ready)[ ?]")

# Process a limited number per turn, so that the acceptor thread keeps accepting under load.
_AT_ONCE = 16

_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR

# Descriptors kept for listeners, the kubelet, the API server and connections with a thread.
_SHARE_OF_DESCRIPTORS = 4


class Verdict(Enum):
    """The decision on a connection, from the bytes received so far."""

    WAIT = "more must come first"
    SERVE = "a worker can answer"
    SERVE_PROBE = "a worker can answer, and the request is a probe"
    REJECT = "this can never become a request; it is answered without a worker"


def judge_http(data: bytes) -> Verdict:
    """Judge the beginning of plain HTTP."""
    if b"\r\n\r\n" in data:
        return Verdict.SERVE_PROBE if _PROBE.match(data) else Verdict.SERVE
    try:
        check_unfinished(data)
    except RequestError as error:
        # An oversized head is answered by a worker, which can wait until the client has stopped sending.
        return Verdict.REJECT if error.status is HTTPStatus.BAD_REQUEST else Verdict.SERVE
    return Verdict.WAIT


def judge_hello(data: bytes) -> Verdict:
    """
    Judge the beginning of TLS: a complete first record is served, anything that can never be one is rejected.

    Anything that is not TLS, such as HTTP, is answered at once, and so is a record beyond the maximum length.

    Source: RFC 8446, 5.1 (type, version and length before a record of at most 2^14 bytes) and 4.1.2 (ClientHello).
    """
    if len(data) < _RECORD_HEAD_BYTES:
        return Verdict.WAIT
    length = int.from_bytes(data[3:_RECORD_HEAD_BYTES], "big")
    is_whole = data[0] != _HANDSHAKE or length > _MAX_RECORD_BYTES or len(data) >= _RECORD_HEAD_BYTES + length
    return Verdict.SERVE if is_whole else Verdict.WAIT


@dataclass(frozen=True, slots=True)
class FirstMessage:
    """
    What clients send first, by protocol.

    *judge* gets at most the first LOOK_BYTES received. *silent* is the stage of a client that has sent nothing: over
    TLS its handshake deadline runs from the start. *first* is its first stage with a worker.
    """

    judge: Callable[[bytes], Verdict]
    silent: Stage
    first: Stage


PLAIN = FirstMessage(judge_http, silent=Stage.WAITING, first=Stage.ANSWERING)
TLS = FirstMessage(judge_hello, silent=Stage.READING, first=Stage.READING)


class PendingConnections:
    """
    Connections that wait until the received bytes deserve a worker thread; used by the acceptor thread only.

    Events are edge-triggered: a client that sends byte by byte costs one check per byte, and an idle one nothing. Bytes
    are only peeked at: the worker reads them from the beginning.

    Both dictionaries are keyed by file descriptor and ordered by since_seconds, so the first of each is evicted next.
    """

    def __init__(self, limits: Limits, clock: Clock, expected: FirstMessage) -> None:
        """Start empty."""
        self._limits = limits
        self._clock = clock
        self._expected = expected
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._seats = min(limits.newcomers, max(1, descriptors // _SHARE_OF_DESCRIPTORS))
        self._poll = select.epoll()
        self._silent: dict[int, Connection] = {}
        self._begun: dict[int, Connection] = {}

    def __len__(self) -> int:
        """Return how many are waiting."""
        return len(self._silent) + len(self._begun)

    def fileno(self) -> int:
        """Return a descriptor that is readable while take_ready() has something to do."""
        return self._poll.fileno()

    def add(self, sock: socket.socket, client: str = "") -> None:
        """
        Add a new connection; if there is no room, evict the oldest of the larger kind: silent, or begun.

        This way neither idle connections nor unfinished requests, however many, evict clients of the other kind, and a
        client that has just connected and is about to send its request is never among the oldest.
        """
        if len(self) >= self._seats:
            larger = self._silent if len(self._silent) >= len(self._begun) else self._begun
            self._take(next(iter(larger))).sock.close()
        number = sock.fileno()
        self._poll.register(number, _EVENTS)
        self._silent[number] = Connection(sock, self._expected.silent, self._clock.monotonic_seconds(), client=client)

    def take_ready(self) -> list[tuple[Connection, Verdict]]:
        """Remove and return connections that need not wait any longer, a few at a time."""
        return [
            ready
            for number, events in self._poll.poll(0, _AT_ONCE)
            if (ready := self._look(number, is_gone=bool(events & _GONE)))
        ]

    def drop_overdue(self) -> None:
        """Close every connection that has been silent, or has an unfinished request, for too long."""
        now = self._clock.monotonic_seconds()
        for waiting, stage in ((self._silent, self._expected.silent), (self._begun, Stage.READING)):
            since = now - self._limits.of(stage)
            while waiting and next(iter(waiting.values())).since_seconds < since:
                self._take(next(iter(waiting))).sock.close()

    def close(self) -> None:
        """Close everything."""
        for number in (*self._silent, *self._begun):
            self._take(number).sock.close()
        self._poll.close()

    def _look(self, number: int, *, is_gone: bool) -> tuple[Connection, Verdict] | None:
        """Return the connection if it need not wait; close it if its beginning is hopeless."""
        connection = self._silent.get(number) or self._begun[number]
        data = b""
        with contextlib.suppress(OSError):
            data = connection.sock.recv(LOOK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        verdict = self._expected.judge(data)
        if verdict is not Verdict.WAIT:
            return self._take(number), verdict
        if is_gone:
            self._take(number).sock.close()
        elif data and number in self._silent:
            connection.stage, connection.since_seconds = Stage.READING, self._clock.monotonic_seconds()
            self._begun[number] = self._silent.pop(number)
        return None

    def _take(self, number: int) -> Connection:
        """Remove and return the connection, and stop its events."""
        self._poll.unregister(number)
        return self._silent.pop(number, None) or self._begun.pop(number)
