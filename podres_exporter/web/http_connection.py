"""
Serve one connection: read requests and send answers in order, over a blocking socket whose deadlines are external.
"""

import logging
import socket
from collections.abc import Callable
from http import HTTPStatus

from podres_exporter.web.channel import Channel, PlainChannel, PlainHttpError
from podres_exporter.web.connections import Connection, Connections, Stage
from podres_exporter.web.request import Request, RequestError, check_size, check_unfinished, parse_head
from podres_exporter.web.response import DateHeader, Response, render_head, sentence

log = logging.getLogger(__name__)

_RECEIVE_BYTES = 16 * 1024

_WRONG_SCHEME = sentence(HTTPStatus.BAD_REQUEST, "This is an HTTPS server and the request is HTTP: use https:// here.")


class HttpConnection:
    """
    The work of one thread on one connection.

    The socket has no timeout: Connections ends a read or write that takes too long, so the common case costs one
    receive and one send per request.
    """

    def __init__(
        self,
        connection: Connection,
        connections: Connections,
        answer: Callable[[Request], Response],
        date: DateHeader,
        open_tls: Callable[[socket.socket], Channel] | None = None,
    ) -> None:
        """Take over the connection; *answer* must not raise. *open_tls* is None for plain HTTP."""
        self._connection = connection
        self._channel: Channel = PlainChannel(connection.sock)
        self._open_tls = open_tls
        self._connections = connections
        self._answer = answer
        self._date = date
        self._received = b""
        self._last_head = b""
        self._last_request: Request | None = None

    def run(self) -> None:
        """Serve until the client leaves, must leave, or is cut; then close the socket."""
        try:
            if self._secure():
                while self._exchange():
                    pass
        except OSError as error:
            # The client left, was cut, or its TLS handshake failed: clients must not be able to fill the log.
            log.debug("web.connection_lost", extra={"cause": str(error)})
        except Exception:
            log.exception("web.connection_failed")
        finally:
            self._connections.close(self._connection)

    def _secure(self) -> bool:
        """
        Perform the TLS handshake if configured; return False if no request can follow.

        A handshake has the same deadline as a request head.
        """
        if self._open_tls is None:
            return True
        if not self._connections.enter(self._connection, Stage.READING):
            return False
        try:
            self._channel = self._open_tls(self._connection.sock)
        except PlainHttpError:
            # As in Go's server: a browser or scraper with the wrong scheme shows the reason.
            self._channel.send(self._head(_WRONG_SCHEME, keep_alive=False), _WRONG_SCHEME.body)
            self._take_leave()
            return False
        # The client's last flight gets no answer in TLS 1.3. A client with Nagle's algorithm would hold its request
        # back until the kernel acknowledges that flight, 40 ms later.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return self._connections.enter(self._connection, Stage.WAITING)

    def _exchange(self) -> bool:
        """Answer one request; return False if it was the last."""
        is_head = keep_alive = False
        try:
            head = self._receive_head()
            if head is None:
                return False
            request = self._parse(head)
            # An answer after the scrape timeout is useless to the scraper, and its connection is gone.
            if not self._connections.enter(self._connection, Stage.ANSWERING, request.timeout_seconds):
                return False
        except RequestError as error:
            self._connections.enter(self._connection, Stage.ANSWERING)
            response = sentence(error.status, error.sentence)
        else:
            response = self._answer(request)
            is_head = request.method == "HEAD"
            # A body is never read, so what follows it cannot be distinguished from a request: no request smuggling.
            keep_alive = request.keep_alive and not request.has_body and not self._connections.is_closing
            keep_alive &= not response.ends_connection
        self._connections.begin_sending(self._connection)
        head = self._head(response, keep_alive=keep_alive)
        self._channel.send(head, *(() if is_head else (response.body, response.tail)))
        if not keep_alive:
            self._take_leave()
        return keep_alive and self._connections.enter(self._connection, Stage.WAITING)

    def _receive_head(self) -> bytes | None:
        """Return the next request head, None if the client has left; raises RequestError if it is too large."""
        data = self._received
        while True:
            head, end, rest = data.partition(b"\r\n\r\n")
            check_size(head)
            if end:
                self._received = rest
                return head
            check_unfinished(data)
            if data and self._connection.stage is not Stage.READING:
                self._connections.enter(self._connection, Stage.READING)
            chunk = self._channel.receive()
            if not chunk:
                return None
            data += chunk

    def _parse(self, head: bytes) -> Request:
        """Return the parsed request; the last one is cached because scrapers repeat their head byte for byte."""
        if self._last_request is None or head != self._last_head:
            self._last_request = parse_head(head, self._connection.client)
            self._last_head = head
        return self._last_request

    def _head(self, response: Response, *, keep_alive: bool) -> bytes:
        return render_head(response, date=self._date.text(), keep_alive=keep_alive)

    def _take_leave(self) -> None:
        """
        Signal that nothing follows and wait for the client to close.

        Closing with unread bytes would reset the connection, and the client might lose the answer (RFC 9112, 9.6).
        """
        if self._connections.enter(self._connection, Stage.LEAVING):
            self._channel.finish()
            while self._connection.sock.recv(_RECEIVE_BYTES):
                pass
