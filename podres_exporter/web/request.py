"""Parse the head of a request strictly, so that no two parsers of the same bytes can disagree (request smuggling)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from podres_exporter.errors import PodresError

# RFC 9112, 3 recommends at least 8,000 octets for the first line; scrapers and browsers need less than 2 KiB in all.
MAX_LINE_BYTES = 8 * 1024
MAX_HEAD_BYTES = 16 * 1024

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]++) HTTP/([0-9])\.([0-9])")
# One field per line: no folding, no space before the colon, no control character but the tab (RFC 9112, 5.1 and 5.2).
_FIELDS = re.compile(rb"(?:\r\n" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+)*+")
_TEXT = bytes((*b"\t\r\n", *range(0x20, 0x7F), *range(0x80, 0x100)))
"""The characters that a head may contain."""
_NOT_HTTP = "The request head is not well-formed HTTP/1.1."
_IS_TLS = "This is an HTTP server and the request is TLS: use http:// here."
_ABSOLUTE_FORM = re.compile(r"https?://[^/?]*", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
_HOST = re.compile(r"[^\s,/@]*")


class RequestError(PodresError):
    """A request that is invalid or refused; the connection is unusable after it."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        """Keep the status and the sentence for the client, which repeats nothing that the client sent."""
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Request:
    """
    A parsed request.

    *path* has no query; *headers* has lower-case names, and repeated fields joined by `, `. *has_body*: bytes follow
    that are not a request. *timeout_seconds*: when the client will give up, infinite if not stated. *client* identifies
    the client for fair sharing.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    keep_alive: bool
    has_body: bool
    timeout_seconds: float = math.inf
    client: str = ""


def check_size(data: bytes) -> None:
    """Check that *data*, the head received so far, is not too long; raises RequestError (414 or 431)."""
    if len(data) > MAX_LINE_BYTES and data.find(b"\r\n", 0, MAX_LINE_BYTES + 2) < 0:
        raise RequestError(HTTPStatus.REQUEST_URI_TOO_LONG, f"The request line is longer than {MAX_LINE_BYTES} bytes.")
    if len(data) > MAX_HEAD_BYTES:
        raise RequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The request head is longer than {MAX_HEAD_BYTES} bytes."
        )


def check_unfinished(data: bytes) -> None:
    """
    Check that *data*, which has no empty line yet, can still become a request head; raises RequestError if not.

    This way TLS on a plain port, lines ending in LF alone, and control characters are answered at once.
    """
    check_size(data)
    if data.translate(None, _TEXT) or data.count(b"\n") != data.count(b"\r\n"):
        raise RequestError(HTTPStatus.BAD_REQUEST, _IS_TLS if data.startswith(b"\x16\x03") else _NOT_HTTP)


def parse_head(head: bytes, client: str = "") -> Request:
    """
    Parse *head*, without the empty line that ends it; *client* is the sender.

    Raises RequestError: 400 for what RFC 9112 forbids or lets a server refuse, 505 for another major version.

    Source: RFC 9112, sections 2.2, 3 and 5; one empty line before the request is skipped as 2.2 asks.
    """
    head = head.removeprefix(b"\r\n")
    line = _REQUEST_LINE.match(head)
    if not line or not _FIELDS.fullmatch(head, line.end()):
        raise RequestError(HTTPStatus.BAD_REQUEST, _NOT_HTTP)
    method, target, major, minor = (part.decode("ascii") for part in line.groups())
    if major != "1":
        raise RequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Only HTTP/1.0 and HTTP/1.1 are supported.")
    headers = _headers(head[line.end() :])
    if not _HOST.fullmatch(headers.get("host", "/" if minor != "0" else "")):
        raise RequestError(HTTPStatus.BAD_REQUEST, "The request needs exactly one valid Host field.")
    return Request(
        method,
        _path(target),
        headers,
        _keep_alive(headers, minor),
        _has_body(headers),
        _timeout_seconds(headers),
        client,
    )


def _headers(block: bytes) -> dict[str, str]:
    """Return the fields of a header block that has been checked."""
    headers: dict[str, str] = {}
    for line in block.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip("\t ")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _path(target: str) -> str:
    """Return the path of a request target: servers must understand the absolute form too (RFC 9112, 3.2.2)."""
    if not target.startswith("/"):
        target = _ABSOLUTE_FORM.sub("", target, count=1)
    return target.partition("?")[0] or "/"


def _keep_alive(headers: Mapping[str, str], minor: str) -> bool:
    """Return whether the connection stays open: the default since 1.1, on request in 1.0 (RFC 9112, 9.3)."""
    options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
    return "close" not in options and (minor != "0" or "keep-alive" in options)


def _has_body(headers: Mapping[str, str]) -> bool:
    """Return whether a body follows. A length that is not plainly 0 counts as one, however it is written."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _timeout_seconds(headers: Mapping[str, str]) -> float:
    """
    Return Prometheus' scrape timeout; infinite if it is not a positive number.

    The page is already rendered when a scrape arrives, so there is no work to shorten. Only a password check or a
    client that does not read can take long, and their connection is not kept beyond the timeout.
    """
    text = headers.get("x-prometheus-scrape-timeout-seconds", "")
    return (_SECONDS.fullmatch(text) and float(text)) or math.inf
