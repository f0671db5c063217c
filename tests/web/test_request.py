"""Parsing request heads: accepted and rejected."""

import math
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.web.request import MAX_HEAD_BYTES, MAX_LINE_BYTES, RequestError, check_size, parse_head


def test_a_scrape_is_understood() -> None:
    request = parse_head(b"GET /metrics?x=1 HTTP/1.1\r\nHost: node:10190\r\nAccept-Encoding:\t gzip \r\nACCEPT: */*")

    assert (request.method, request.path) == ("GET", "/metrics")
    assert {"host": "node:10190", "accept-encoding": "gzip", "accept": "*/*"} == request.headers


def test_repeated_fields_are_joined_in_their_order() -> None:
    """RFC 9110, 5.3."""
    request = parse_head(b"GET / HTTP/1.1\r\nHost: n\r\nAccept: a\r\nX: 1\r\naccept: b")

    assert request.headers["accept"] == "a, b"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://node:10190/metrics?x", "/metrics"),
        (b"HTTPS://node/metrics", "/metrics"),
        (b"http://node", "/"),
        (b"/?a=/b", "/"),
        (b"//node/metrics", "//node/metrics"),
        (b"*", "*"),
    ],
)
def test_the_path_comes_without_query_and_authority(target: bytes, path: str) -> None:
    """A server must understand the absolute form (RFC 9112, 3.2.2)."""
    request = parse_head(b"GET " + target + b" HTTP/1.1\r\nHost: n")

    assert path == request.path


@pytest.mark.parametrize(
    ("version", "connection", "expected"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"\r\nConnection: Close", False),
        (b"1.1", b"\r\nConnection: te, close", False),
        (b"1.1", b"\r\nConnection: keep-alive\r\nConnection: close", False),
        (b"1.0", b"", False),
        (b"1.0", b"\r\nConnection: Keep-Alive", True),
        (b"1.2", b"", True),
    ],
)
def test_a_connection_is_kept_as_the_client_and_its_version_say(
    version: bytes, connection: bytes, expected: bool
) -> None:
    """RFC 9112, 9.3."""
    request = parse_head(b"GET / HTTP/" + version + b"\r\nHost: n" + connection)

    assert expected == request.keep_alive


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Content-Length: 0", False),
        (b"Content-Length: 5", True),
        (b"Content-Length: +0", True),
        (b"Content-Length: 0\r\nContent-Length: 5", True),
        (b"Content-Length:", True),
        (b"Transfer-Encoding: chunked", True),
        (b"Transfer-Encoding:", True),
    ],
)
def test_a_body_is_suspected_wherever_one_could_follow(field: bytes, expected: bool) -> None:
    """To take body bytes for a request is request smuggling, so doubt counts as a body."""
    request = parse_head(b"GET / HTTP/1.1\r\nHost: n\r\n" + field)

    assert expected == request.has_body


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /", id="HTTP/0.9"),
        pytest.param(b"GET  / HTTP/1.1\r\nHost: n", id="two spaces"),
        pytest.param(b"GET / HTTP/1.1 \r\nHost: n", id="trailing space"),
        pytest.param(b"GET / http/1.1\r\nHost: n", id="lower-case version"),
        pytest.param(b"GET /\x1b[31m HTTP/1.1\r\nHost: n", id="control character in the path"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: n", id="byte that is not ASCII in the path"),
        pytest.param(b"G\x00T / HTTP/1.1\r\nHost: n", id="NUL in the method"),
        pytest.param(b"GET / HTTP/1.1\nHost: n", id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: n\nX: y", id="bare LF between fields"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: n\rX: y", id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: n\r\nX: a\r\n b", id="folded field"),
        pytest.param(b"GET / HTTP/1.1\r\n Host: n", id="space before the first field"),
        pytest.param(b"GET / HTTP/1.1\r\nHost : n", id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost", id="no colon"),
        pytest.param(b"GET / HTTP/1.1\r\n: n", id="no name"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: n\r\nX: \x00", id="NUL in a value"),
        pytest.param(b"GET / HTTP/1.1", id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b", id="two Hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a/b", id="a Host that is a path"),
    ],
)
def test_a_malformed_head_is_refused(head: bytes) -> None:
    """RFC 9112, 2.2 to 5.2: where two readers could disagree about the bytes, nothing is read into them."""
    with pytest.raises(RequestError) as caught:
        parse_head(head)

    assert HTTPStatus.BAD_REQUEST == caught.value.status


def test_another_major_version_is_refused_as_such() -> None:
    with pytest.raises(RequestError) as caught:
        parse_head(b"PRI * HTTP/2.0")

    assert HTTPStatus.HTTP_VERSION_NOT_SUPPORTED == caught.value.status


def test_one_empty_line_before_a_request_is_skipped() -> None:
    """RFC 9112, 2.2: some clients end a request with one too many."""
    request = parse_head(b"\r\nGET /metrics HTTP/1.0")

    assert request.path == "/metrics"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"x" * (MAX_LINE_BYTES + 1), HTTPStatus.REQUEST_URI_TOO_LONG),
        (b"x" * (MAX_LINE_BYTES + 1) + b"\r\n", HTTPStatus.REQUEST_URI_TOO_LONG),
        (b"x\r\n" + b"y" * MAX_HEAD_BYTES, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_a_head_beyond_the_limits_is_refused(data: bytes, status: HTTPStatus) -> None:
    with pytest.raises(RequestError) as caught:
        check_size(data)

    assert status == caught.value.status


@pytest.mark.parametrize(
    "data", [b"x" * MAX_LINE_BYTES, b"x" * MAX_LINE_BYTES + b"\r\n", b"x\r\n" + b"y" * (MAX_HEAD_BYTES - 3)]
)
def test_a_head_within_the_limits_is_no_error(data: bytes) -> None:
    check_size(data)


@given(st.binary() | st.binary().map(lambda tail: b"GET / HTTP/1.1\r\nHost: n\r\n" + tail))
def test_any_bytes_are_a_request_or_a_request_error(head: bytes) -> None:
    """Nothing else escapes, and what is accepted has no control characters where it could be logged."""
    try:
        request = parse_head(head)
    except RequestError:
        return

    assert (request.method + request.path).isprintable()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10", 10.0),
        ("9.5", 9.5),
        ("0.000000001", 1e-9),
        ("0", math.inf),
        ("-1", math.inf),
        ("nan", math.inf),
        ("1e9", math.inf),
        ("soon", math.inf),
        ("10, 20", math.inf),
    ],
)
def test_the_scrape_timeout_is_read_where_it_is_a_number(value: str, seconds: float) -> None:
    """Prometheus sends it with every scrape; nonsense says nothing."""
    request = parse_head(f"GET / HTTP/1.1\r\nHost: n\r\nX-Prometheus-Scrape-Timeout-Seconds: {value}".encode())

    assert seconds == request.timeout_seconds
