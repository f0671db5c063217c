"""Accept connections while the API server is up: one listener, one thread per connection."""

import contextlib
import itertools
import logging
import select
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

_BACKLOG = 128
_POLL_SECONDS = 0.05
_JOIN_SECONDS = 0.5
HANDSHAKE_SECONDS = 5.0
"""How long a client may take for TLS; a silent client must not occupy a thread indefinitely."""


SILENCE_SECONDS = 10.0
"""How long a client may be connected before it says anything."""
MOST_CONNECTIONS = 1024
"""Each costs a thread; three hundred reflectors have some six hundred."""


class Listener(socketserver.ThreadingTCPServer):
    """
    Accepts on a bound socket from `start` to `close`, and then never again.

    `closing` is set when it ends; threads that wait while they serve a connection check it.
    """

    daemon_threads = True

    def __init__(
        self,
        listener: socket.socket,
        handler: Callable[..., socketserver.BaseRequestHandler],
        tls: ssl.SSLContext | None = None,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        """Take over the socket; *handler* is called with a connection, the client's address and this."""
        super().__init__(listener.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.closing = threading.Event()
        self._tls, self._handshake_seconds, self._silence_seconds = tls, handshake_seconds, silence_seconds
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._acceptor = threading.Thread(target=self._accept, name="sim-api-accept", daemon=True)

    def start(self) -> None:
        """Listen, and accept in the background."""
        self.socket.listen(_BACKLOG)
        self._acceptor.start()

    def close(self) -> None:
        """Refuse new connections, cut those that are open, and wait for their threads."""
        self.closing.set()
        self.shutdown()
        self._acceptor.join()
        self.socket.close()
        for thread in self.cut_connections():
            thread.join(_JOIN_SECONDS)

    def cut_connections(self) -> list[threading.Thread]:
        """Cut every connection that is open now, whatever it does; return the threads that this ends."""
        with self._lock:
            threads = list(self._open.values())
            for connection in self._open:
                with contextlib.suppress(OSError):
                    # SSLSocket's own would take the encryption off a connection that its thread may be writing to.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        return threads

    def _accept(self) -> None:
        """Accept until it is over."""
        self.serve_forever(_POLL_SECONDS)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept one connection; nothing is read from it here, or a silent client would lock out all others."""
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        try:
            connection.getpeername()  # a client that has left already: wrap_socket would fail without closing
            return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address
        except OSError:
            connection.close()
            raise

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection that says something, in its thread. Raises OSError where TLS comes to nothing."""
        speech = select.poll()
        speech.register(request, select.POLLIN)
        if not speech.poll(self._silence_seconds * 1000):
            return
        if isinstance(request, ssl.SSLSocket):
            request.settimeout(self._handshake_seconds)
            request.do_handshake()
            request.settimeout(None)
        super().finish_request(request, client_address)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread, as long as there are not too many."""
        if len(self._open) >= MOST_CONNECTIONS:
            log.debug("sim.api_connection_refused")
            self.shutdown_request(request)
            return
        name = f"sim-api-{next(self._numbers)}"
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name=name, daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is over."""
        with self._lock:
            self._open.pop(request, None)
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - given by the base
        """Keep quiet about clients that have left; anything else is a fault of the simulator."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("sim.api_connection_failed", exc_info=error)
