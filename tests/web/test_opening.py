"""When what a client has said is worth a thread."""

import contextlib
import ssl

import pytest

from podres_exporter.web.opening import LOOK_BYTES, is_hello, is_request
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
    ("data", "is_worth"),
    [
        pytest.param(b"", False, id="nothing"),
        pytest.param(GET[:-1], False, id="all but the last byte"),
        pytest.param(GET, True, id="a whole head"),
        pytest.param(GET + b"GET", True, id="more than a head"),
        pytest.param(b"\x16\x03\x01\r\n\r\n", True, id="what is no HTTP but ends like it"),
        pytest.param(b"x" * MAX_LINE_BYTES, False, id="the longest line"),
        pytest.param(b"x" * (MAX_LINE_BYTES + 1), True, id="a longer line"),
        pytest.param(FILLER.ljust(MAX_HEAD_BYTES, b"y"), False, id="the longest head"),
        pytest.param(FILLER.ljust(MAX_HEAD_BYTES + 1, b"y"), True, id="a longer head"),
    ],
)
def test_a_request_is_answered_once_it_is_whole_or_too_large(data: bytes, is_worth: bool) -> None:
    assert is_worth == is_request(data)


def test_the_largest_head_that_is_allowed_is_seen_whole() -> None:
    """A look that is too short would leave it waiting until its deadline."""
    head = FILLER.ljust(MAX_HEAD_BYTES, b"y") + b"\r\n\r\n"

    assert is_request(head[:LOOK_BYTES])


def test_a_real_hello_is_answered_with_its_last_byte_and_no_sooner(hello: bytes) -> None:
    """A handshake that comes byte by byte costs no thread before that."""
    assert [len(hello)] == [count for count in range(len(hello) + 1) if is_hello(hello[:count])]


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
    assert is_worth == is_hello(data)


def test_the_longest_record_is_seen_whole() -> None:
    record = b"\x16\x03\x01\x40\x00" + bytes(2**14)

    assert is_hello(record[:LOOK_BYTES])
