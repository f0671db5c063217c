"""Attacks on the exporter, each run in its own process until killed; on loopback only."""

import base64
import contextlib
import itertools
import selectors
import socket
import ssl
import threading
from collections.abc import Callable

HOST = "127.0.0.1"
Attack = Callable[[int], None]
HALF_HEAD = b"GET /metrics HTTP/1.1\r\nHost: n\r\nX-Filler: "
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Do the work in so many threads, again and again."""

    def again(number: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                work(number)
            threading.Event().wait(0.01)

    for number in range(count):
        threading.Thread(target=again, args=(number,), daemon=True).start()
    threading.Event().wait()


def connected(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=10)


def guessers(count: int, user: str = "x", *, is_secure: bool = False) -> Attack:
    """Return clients that guess passwords, each on a connection that it keeps as long as it may."""

    def attack(port: int) -> None:
        numbers = itertools.count()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def guess(worker: int) -> None:
            with connected(port) as raw, context.wrap_socket(raw) if is_secure else raw as sock:
                while True:
                    login = base64.b64encode(f"{user}:{worker}-{next(numbers)}".encode())
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + login + b"\r\n\r\n")
                    if not sock.recv(4096):
                        return

        in_threads(count, guess)

    return attack


def viewers(count: int) -> Attack:
    """Return browsers that load the page and its document again and again, and read them."""

    def attack(port: int) -> None:
        def view(number: int) -> None:
            path = b"/" if number % 4 else b"/api/v1/snapshot"
            with connected(port) as sock:
                sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                while sock.recv(1 << 20):
                    pass

        in_threads(count, view)

    return attack


def holding(count: int, said: bytes, pause_seconds: float = 0.5) -> Attack:
    """Return connections that say so much and no more, started again now and then."""

    def attack(port: int) -> None:
        while True:
            with contextlib.ExitStack() as stack:
                for _ in range(count):
                    with contextlib.suppress(OSError):
                        sock = stack.enter_context(connected(port))
                        sock.sendall(said)
                threading.Event().wait(pause_seconds)

    return attack


def slow_readers(count: int) -> Attack:
    """Return clients that ask for many pages at once and read a byte now and then."""

    def attack(port: int) -> None:
        selector = selectors.DefaultSelector()
        while True:
            with contextlib.ExitStack() as stack:
                for _ in range(count):
                    with contextlib.suppress(OSError):
                        sock = stack.enter_context(socket.socket())
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                        sock.connect((HOST, port))
                        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
                        selector.register(sock, selectors.EVENT_READ)
                for _ in range(20):
                    for key, _ in selector.select(0.05):
                        with contextlib.suppress(OSError):
                            key.fileobj.recv(1)  # type: ignore[union-attr]  # sockets alone are registered
                    threading.Event().wait(0.05)
                for key in list(selector.get_map().values()):
                    selector.unregister(key.fileobj)

    return attack


def handshakes(count: int) -> Attack:
    """Return clients that agree on TLS 1.2 again and again, with whatever session they were given."""

    def attack(port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        sessions: dict[int, ssl.SSLSession | None] = {}

        def agree(number: int) -> None:
            with connected(port) as raw, context.wrap_socket(raw, session=sessions.get(number)) as sock:
                sessions[number] = sock.session

        in_threads(count, agree)

    return attack


def slow_heads(count: int) -> Attack:
    """Return clients that send a request byte by byte and never come to its end."""

    def attack(port: int) -> None:
        while True:
            with contextlib.ExitStack() as stack:
                socks = []
                for _ in range(count):
                    with contextlib.suppress(OSError):
                        socks.append(stack.enter_context(connected(port)))
                for byte in HALF_HEAD:
                    for sock in socks:
                        with contextlib.suppress(OSError):
                            sock.sendall(bytes([byte]))
                    threading.Event().wait(0.02)

    return attack
