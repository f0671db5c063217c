"""Malformed requests (RFC 9112): none is answered with 200, and none smuggles another request."""

import re
import socket
from collections.abc import Callable
from http import HTTPStatus

import pytest

from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.response import Response
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Connect = Callable[[WebServer], socket.socket]

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: n\r\n\r\n"
ROUTES = {
    "/metrics": Route(lambda _: Response(HTTPStatus.OK, b"metrics"), Share.SCRAPE),
    "/smuggled": Route(lambda _: Response(HTTPStatus.OK, b"/smuggled"), Share.SCRAPE),
}


def lines(*fields: bytes, first: bytes = b"GET /metrics HTTP/1.1") -> bytes:
    """Return a head of a first line, a Host and other lines."""
    return b"\r\n".join((first, b"Host: n", *fields, b"", b""))


MALFORMED = {
    "no target": lines(first=b"GET HTTP/1.1"),
    "two spaces": lines(first=b"GET  /metrics HTTP/1.1"),
    "a space in the target": lines(first=b"GET /met rics HTTP/1.1"),
    "a tab for a space": lines(first=b"GET\t/metrics HTTP/1.1"),
    "a space at the end": lines(first=b"GET /metrics HTTP/1.1 "),
    "a vertical tab in the line": lines(first=b"GET /metrics\x0bHTTP/1.1"),
    "no version": lines(first=b"GET /metrics"),
    "a version of two digits": lines(first=b"GET /metrics HTTP/1.10"),
    "a version without minor": lines(first=b"GET /metrics HTTP/1"),
    "a version in lower case": lines(first=b"GET /metrics http/1.1"),
    "version 2": lines(first=b"GET /metrics HTTP/2.0"),
    "version 0.9": lines(first=b"GET /metrics HTTP/0.9"),
    "a signed version": lines(first=b"GET /metrics HTTP/+1.1"),
    "another protocol": lines(first=b"GET /metrics ICAP/1.1"),
    "a control character in the method": lines(first=b"G\x00ET /metrics HTTP/1.1"),
    "a method in braces": lines(first=b"{GET} /metrics HTTP/1.1"),
    "letters beyond ASCII in the target": lines(first="GET /métrics HTTP/1.1".encode()),
    "a fragment": lines(first=b"GET /metrics#x HTTP/1.1\x7f"),
    "two empty lines before": b"\r\n\r\n" + lines(),
    "a line of spaces before": b"  \r\n" + lines(),
    "no Host": b"GET /metrics HTTP/1.1\r\n\r\n",
    "two Hosts": lines(b"Host: m"),
    "two equal Hosts": lines(b"host: n"),
    "a Host with a path": b"GET /metrics HTTP/1.1\r\nHost: n/x\r\n\r\n",
    "a Host with a user": b"GET /metrics HTTP/1.1\r\nHost: a@n\r\n\r\n",
    "a Host of two": b"GET /metrics HTTP/1.1\r\nHost: n, m\r\n\r\n",
    "a folded field": lines(b"X: a", b" b"),
    "a field that begins folded": b"GET /metrics HTTP/1.1\r\n Host: n\r\n\r\n",
    "a space before the colon": lines(b"X : a"),
    "a tab before the colon": lines(b"X\t: a"),
    "a field without a colon": lines(b"X"),
    "a field without a name": lines(b": a"),
    "a name with a bracket": lines(b"X[0]: a"),
    "a name beyond ASCII": lines("É: a".encode()),
    "a zero byte in a value": lines(b"X: a\x00b"),
    "a bare CR in a value": lines(b"X: a\rContent-Length: 5"),
    "a bare LF in a value": lines(b"X: a\nContent-Length: 5"),
    "LF alone at line ends": lines().replace(b"\r\n", b"\n"),
    "LF alone at the last line": lines()[:-4] + b"\n\r\n",
    "an escape sequence": lines(b"X: \x1b[2J"),
    "a length with a sign": lines(b"Content-Length: +5") + b"abcde",
    "a negative length": lines(b"Content-Length: -1"),
    "a length in hexadecimal": lines(b"Content-Length: 0x5") + b"abcde",
    "a length with an underscore": lines(b"Content-Length: 1_0") + b"0123456789",
    "a length of two values": lines(b"Content-Length: 5, 6") + b"abcde",
    "two lengths": lines(b"Content-Length: 5", b"Content-Length: 6") + b"abcde",
    "two equal lengths": lines(b"Content-Length: 0", b"Content-Length: 0"),
    "an empty length": lines(b"Content-Length: "),
    "a length that is beyond all": lines(b"Content-Length: 99999999999999999999999999"),
    "a length and chunks": lines(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks": lines(b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks that are none": lines(b"Transfer-Encoding: xchunked"),
    "chunks with a vertical tab": lines(b"Transfer-Encoding: \x0bchunked"),
    "chunks, and identity": lines(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "chunks in 1.0": b"GET /metrics HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of odd size": lines(b"Transfer-Encoding: chunked") + b"0x1\r\na\r\n0\r\n\r\n",
    "a method with a body": lines(b"Content-Length: 5", first=b"POST /metrics HTTP/1.1") + b"abcde",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": lines(first=b"CONNECT n:443 HTTP/1.1"),
    "TRACE": lines(first=b"TRACE /metrics HTTP/1.1"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_never_answered_as_a_request(serve: Serve, connect: Connect, name: str) -> None:
    """And what follows it is not answered at all, or every byte of it would have to be understood as others do."""
    sock = connect(serve(ROUTES))
    sock.sendall(MALFORMED[name] + SMUGGLED)
    sock.shutdown(socket.SHUT_WR)
    came = b""
    try:
        while piece := sock.recv(4096):
            came += piece
    except ConnectionResetError:
        pass  # after the answer: more of the request was on its way
    statuses = [int(each) for each in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", came)]

    assert all(400 <= status < 600 for status in statuses[:1]), came
    assert not any(status == HTTPStatus.OK for status in statuses if name not in {"CONNECT", "TRACE"}), came
    assert name in {"CONNECT", "TRACE"} or b"/smuggled" not in came.split(b"\r\n\r\n", 1)[-1]
