"""The accepting thread: it takes clients in, gives a thread to those who ask, and keeps everybody's deadline."""

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from podres_exporter.clock import Clock
from podres_exporter.web.connections import Connections
from podres_exporter.web.limits import Limits, Stage
from podres_exporter.web.opening import LOOK_BYTES, Opening
from podres_exporter.web.reception import Reception
from podres_exporter.web.response import render_head, sentence
from podres_exporter.web.workers import Workers

log = logging.getLogger(__name__)

# A flood on one listener must not keep the thread from the others, nor from clients who have begun to ask.
_AT_ONCE = 16

_FULL = sentence(HTTPStatus.SERVICE_UNAVAILABLE, "All connections are busy. Try again in a second.", "Retry-After: 1")


class Acceptor:
    """What the accepting thread runs. It waits for events alone, never for one client."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        opening: Opening,
        connections: Connections,
        workers: Workers,
        limits: Limits,
        clock: Clock,
    ) -> None:
        """Use non-blocking listeners."""
        self._opening = opening
        self._connections = connections
        self._workers = workers
        self._clock = clock
        self._reception = Reception(limits, clock, opening)
        self._check_seconds, self._calm_seconds = limits.check_seconds, limits.calm_seconds
        self._checked_seconds = clock.monotonic_seconds()
        self._stopping = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._reception, selectors.EVENT_READ, self._attend)
        for each in listeners:
            self._selector.register(each, selectors.EVENT_READ, partial(self._accept, each))

    def run(self) -> None:
        """Work until told to stop, whatever goes wrong."""
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:
                # Mostly no file descriptor is left: clients wait in the backlog, and an instant retry would only spin.
                log.exception("web.accept_failed")
                self._clock.wait(self._stopping, self._check_seconds)

    def stop(self) -> None:
        """End run() soon; may be called from any thread."""
        self._stopping.set()
        self._waker.send(b"\0")

    def close(self) -> None:
        """Let go of everything but the listeners, once run() has ended."""
        self._selector.close()
        self._reception.close()
        self._woken.close()
        self._waker.close()

    def _turn(self) -> None:
        """Wait for events and look after them; deadlines are kept as long as somebody is connected."""
        for key, _ in self._selector.select(self._patience_seconds()):
            if key.data:
                key.data()
        now = self._clock.monotonic_seconds()
        if now - self._checked_seconds >= self._check_seconds:
            self._checked_seconds = now
            self._connections.cut_overdue()
            self._reception.drop_overdue()

    def _patience_seconds(self) -> float | None:
        """Return how long no deadline need be looked at; None while nobody is connected."""
        if len(self._reception):
            return self._check_seconds
        if not len(self._connections):
            return None
        return self._calm_seconds if self._connections.are_calm else self._check_seconds

    def _accept(self, listener: socket.socket) -> None:
        """Take in a few of those who wait at the door."""
        with contextlib.suppress(BlockingIOError):  # nobody is left there
            for _ in range(_AT_ONCE):
                self._reception.seat(listener.accept()[0])

    def _attend(self) -> None:
        """Give those who ask a thread, or an answer that says why they get none."""
        for connection in self._reception.take_ready():
            if not self._connections.admit(connection, self._opening.first):
                self._refuse(connection.sock)
                continue
            try:
                self._workers.take(connection)
            except RuntimeError:  # the process may not have another thread
                log.warning("web.thread_failed", exc_info=True)
                self._refuse(connection.sock)
                self._connections.close(connection)

    def _refuse(self, sock: socket.socket) -> None:
        """Answer 503 (not over TLS) and close, without waiting for anything."""
        log.debug("web.connection_refused")
        with sock, contextlib.suppress(OSError):
            sock.setblocking(False)
            sock.recv(LOOK_BYTES)  # to close while bytes are unread would take the answer back
            if self._opening.first is Stage.ANSWERING:
                sock.sendmsg([render_head(_FULL, keep_alive=False), _FULL.body])
            sock.shutdown(socket.SHUT_WR)
