"""Many abusive clients: a well-behaved one is still answered, and nothing leaks."""

import contextlib
import gc
import os
import resource
import socket
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme
from eventually import eventually
from web_rig import ask, client, client_context, config_file, tls_folder

from podres_exporter.clock import SystemClock
from podres_exporter.web.connections import Limits
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.response import Response
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Attack = Callable[["Target"], None]

PAGE = b"x" * 200_000
ROUTES = {"/metrics": Route(lambda _: Response(HTTPStatus.OK, PAGE), Share.SCRAPE)}
GET = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n"
LIMITS = Limits(connections=32, head_seconds=1.0, leave_seconds=0.5)


class Target:
    """A server, and how to reach it in the good way and in bad ones."""

    def __init__(self, server: WebServer, context: ssl.SSLContext | None) -> None:
        self.address = (server.addresses[0].host, server.addresses[0].port)
        self.context = context
        self.clients = contextlib.ExitStack()

    def raw(self) -> socket.socket:
        """Return a TCP connection."""
        return self.clients.enter_context(socket.create_connection(self.address, timeout=60))

    def secure(self) -> socket.socket:
        """Return a connection on which HTTP is spoken."""
        if self.context is None:
            return self.raw()
        return self.clients.enter_context(self.context.wrap_socket(self.raw(), server_hostname="127.0.0.1"))

    def scrape(self) -> int:
        """Scrape as Prometheus does, on a new connection; return how many bytes came."""
        with client(self.address[1], self.context) as connection:
            return len(ask(connection)[1])


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["plain", "tls"])
def target(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path, ca: trustme.CA) -> Target:
    """Return a small server, with and without TLS."""
    is_tls = request.param == "tls"
    access = config_file(tls_folder(tmp_path, ca), SystemClock()) if is_tls else None
    return Target(serve(ROUTES, limits=LIMITS, access=access), client_context(ca) if is_tls else None)


def send_quietly(sock: socket.socket, data: bytes) -> None:
    """Send to a server that may have hung up."""
    with contextlib.suppress(OSError):
        sock.sendall(data)


def idle(target: Target) -> None:
    for _ in range(500):
        target.raw()


def idle_after_a_request(target: Target) -> None:
    for _ in range(60):
        send_quietly(target.secure(), GET)


def byte_by_byte(target: Target) -> None:
    socks = [target.secure() for _ in range(40)]
    for byte in GET[:20]:
        for sock in socks:
            send_quietly(sock, bytes([byte]))


def half_handshakes(target: Target) -> None:
    """On a plain server the same bytes are half a request line."""
    for _ in range(200):
        send_quietly(target.raw(), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100))


def huge_heads(target: Target) -> None:
    field = b"X-Filler: " + b"y" * 1000 + b"\r\n"
    for _ in range(10):
        send_quietly(target.secure(), b"GET / HTTP/1.1\r\n" + field * 1040)


def huge_lines(target: Target) -> None:
    for _ in range(10):
        send_quietly(target.secure(), b"GET /" + b"x" * 1024 * 1024)


def malformed(target: Target) -> None:
    for data in (
        b"\x00" * 1000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n",
        b"GET http://other/metrics HTTP/1.1\r\nHost : n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: n\r\nContent-Length: 9999999\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ) * 5:
        send_quietly(target.secure(), data)


def pipelined_and_never_read(target: Target) -> None:
    for _ in range(8):
        sock = target.secure()
        sock.settimeout(0.02)
        for _ in range(20):
            send_quietly(sock, GET * 50)


def reset_in_the_middle(target: Target) -> None:
    for _ in range(50):
        sock = target.secure()
        send_quietly(sock, GET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()


def parallel_scrapes(target: Target) -> None:
    """More than --web.max-requests at once: none fails but by being told to come again."""
    threads = [threading.Thread(target=target.scrape) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_scraper_between_two_scrapes_is_not_evicted_by_silent_newcomers(target: Target) -> None:
    """A thousand of them, several hundred at a time: they drive out one another."""
    with client(target.address[1], target.context) as connection:
        ask(connection)
        before = connection.sock.getsockname()
        for _ in range(4):
            with target.clients:
                for _ in range(250):
                    target.raw()
                    target.raw().send(b"\x16")
                target.scrape()
        size = len(ask(connection)[1])

        assert (before, len(PAGE)) == (connection.sock.getsockname(), size)


def test_half_a_handshake_costs_no_thread(target: Target) -> None:
    """On a plain server the same bytes are half a request line."""
    with target.clients:
        half_handshakes(target)
        target.scrape()
        most = web_threads()

    assert most <= 1


def web_threads() -> int:
    """Return how many connections have a thread."""
    return sum(thread.name.removeprefix("web-").isdecimal() for thread in threading.enumerate())


def resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


@pytest.mark.parametrize(
    "attack",
    [
        idle,
        idle_after_a_request,
        byte_by_byte,
        half_handshakes,
        huge_heads,
        huge_lines,
        malformed,
        pipelined_and_never_read,
        reset_in_the_middle,
        parallel_scrapes,
    ],
)
def test_a_good_scraper_is_answered_whatever_others_do(
    target: Target, attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    """Before, during and after; threads and memory are bounded, nothing stands in the log, and nothing is left."""
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, not paths
    sizes, most_threads, ended = [target.scrape()], [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            most_threads.append(web_threads())

    def keep_scraping() -> None:
        while not ended.is_set():
            sizes.append(target.scrape())

    before = resident_kib()
    helpers = [threading.Thread(target=each) for each in (watch, keep_scraping)]
    for helper in helpers:
        helper.start()
    try:
        with target.clients:
            attack(target)
            sizes.append(target.scrape())
            grown = resident_kib() - before
    finally:
        ended.set()
        for helper in helpers:
            helper.join()
    gc.collect()

    assert {len(PAGE)} == set(sizes)
    assert max(most_threads) <= LIMITS.connections + LIMITS.reserved + 4  # four workers to spare
    assert grown < 64 * 1024
    assert eventually(lambda: web_threads() == 0)
    assert eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)  # noqa: PTH208
    assert [] == [record for record in caplog.records if record.levelno >= 30]
