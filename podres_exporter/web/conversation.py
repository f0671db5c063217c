"""One client's requests and answers, in order, over a blocking socket whose deadlines Connections keeps."""

import logging
import socket
from collections.abc import Callable

from podres_exporter.web.connections import Connection, Connections, Stage
from podres_exporter.web.request import Request, RequestError, check_size, parse_head
from podres_exporter.web.response import Response, render_head, sentence

log = logging.getLogger(__name__)

_RECEIVE_BYTES = 16 * 1024


class Conversation:
    """
    A thread's work with one connection.

    The socket has no timeout of its own: a read or write that waits too long is ended from outside, by Connections, so
    the common case costs one receive and one send per request.
    """

    def __init__(self, connection: Connection, connections: Connections, answer: Callable[[Request], Response]) -> None:
        """Take the connection over; *answer* must not raise."""
        self._connection = connection
        self._connections = connections
        self._answer = answer
        self._received = b""
        self._last_head = b""
        self._last_request: Request | None = None

    def run(self) -> None:
        """Speak until the client leaves, must leave, or is cut; then close the socket."""
        try:
            # A TLS handshake belongs here: in this thread and under the deadline of stage READING.
            while self._exchange():
                pass
        except OSError:
            log.debug("web.connection_lost")  # the client left or was cut in the middle
        except Exception:
            log.exception("web.connection_failed")
        finally:
            self._connections.close(self._connection)

    def _exchange(self) -> bool:
        """Answer one request; False if it was the last."""
        is_head = keep_alive = False
        try:
            head = self._receive_head()
            if head is None or not self._connections.enter(self._connection, Stage.ANSWERING):
                return False
            request = self._parse(head)
        except RequestError as error:
            self._connections.enter(self._connection, Stage.ANSWERING)
            response = sentence(error.status, error.sentence)
        else:
            response = self._answer(request)
            is_head = request.method == "HEAD"
            # A body is never read, so what follows it cannot be told from a request: no request smuggling.
            keep_alive = request.keep_alive and not request.has_body and not self._connections.is_closing
        send(self._connection.sock, render_head(response, keep_alive=keep_alive), b"" if is_head else response.body)
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
            if data and self._connection.stage is not Stage.READING:
                self._connections.enter(self._connection, Stage.READING)
            chunk = self._connection.sock.recv(_RECEIVE_BYTES)
            if not chunk:
                return None
            data += chunk

    def _parse(self, head: bytes) -> Request:
        """Return the request; a scraper repeats its head to the byte, so the last one is remembered."""
        if self._last_request is None or head != self._last_head:
            self._last_request = parse_head(head)
            self._last_head = head
        return self._last_request

    def _take_leave(self) -> None:
        """
        Say that nothing follows and wait for the client to close.

        To close while bytes are unread would reset the connection, and the client might lose the answer
        (RFC 9112, 9.6).
        """
        if self._connections.enter(self._connection, Stage.LEAVING):
            self._connection.sock.shutdown(socket.SHUT_WR)
            while self._connection.sock.recv(_RECEIVE_BYTES):
                pass


def send(sock: socket.socket, head: bytes, body: bytes) -> None:
    """Send both, in one call where the kernel takes all; the body is shared by all clients and never copied."""
    sent = sock.sendmsg([head, body])
    if sent < len(head):
        sock.sendall(head[sent:])
    if sent < len(head) + len(body):
        sock.sendall(memoryview(body)[max(0, sent - len(head)) :])
