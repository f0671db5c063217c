"""An answer, and the bytes that go before its body."""

from dataclasses import dataclass
from http import HTTPStatus

PLAIN_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its whole body. *headers* are `name: value` lines beyond those that every answer has."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN_TEXT
    headers: tuple[str, ...] = ()


def sentence(status: HTTPStatus, text: str, *headers: str) -> Response:
    """Return an answer for people: one sentence of plain text."""
    return Response(status, f"{text}\n".encode(), headers=headers)


def render_head(response: Response, *, keep_alive: bool) -> bytes:
    """
    Return status line and headers, with the empty line that ends them; the body's length is stated also for HEAD.

    304 has no body, and the length of the one it stands for is not known here (RFC 9110, 8.6).

    The Server field has no version, as it would tell an attacker more than it tells a user.
    """
    length = "" if response.status is HTTPStatus.NOT_MODIFIED else f"Content-Length: {len(response.body)}\r\n"
    extra = "".join(f"{line}\r\n" for line in response.headers)
    return (
        f"HTTP/1.1 {response.status:d} {response.status.phrase}\r\n"
        f"Server: podres-exporter\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"{length}"
        f"X-Content-Type-Options: nosniff\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n"
        f"{extra}\r\n"
    ).encode("latin-1")
