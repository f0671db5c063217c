"""Serve one connection: read requests and send answers in order, over a blocking socket with outside deadlines."""

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
    A thread's work with one connection.

    The socket has no timeout of its own: a read or write that waits too long is ended from outside, by Connections, so
    the common case costs one receive and one send per request.
    """

    def __init__(
        self,
        connection: Connection,
        connections: Connections,
        answer: Callable[[Request], Response],
        date: DateHeader,
        open_tls: Callable[[socket.socket], Channel] | None = None,
    ) -> None:
        """Take the connection over; *answer* must not raise. *open_tls* is None where the client speaks plain HTTP."""
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
            # The client left, was cut in the middle, or could not agree on TLS: nothing that it does fills the log.
            log.debug("web.connection_lost", extra={"cause": str(error)})
        except Exception:
            log.exception("web.connection_failed")
        finally:
            self._connections.close(self._connection)

    def _secure(self) -> bool:
        """
        Go over to TLS where it is spoken; False where no request can follow.

        A handshake is as one request head: what is slow or half is cut as early.
        """
        if self._open_tls is None:
            return True
        if not self._connections.enter(self._connection, Stage.READING):
            return False
        try:
            self._channel = self._open_tls(self._connection.sock)
        except PlainHttpError:
            # As Go's server does: a browser or a scraper with the wrong scheme shows the reason.
            self._channel.send(self._head(_WRONG_SCHEME, keep_alive=False), _WRONG_SCHEME.body)
            self._take_leave()
            return False
        # The client's last flight gets no answer in TLS 1.3. A client with Nagle's algorithm would keep its request
        # back until the kernel acknowledges that flight, 40 ms later.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return self._connections.enter(self._connection, Stage.WAITING)

    def _exchange(self) -> bool:
        """Answer one request; False if it was the last."""
        is_head = keep_alive = False
        try:
            head = self._receive_head()
            if head is None:
                return False
            request = self._parse(head)
            # An answer that comes after the scraper has given up is of no use to it, and its connection is gone.
            if not self._connections.enter(self._connection, Stage.ANSWERING, request.timeout_seconds):
                return False
        except RequestError as error:
            self._connections.enter(self._connection, Stage.ANSWERING)
            response = sentence(error.status, error.sentence)
        else:
            response = self._answer(request)
            is_head = request.method == "HEAD"
            # A body is never read, so what follows it cannot be told from a request: no request smuggling.
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
        """Return the request; a scraper repeats its head to the byte, so the last one is remembered."""
        if self._last_request is None or head != self._last_head:
            self._last_request = parse_head(head, self._connection.client)
            self._last_head = head
        return self._last_request

    def _head(self, response: Response, *, keep_alive: bool) -> bytes:
        return render_head(response, date=self._date.text(), keep_alive=keep_alive)

    def _take_leave(self) -> None:
        """
        Say that nothing follows and wait for the client to close.

        To close while bytes are unread would reset the connection, and the client might lose the answer
        (RFC 9112, 9.6).
        """
        if self._connections.enter(self._connection, Stage.LEAVING):
            self._channel.finish()
            while self._connection.sock.recv(_RECEIVE_BYTES):
                pass
