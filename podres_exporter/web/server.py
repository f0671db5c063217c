"""The web server: accepts connections, gives each a thread, and stops."""

import itertools
import logging
import selectors
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Self

from podres_exporter.clock import Clock
from podres_exporter.listen import ListenAddress
from podres_exporter.web.connections import Connection, Connections, Limits
from podres_exporter.web.conversation import Conversation
from podres_exporter.web.dispatch import Dispatcher, Route
from podres_exporter.web.listeners import bound_address, open_listeners
from podres_exporter.web.response import render_head, sentence
from podres_exporter.web.shield import Answer, Shield

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()

_GRACE_SECONDS = 1.0

_FULL = sentence(HTTPStatus.SERVICE_UNAVAILABLE, "All connections are busy. Try again in a second.", "Retry-After: 1")


class WebServer:
    """
    A bounded HTTP/1.1 server with a thread per connection.

    One thread accepts and keeps the deadlines of all connections; the others are blocked in one read or write each.
    *addresses* are those really bound, in the order given.
    """

    def __init__(
        self,
        addresses: Sequence[ListenAddress],
        routes: Mapping[str, Route],
        *,
        max_requests: int,
        clock: Clock,
        limits: Limits = DEFAULT_LIMITS,
        shield: Shield | None = None,
    ) -> None:
        """
        Bind every address, without accepting yet; *routes* maps paths to what answers there.

        *max_requests* bounds the answers that are being made at once, beyond which clients get 429. *shield* is None
        where everyone may read, in plain HTTP.
        Raises ConfigError naming every address that cannot be used.
        """
        self._listeners = open_listeners(addresses)
        self._open_tls = shield.open if shield and shield.is_tls else None
        scheme = "https" if self._open_tls else "http"
        self.addresses = tuple(replace(bound_address(listener), scheme=scheme) for listener in self._listeners)
        self._clock = clock
        self._check_seconds = limits.check_seconds
        self._connections = Connections(limits, clock)
        self._answer: Answer = Dispatcher(routes, max_requests).answer
        if shield:
            self._answer = shield.guard(self._answer, {path for path, route in routes.items() if not route.is_limited})
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for each in (*self._listeners, self._woken):
            self._selector.register(each, selectors.EVENT_READ, each)
        self._acceptor = threading.Thread(target=self._accept_until_stopped, name="web-accept", daemon=True)

    def __enter__(self) -> Self:
        """Start; leaving the block stops."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Begin to accept; returns at once."""
        self._acceptor.start()

    def stop(self) -> None:
        """
        Stop listening and close every connection; returns within about two seconds, whatever clients do.

        Answers under way have one second to finish. A handler that still runs then is left behind in its daemon thread.
        """
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._waker.send(b"\0")
        if self._acceptor.ident is not None:
            self._acceptor.join()
        self._selector.close()
        for each in (*self._listeners, self._woken, self._waker):
            each.close()
        threads = self._connections.begin_closing()
        self._join(threads)
        self._connections.cut_all()
        self._join(threads)

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        """Wait until the threads have ended or the grace is over."""
        deadline = self._clock.monotonic_seconds() + _GRACE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock.monotonic_seconds()))

    def _accept_until_stopped(self) -> None:
        """Accept what comes, whatever goes wrong."""
        while not self._stopping.is_set():
            try:
                self._accept_and_tidy()
            except Exception:
                # Mostly no file descriptor is left: clients wait in the backlog, and an instant retry would only spin.
                log.exception("web.accept_failed")
                self._clock.wait(self._stopping, self._check_seconds)

    def _accept_and_tidy(self) -> None:
        """Wait for connections and accept them; look after the deadlines as long as somebody is connected."""
        ready = self._selector.select(self._check_seconds if len(self._connections) else None)
        self._connections.cut_overdue()
        for key, _ in ready:
            if key.data is not self._woken:
                self._accept(key.data)

    def _accept(self, listener: socket.socket) -> None:
        """Accept one connection and give it a thread, or an answer that says why it gets none."""
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return  # the client has left again
        sock.setblocking(True)
        connection = Connection(sock)
        conversation = Conversation(connection, self._connections, self._answer, self._open_tls)
        connection.thread = threading.Thread(target=conversation.run, name=f"web-{next(self._numbers)}", daemon=True)
        if not self._connections.admit(connection):
            self._refuse(sock)
            return
        try:
            connection.thread.start()
        except RuntimeError:  # the process may not have another thread
            log.warning("web.thread_failed", exc_info=True)
            self._refuse(sock)
            self._connections.close(connection)

    def _refuse(self, sock: socket.socket) -> None:
        """Answer 503 (not over TLS) and close, without waiting for anything: this is the accepting thread."""
        log.debug("web.connection_refused")
        with sock:
            try:
                sock.setblocking(False)
                if self._open_tls is None:
                    sock.sendmsg([render_head(_FULL, keep_alive=False), _FULL.body])
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                log.debug("web.connection_lost")
