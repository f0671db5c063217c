"""The web server: combine its parts, start and stop it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

from podres_exporter.clock import Clock
from podres_exporter.listen import ListenAddress
from podres_exporter.web.acceptor import Acceptor
from podres_exporter.web.connections import Connection, Connections, Limits
from podres_exporter.web.dispatch import AccessControl, Answer, Dispatcher, Route, Share
from podres_exporter.web.http_connection import HttpConnection
from podres_exporter.web.listeners import bound_address, open_listeners
from podres_exporter.web.pending import PLAIN, TLS
from podres_exporter.web.response import DateHeader
from podres_exporter.web.workers import Workers

DEFAULT_LIMITS = Limits()

_GRACE_SECONDS = 1.0


class WebServer:
    """
    A bounded HTTP/1.1 server with one worker thread per connection that has sent a request.

    One thread accepts, waits for the first request of each connection, and enforces every deadline; the others, a
    bounded number, are blocked in one read or write each. *addresses* are those actually bound, in the given order.
    """

    def __init__(
        self,
        addresses: Sequence[ListenAddress],
        routes: Mapping[str, Route],
        *,
        max_requests: int,
        clock: Clock,
        limits: Limits = DEFAULT_LIMITS,
        access: AccessControl | None = None,
    ) -> None:
        """
        Bind every address, without accepting yet; *routes* maps paths to handlers.

        *max_requests* limits concurrent scrapes; further ones get 429. *access* is None for plain HTTP without
        authentication. Raises ConfigError naming every address that cannot be used.
        """
        self._listeners = open_listeners(addresses)
        self._open_tls = access.open if access and access.is_tls else None
        scheme = "https" if self._open_tls else "http"
        self.addresses = tuple(replace(bound_address(listener), scheme=scheme) for listener in self._listeners)
        self._connections = Connections(limits, clock)
        self._answer: Answer = Dispatcher(routes, max_requests).answer
        if access:
            self._answer = access.guard(
                self._answer, {path for path, route in routes.items() if route.share is Share.PROBE}
            )
        self._date = DateHeader(clock)
        most = limits.connections + limits.reserved
        self._workers = Workers(self._serve, clock, most=most, on_free=self._wake_acceptor)
        self._is_stopped = False
        self._acceptor = Acceptor(
            self._listeners, TLS if self._open_tls else PLAIN, self._connections, self._workers, limits, clock
        )
        self._thread = threading.Thread(target=self._acceptor.run, name="web-accept", daemon=True)

    def __enter__(self) -> Self:
        """Start; leaving the block stops the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start accepting; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """
        Stop listening and close every connection; returns within about two seconds, whatever clients do.

        Pending answers have one second to finish. A handler that still runs then is abandoned in its daemon thread.
        """
        if self._is_stopped:
            return
        self._is_stopped = True
        self._acceptor.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._acceptor.close()
        for each in self._listeners:
            each.close()
        self._connections.begin_closing()
        self._workers.begin_stopping()
        self._workers.join(_GRACE_SECONDS)
        self._connections.cut_all()
        self._workers.join(_GRACE_SECONDS)

    def _wake_acceptor(self) -> None:
        """Tell the acceptor thread that a worker is free."""
        self._acceptor.on_worker_free()

    def _serve(self, connection: Connection) -> None:
        """Serve a connection to its end."""
        HttpConnection(connection, self._connections, self._answer, self._date, self._open_tls).run()
