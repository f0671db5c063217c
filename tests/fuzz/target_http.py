"""Fuzz target: malformed HTTP requests to a real server on loopback."""

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from random import Random

from fuzz import mutators
from fuzz.engine import GOOD, PromiseError, Target
from fuzz.outputs import check_message

from podres_exporter.clock import SystemClock
from podres_exporter.exposition.negotiation import Format
from podres_exporter.listen import ListenAddress
from podres_exporter.web.request import RequestError, check_size, parse_head
from podres_exporter.web.routes import site
from podres_exporter.web.server import WebServer

_GET = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n"
_SEEDS = (
    _GET,
    _GET * 3,
    b"HEAD /metrics HTTP/1.0\r\n\r\n",
    b"\r\n".join(
        [
            b"GET /api/v1/snapshot?x=y HTTP/1.1",
            b"Host: n",
            b"Accept-Encoding: gzip;q=0.5, *;q=0",
            b'If-None-Match: "a", W/"b"',
            b"",
            b"",
        ]
    ),
    b"\r\n".join(
        [
            b"GET /metrics HTTP/1.1",
            b"Host: n",
            b"Accept: application/openmetrics-text;version=1.0.0;escaping=dots;q=0.6,text/plain;q=0.3,*/*;q=0.1",
            b"X-Prometheus-Scrape-Timeout-Seconds: 10",
            b"Connection: close",
            b"",
            b"",
        ]
    ),
    b"\r\n".join(
        [
            b"GET http://n:10190/-/ready HTTP/1.1",
            b"Host: n:10190",
            b"Connection: keep-alive, Upgrade",
            b"Authorization: Basic YTpi",
            b"",
            b"",
        ]
    ),
    b"POST / HTTP/1.1\r\nHost: n\r\nContent-Length: 3\r\n\r\nabc" + _GET,
    b"POST /-/healthy HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + _GET,
    b"OPTIONS * HTTP/1.1\r\nHost: n\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: n\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
)
_FIELDS = (
    b"Host: a",
    b"Content-Length: 0",
    b"Content-Length: +1",
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
    b"Connection: close",
    b"Connection: keep-alive",
    b"X-Prometheus-Scrape-Timeout-Seconds: 0.000000001",
    b"Accept: " + b"a/b;q=0.1," * 700,
    b"Accept-Encoding: gzip;q=1e9",
    b"If-None-Match: *",
)
_LINES = (b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b": ", b" ", b"\t", b"\x80")
_PIECES = (*_LINES, b"HTTP/1.1", b"HTTP/9.9", b"GET", b"%00", b"?")
_WORDS = (*_PIECES, b"x" * 9000, b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3", *(each + b"\r\n" for each in _FIELDS))
_PATIENCE_SECONDS = 5.0
_ANSWER = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]+\r\n((?:[!-9;-~]+: [\t\x20-\x7e]*\r\n)+)\r\n")
_LENGTH = re.compile(rb"(?im)^content-length: ([0-9]+)\r$")


class _Errors(logging.Handler):
    """Keeps what the server logs of errors: no client may cause one."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the event, with its traceback."""
        self.texts.append(logging.Formatter("%(message)s").format(record))


@contextmanager
def http(_folder: Path) -> Iterator[Target]:
    """Yield the target, which is the exporter's own site."""
    errors, logger = _Errors(), logging.getLogger("podres_exporter.web")
    routes = site(
        "/metrics",
        metrics=_page,
        snapshot=lambda gzip: (b"{}", '"gz"' if gzip else '"id"'),
        healthy=lambda: (True, "well"),
        ready=lambda: (False, "not yet"),
    )
    logger.addHandler(errors)
    try:
        with WebServer([ListenAddress("127.0.0.1", 0)], routes, max_requests=4, clock=SystemClock()) as server:
            address = server.addresses[0].host, server.addresses[0].port
            yield Target("http", _SEEDS, _mutate, lambda data, _: _check(address, data, errors))
    finally:
        logger.removeHandler(errors)


def _page(page_format: Format, gzip: bool) -> tuple[bytes, bytes]:
    return f"# {page_format} {gzip}\n".encode() * 9, b"# end\n"


def _mutate(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.5:
        return mutators.damaged(data, rng)
    head, middle, tail = mutators.cut(data, rng)
    return (head + rng.choice(_WORDS) + (middle if rng.random() < 0.7 else b"") + tail)[: mutators.LONGEST]


def _check(address: tuple[str, int], data: bytes, errors: _Errors) -> str:
    """Send the bytes, then the end; what comes back are whole answers, and after it a good client is served."""
    parsed = _parse(data)
    statuses = _statuses(_asked(address, data), data)
    if errors.texts:
        raise PromiseError(f"a client fills the log: {errors.texts.pop()}")
    if len(data) % 16 == 0 and _statuses(_asked(address, _GET), _GET) != [HTTPStatus.OK]:
        raise PromiseError("a good client is not served any more")
    return f"{GOOD} {parsed} {statuses[:2]}"


def _parse(data: bytes) -> str:
    """Parse the first head by itself; a request is what it says, and nothing in it can be taken for two things."""
    head = data.partition(b"\r\n\r\n")[0]
    try:
        check_size(head)
        request = parse_head(head)
    except RequestError as error:
        return check_message(error)
    texts = (request.method, request.path, *request.headers, *request.headers.values())
    if any("\r" in text or "\n" in text or "\0" in text for text in texts):
        raise PromiseError(f"a line end within a request: {request!r}")
    if any(name != name.lower() or not name for name in request.headers) or request.timeout_seconds <= 0:
        raise PromiseError(f"a request that cannot be: {request!r}")
    return "Request"


def _asked(address: tuple[str, int], data: bytes) -> bytes:
    """Return all that the server answers. Raises PromiseError where it neither answers nor hangs up."""
    came = b""
    with socket.create_connection(address, timeout=_PATIENCE_SECONDS) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while piece := sock.recv(65536):
                came += piece
        except TimeoutError as error:
            raise PromiseError(f"the server is silent: after {len(came)} bytes") from error
        except OSError:  # it has hung up on a client that does not stop
            pass
    return came


def _statuses(came: bytes, data: bytes) -> list[int]:
    """Return the status of each answer, all of which must be whole. Raises PromiseError."""
    found: list[int] = []
    rest = came
    is_head = b"HEAD" in data
    while rest:
        match = _ANSWER.match(rest)
        length = _LENGTH.search(match[0]) if match else None
        if match is None or (length is None and match[1] != b"304"):
            raise PromiseError(f"no answer of HTTP: {rest[:200]!r}")
        found.append(int(match[1]))
        size = int(length[1]) if length else 0
        rest = rest[match.end() :]
        if is_head and (not rest or rest.startswith(b"HTTP/1.1 ")):
            continue
        if len(rest) < size:
            raise PromiseError(f"half of an answer: {rest[:200]!r}")
        rest = rest[size:]
    return found
