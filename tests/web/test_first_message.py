"""The decision about a connection by its first bytes."""

import contextlib
import ssl

import pytest

from podres_exporter.web.pending import LOOK_BYTES, Verdict, judge_hello, judge_http
from podres_exporter.web.request import MAX_HEAD_BYTES, MAX_LINE_BYTES

GET = b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n"
FILLER = b"GET / HTTP/1.1\r\nX: "


@pytest.fixture(scope="module")
def hello() -> bytes:
    """The first flight of a real client, one record."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="node")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        pytest.param(b"", Verdict.WAIT, id="nothing"),
        pytest.param(GET[:-1], Verdict.WAIT, id="all but the last byte"),
        pytest.param(GET, Verdict.SERVE, id="a whole head"),
        pytest.param(GET + b"GET", Verdict.SERVE, id="more than a head"),
        pytest.param(b"\x16\x03\x01\r\n\r\n", Verdict.SERVE, id="what is no HTTP but ends like it"),
        pytest.param(b"x" * MAX_LINE_BYTES, Verdict.WAIT, id="the longest line"),
        pytest.param(b"x" * (MAX_LINE_BYTES + 1), Verdict.SERVE, id="a longer line"),
        pytest.param(FILLER.ljust(MAX_HEAD_BYTES, b"y"), Verdict.WAIT, id="the longest head"),
        pytest.param(FILLER.ljust(MAX_HEAD_BYTES + 1, b"y"), Verdict.SERVE, id="a longer head"),
        pytest.param(b"GET /-/healthy HTTP/1.1\r\nHost: n\r\n\r\n", Verdict.SERVE_PROBE, id="a probe"),
        pytest.param(b"HEAD /-/ready?x HTTP/1.0\r\n\r\n", Verdict.SERVE_PROBE, id="a probe with a query"),
        pytest.param(b"GET /-/healthyx HTTP/1.1\r\n\r\n", Verdict.SERVE, id="what only begins like a probe"),
        pytest.param(GET.replace(b"\r\n", b"\n"), Verdict.REJECT, id="lines that end in LF alone"),
        pytest.param(b"GET / HTTP/1.1\nHost", Verdict.REJECT, id="the first bare LF"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", Verdict.REJECT, id="a TLS handshake"),
        pytest.param(b"GET / HTTP/1.1\r\nX: \x00", Verdict.REJECT, id="a zero byte"),
        pytest.param(b"GET /\x7f", Verdict.REJECT, id="a control character"),
        pytest.param("GET /é HTTP/1.1\r\nX: é".encode(), Verdict.WAIT, id="text beyond ASCII"),
        pytest.param(b"\r\nGET / HTTP/1.1\r", Verdict.WAIT, id="an empty line before, half a line end after"),
    ],
)
def test_a_request_is_served_once_it_is_whole_and_what_is_none_is_told_so(data: bytes, verdict: Verdict) -> None:
    assert verdict == judge_http(data)


def test_the_largest_head_that_is_allowed_is_seen_whole() -> None:
    """A look that is too short would leave it waiting until its deadline."""
    head = FILLER.ljust(MAX_HEAD_BYTES, b"y") + b"\r\n\r\n"

    assert judge_http(head[:LOOK_BYTES]) is Verdict.SERVE


def test_a_real_hello_is_answered_with_its_last_byte_and_no_sooner(hello: bytes) -> None:
    """A handshake that comes byte by byte costs no thread before that."""
    assert [len(hello)] == [count for count in range(len(hello) + 1) if judge_hello(hello[:count]) is Verdict.SERVE]


@pytest.mark.parametrize(
    ("data", "is_worth"),
    [
        pytest.param(b"\x16\x03\x01\x40\x00", False, id="the head of the longest record"),
        pytest.param(b"\x16\x03\x01\x40\x01", True, id="a longer record"),
        pytest.param(b"GET ", False, id="too little to tell"),
        pytest.param(GET[:5], True, id="HTTP"),
        pytest.param(b"\x15\x03\x01\x00\x02", True, id="an alert"),
    ],
)
def test_what_will_never_be_a_hello_is_answered_at_once(data: bytes, is_worth: bool) -> None:
    assert is_worth == (judge_hello(data) is Verdict.SERVE)


def test_the_longest_record_is_seen_whole() -> None:
    record = b"\x16\x03\x01\x40\x00" + bytes(2**14)

    assert judge_hello(record[:LOOK_BYTES]) is Verdict.SERVE
