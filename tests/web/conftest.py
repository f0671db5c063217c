"""Real servers on loopback, and raw clients."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.listen import ListenAddress
from podres_exporter.web.connections import Limits
from podres_exporter.web.dispatch import AccessControl, Route
from podres_exporter.web.server import WebServer

Answer = tuple[int, Mapping[str, str], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[..., WebServer]]:
    """Return a started server on an ephemeral port; stopped at the end of the test."""
    with ExitStack() as stack:

        def start(
            routes: Mapping[str, Route],
            *,
            limits: Limits | None = None,
            max_requests: int = 16,
            access: AccessControl | None = None,
        ) -> WebServer:
            server = WebServer(
                [ListenAddress("127.0.0.1", 0)],
                routes,
                max_requests=max_requests,
                clock=SystemClock(),
                limits=limits or Limits(),
                access=access,
            )
            return stack.enter_context(server)

        yield start


@pytest.fixture
def connect() -> Iterator[Callable[[WebServer], socket.socket]]:
    """Return a new connection to a server, on which no operation may take longer than 5 s."""
    with ExitStack() as stack:

        def open_connection(server: WebServer) -> socket.socket:
            address = server.addresses[0]
            return stack.enter_context(socket.create_connection((address.host, address.port), timeout=60))

        yield open_connection


@pytest.fixture
def read_answer() -> Callable[..., Answer]:
    """Return status, headers (lower-case names) and body of the next answer, without taking a byte that follows it."""

    def read(sock: socket.socket, *, to_head: bool = False) -> Answer:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                raise EOFError(head)
            head += byte
        status_line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = b""
        length = 0 if to_head else int(headers["content-length"])
        while len(body) < length:
            chunk = sock.recv(min(65536, length - len(body)))
            if not chunk:
                raise EOFError(body)
            body += chunk
        return int(status_line.split(" ")[1]), headers, body

    return read
