"""Split a stream of bytes into lines of bounded length."""

from collections.abc import Generator, Iterable

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.interfaces import WATCH_VERB


def complete_lines(pieces: Iterable[bytes], longest_bytes: int) -> Generator[bytes]:
    """
    Yield every complete line without its end; empty lines are skipped.

    Raises ApiServerError: too_large for a longer line, of which only the permitted length is kept in memory;
    unavailable if the stream ends within a line, because everything before it was delivered.
    """
    begun: list[bytes] = []
    begun_bytes = 0
    for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = b"".join((*begun, end))
            begun.clear()
            begun_bytes = 0
            _refuse_longer(len(line), longest_bytes)
            if line:
                yield line
        begun_bytes += len(rest)
        _refuse_longer(begun_bytes, longest_bytes)
        if rest:
            begun.append(rest)
    if begun:
        raise ApiServerError(WATCH_VERB, Reason.UNAVAILABLE, "the stream ended within a line")


def _refuse_longer(length: int, longest: int) -> None:
    if length > longest:
        raise ApiServerError(WATCH_VERB, Reason.TOO_LARGE, f"a line of more than {longest} bytes")
