"""Splitting a stream of bytes into lines."""

from collections.abc import Iterator

import pytest

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import complete_lines


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], []),
        ([b"a\n"], [b"a"]),
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a", b"b", b"c\n"], [b"abc"]),
        ([b"a\nb", b"c\nd", b"\n"], [b"a", b"bc", b"d"]),
        ([b"\n\na\n\n"], [b"a"]),
        ([b"12345678\n12345678\n"], [b"12345678", b"12345678"]),
    ],
)
def test_lines_are_put_together_from_pieces(pieces: list[bytes], expected: list[bytes]) -> None:
    assert expected == list(complete_lines(pieces, 8))


def failure(lines: Iterator[bytes]) -> ApiServerError:
    with pytest.raises(ApiServerError) as caught:
        list(lines)
    return caught.value


@pytest.mark.parametrize("pieces", [[b"123456789\n"], [b"a\n123456789\n"], [b"12345678", b"9"], [b"a", b"23456789\n"]])
def test_a_line_that_is_too_long_ends_it(pieces: list[bytes]) -> None:
    assert Reason.TOO_LARGE is failure(complete_lines(pieces, 8)).reason


def test_no_more_of_a_long_line_is_taken_than_is_allowed() -> None:
    taken: list[bytes] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(b"1234")
            yield b"1234"

    failure(complete_lines(endless(), 8))

    assert 3 == len(taken)


def test_an_end_within_a_line_is_a_broken_stream_after_what_was_whole() -> None:
    """The server or something between has gone; nothing that was told before is lost."""
    lines = complete_lines([b"a\nb"], 8)

    assert b"a" == next(lines)
    assert Reason.UNAVAILABLE is failure(lines).reason
