"""The acceptor thread: accept connections, pass those with a request to a worker, and enforce every deadline."""

import contextlib
import logging
import selectors
import socket
import threading
from collections import Counter, deque
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from podres_exporter.clock import Clock
from podres_exporter.web.connections import Connection, Connections, Limits, Stage, most_crowded
from podres_exporter.web.listeners import client_of
from podres_exporter.web.pending import LOOK_BYTES, FirstMessage, PendingConnections, Verdict
from podres_exporter.web.request import RequestError, check_unfinished
from podres_exporter.web.response import DateHeader, Response, render_head, sentence
from podres_exporter.web.workers import Workers

log = logging.getLogger(__name__)

# A flood on one listener must not block the other listeners, or clients that are already connected.
_AT_ONCE = 16

# How soon to check again for a free place while requests wait for one.
_RETRY_SECONDS = 0.05

_FULL = sentence(HTTPStatus.SERVICE_UNAVAILABLE, "All connections are busy. Try again in a second.", "Retry-After: 1")


class Acceptor:
    """The loop of the acceptor thread. It waits for events, never for a single client."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        expected: FirstMessage,
        connections: Connections,
        workers: Workers,
        limits: Limits,
        clock: Clock,
    ) -> None:
        """Use non-blocking listeners."""
        self._expected = expected
        self._connections = connections
        self._workers = workers
        self._limits = limits
        self._clock = clock
        self._date = DateHeader(clock)
        self._pending = PendingConnections(limits, clock, expected)
        # Requests that wait for a place, each with the time since when it waits.
        self._queued: deque[Connection] = deque()
        self._probes: deque[Connection] = deque()
        self._checked_seconds = clock.monotonic_seconds()
        self._stopping = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        self._selector.register(self._pending, selectors.EVENT_READ, self._take_requests)
        for each in listeners:
            self._selector.register(each, selectors.EVENT_READ, partial(self._accept, each))

    def run(self) -> None:
        """Run until told to stop, whatever goes wrong."""
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:
                # Usually out of file descriptors: clients wait in the backlog, and an immediate retry would only spin.
                log.exception("web.accept_failed")
                self._clock.wait(self._stopping, self._limits.check_seconds)

    def stop(self) -> None:
        """Make run() return soon; may be called from any thread."""
        self._stopping.set()
        self._wake()

    def on_worker_free(self) -> None:
        """Check for a request that waits for a place; called by workers."""
        if self._queued or self._probes:
            self._wake()

    def close(self) -> None:
        """Close everything except the listeners, once run() has returned."""
        self._selector.close()
        self._pending.close()
        for each in (*self._queued, *self._probes):
            each.sock.close()
        self._woken.close()
        self._waker.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: it has ended
            self._waker.send(b"\0")

    def _drain(self) -> None:
        self._woken.recv(4096)

    def _turn(self) -> None:
        """Wait for events and handle them; deadlines are enforced while any client is connected."""
        for key, _ in self._selector.select(self._wait_seconds()):
            key.data()
        self._start_queued()
        now = self._clock.monotonic_seconds()
        if now - self._checked_seconds >= self._limits.check_seconds:
            self._checked_seconds = now
            self._connections.cut_overdue()
            self._pending.drop_overdue()

    def _wait_seconds(self) -> float | None:
        """Return how long no deadline needs checking; None while no client is connected."""
        if self._queued or self._probes:
            return _RETRY_SECONDS
        if len(self._pending):
            return self._limits.check_seconds
        if not len(self._connections):
            return None
        return self._limits.calm_seconds if self._connections.are_calm else self._limits.check_seconds

    def _accept(self, listener: socket.socket) -> None:
        """Accept a few connections from the backlog."""
        with contextlib.suppress(BlockingIOError):  # the backlog is empty
            for _ in range(_AT_ONCE):
                sock, address = listener.accept()
                self._pending.add(sock, client_of(address[0]))

    def _take_requests(self) -> None:
        """
        Queue the connections on which a request has arrived; the queue is bounded, and shared fairly between clients.
        """
        for connection, verdict in self._pending.take_ready():
            if verdict is Verdict.REJECT:
                self._reject(connection)
                continue
            connection.limit_seconds = self._clock.monotonic_seconds() + self._limits.queue_seconds
            (self._probes if verdict is Verdict.SERVE_PROBE else self._queued).append(connection)
        for queue in (self._probes, self._queued):
            while len(queue) > self._limits.queued and (crowding := most_crowded(queue)):
                queue.remove(crowding)
                self._refuse(crowding)

    def _start_queued(self) -> None:
        """Give queued requests a place and a thread, probes first; make room for those that find none."""
        for queue, is_probe in ((self._probes, True), (self._queued, False)):
            while queue and self._start(following := _least_crowded(queue), is_probe=is_probe):
                queue.remove(following)
        if wanted := len(self._queued) + len(self._probes):
            self._connections.make_room(wanted)
            now = self._clock.monotonic_seconds()
            for queue in (self._probes, self._queued):
                while queue and queue[0].limit_seconds < now:
                    self._refuse(queue.popleft())

    def _start(self, connection: Connection, *, is_probe: bool) -> bool:
        """Start a worker on the connection; return False if it must keep waiting."""
        if not self._workers.has_room or not self._connections.admit(
            connection, self._expected.first, is_probe=is_probe
        ):
            return False
        try:
            self._workers.take(connection)
        except RuntimeError:  # the process cannot start another thread
            log.warning("web.thread_failed", exc_info=True)
            self._refuse(connection)
            self._connections.close(connection)
        return True

    def _reject(self, connection: Connection) -> None:
        """Answer with what is wrong with the beginning of a request."""
        with contextlib.suppress(OSError):
            connection.sock.setblocking(False)
            data = connection.sock.recv(LOOK_BYTES, socket.MSG_PEEK)
            try:
                check_unfinished(data)
            except RequestError as error:
                self._dismiss(connection, sentence(error.status, error.sentence))
        connection.sock.close()

    def _refuse(self, connection: Connection) -> None:
        """Answer that there is no free place."""
        log.debug("web.connection_refused")
        self._dismiss(connection, _FULL)

    def _dismiss(self, connection: Connection, response: Response) -> None:
        """Answer (not over TLS) and close, without waiting for anything."""
        sock = connection.sock
        with sock, contextlib.suppress(OSError):
            sock.setblocking(False)
            sock.recv(LOOK_BYTES)  # closing with unread bytes would discard the answer
            if self._expected.first is Stage.ANSWERING:
                sock.sendmsg([render_head(response, date=self._date.text(), keep_alive=False), response.body])
            sock.shutdown(socket.SHUT_WR)


def _least_crowded(queue: Sequence[Connection]) -> Connection:
    """Return whose turn it is: the oldest request of the client with the fewest queued."""
    if len(queue) == 1:
        return queue[0]
    queued = Counter(each.client for each in queue)
    return min(queue, key=lambda each: queued[each.client])
