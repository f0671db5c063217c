"""Everything sent arrives complete and in order, however slowly the client reads; plain and TLS."""

import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from tls_rig import Authority

from podres_exporter.web.channel import PlainChannel
from podres_exporter.web.tls_channel import TlsChannel

AUTHORITY = Authority()
LARGE = bytes(range(256)) * 4096
PARTS = [b"", b"x", b"0123456789" * 30_000, LARGE]


def _pair() -> tuple[socket.socket, socket.socket]:
    """Return a server's and a client's end that hold a few KiB between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        far.connect(listener.getsockname())
        near = listener.accept()[0]
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return near, far


def _received(sock: socket.socket) -> bytes:
    """Read until the end, in pieces of a size that no buffer has."""
    came = bytearray()
    while piece := sock.recv(3001):
        came += piece
    return bytes(came)


@pytest.mark.parametrize(("body", "tail"), list(product(PARTS, PARTS)), ids=lambda part: str(len(part)))
def test_head_body_and_tail_arrive_in_order(body: bytes, tail: bytes) -> None:
    """The kernel takes the whole, or stops anywhere in any of the three."""
    near, far = _pair()
    with near, far, ThreadPoolExecutor(1) as pool:
        came = pool.submit(_received, far)
        channel = PlainChannel(near)
        channel.send(b"head\r\n\r\n", body, tail)
        channel.finish()

        assert b"head\r\n\r\n" + body + tail == came.result(60)


@pytest.mark.parametrize(("body", "tail"), list(product(PARTS, PARTS)), ids=lambda part: str(len(part)))
def test_the_same_over_tls(body: bytes, tail: bytes) -> None:
    """Records are encrypted a piece at a time."""
    near, far = _pair()
    server, client = AUTHORITY.server_context(), AUTHORITY.client_context()

    def read() -> bytes:
        with client.wrap_socket(far, server_hostname="127.0.0.1") as secure:
            return _received(secure)

    with near, far, ThreadPoolExecutor(1) as pool:
        came = pool.submit(read)
        channel = TlsChannel(near, server)
        channel.handshake()
        channel.send(b"head\r\n\r\n", body, tail)
        channel.finish()

        assert b"head\r\n\r\n" + body + tail == came.result(60)
