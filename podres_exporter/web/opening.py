"""What a client says first: whether enough of it has come to be worth a thread. Bytes to a truth, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

from podres_exporter.web.limits import Stage
from podres_exporter.web.request import MAX_HEAD_BYTES, RequestError, check_size

_HANDSHAKE = 0x16
_RECORD_HEAD_BYTES = 5
_MAX_RECORD_BYTES = 16 * 1024

LOOK_BYTES = max(MAX_HEAD_BYTES + len(b"\r\n\r\n"), _RECORD_HEAD_BYTES + _MAX_RECORD_BYTES)
"""How much of what has come must be looked at to decide."""


def is_request(data: bytes) -> bool:
    """Return whether *data*, the beginning of plain HTTP, can be answered: a whole head, or one that is too large."""
    if b"\r\n\r\n" in data:
        return True
    try:
        check_size(data)
    except RequestError:
        return True
    return False


def is_hello(data: bytes) -> bool:
    """
    Return whether *data*, the beginning of TLS, can be answered: a whole first record, or what will never be one.

    What is no TLS, HTTP among it, is to be told so at once, and so is a record longer than any may be.

    Source: RFC 8446, 5.1 (type, version and length before a record of at most 2^14 bytes) and 4.1.2 (ClientHello).
    """
    if len(data) < _RECORD_HEAD_BYTES:
        return False
    length = int.from_bytes(data[3:_RECORD_HEAD_BYTES], "big")
    return data[0] != _HANDSHAKE or length > _MAX_RECORD_BYTES or len(data) >= _RECORD_HEAD_BYTES + length


@dataclass(frozen=True, slots=True)
class Opening:
    """
    How clients begin.

    *is_worth_a_thread* is asked with the first LOOK_BYTES, or less, that have come. *silent* is what a client does that
    has said nothing: over TLS it is late for its handshake from the start. *first* is what it does with its thread.
    """

    is_worth_a_thread: Callable[[bytes], bool]
    silent: Stage
    first: Stage


PLAIN = Opening(is_request, silent=Stage.WAITING, first=Stage.ANSWERING)
TLS = Opening(is_hello, silent=Stage.READING, first=Stage.READING)
