"""An HTTP response: status, headers, body, and the check of If-None-Match."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from podres_exporter.clock import Clock

PLAIN_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """
    An answer with its complete body. *headers* are `name: value` lines beyond those that every answer has.

    *tail* follows the body. It is the small part that changes often, so that the large part can be shared by all
    readers, however slow.

    *ends_connection*: a refused client must reconnect, so that clients that only collect refusals do not occupy places.
    """

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN_TEXT
    headers: tuple[str, ...] = ()
    ends_connection: bool = False
    tail: bytes = b""


class DateHeader:
    """The value of the Date field, which changes once a second; thread-safe."""

    def __init__(self, clock: Clock) -> None:
        """Start without a cached text."""
        self._clock = clock
        self._known = (-1, "")

    def text(self) -> str:
        """Return the time in the format of RFC 9110, 5.6.7; names are English because this process sets no locale."""
        second = int(self._clock.wall_seconds())
        known = self._known
        if known[0] != second:
            known = self._known = second, time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
        return known[1]


def sentence(status: HTTPStatus, text: str, *headers: str) -> Response:
    """Return a plain-text answer of one sentence."""
    return Response(status, f"{text}\n".encode(), headers=headers)


def is_not_modified(headers: Mapping[str, str], etag: str) -> bool:
    """
    Return whether If-None-Match contains *etag* (with quotes), so that 304 is the answer.

    Tags are compared weakly: a proxy that compressed our answer may have marked its tag as weak.

    Source: RFC 9110, 13.1.2 and 8.8.3.2.
    """
    named = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return named == ["*"] or etag in named


def render_head(response: Response, *, date: str, keep_alive: bool) -> bytes:
    """
    Return status line and headers, with the empty line that ends them; Content-Length is stated also for HEAD.

    304 has no body, and the length of the original is not known here (RFC 9110, 8.6).

    The Server field has no version, which would help attackers more than users.
    """
    length = (
        ""
        if response.status is HTTPStatus.NOT_MODIFIED
        else f"Content-Length: {len(response.body) + len(response.tail)}\r\n"
    )
    extra = "".join(f"{line}\r\n" for line in response.headers)
    return (
        f"HTTP/1.1 {response.status:d} {response.status.phrase}\r\n"
        f"Server: podres-exporter\r\n"
        f"Date: {date}\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"{length}"
        f"X-Content-Type-Options: nosniff\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n"
        f"{extra}\r\n"
    ).encode("latin-1")
