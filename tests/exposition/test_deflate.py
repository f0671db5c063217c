"""Gzip in two pieces forms one member that every decoder reads."""

import gzip
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.exposition.bodies import Deflated, deflate, gzip_end, gzip_member

REPEATED = b'podres_container_device_info{node="n1",namespace="ml"} 1\n' * 5000

PIECES = pytest.mark.parametrize(
    ("start", "rest"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"", b"rest", id="no allocation"),
        pytest.param(b"start", b"", id="nothing after it"),
        pytest.param(b"start", b"rest", id="short"),
        pytest.param(REPEATED, REPEATED[:999], id="rest repeats the start"),
        pytest.param(bytes(range(256)) * 3000, b"\x00\xff" * 300, id="any bytes, beyond a window of deflate"),
    ],
)


def whole(start: Deflated, rest: bytes) -> bytes:
    return start.blocks + gzip_end(start, rest)


@PIECES
def test_a_member_expands_to_both_pieces(start: bytes, rest: bytes) -> None:
    """RFC 1952; what Prometheus and Python clients do."""
    assert start + rest == gzip.decompress(whole(deflate([start]), rest))


@PIECES
def test_nothing_follows_the_member(start: bytes, rest: bytes) -> None:
    """Some clients stop at the end of the first member, so there must be one only."""
    expander = zlib.decompressobj(zlib.MAX_WBITS | 16)

    actual = expander.decompress(whole(deflate([start]), rest))

    assert start + rest == actual
    assert expander.eof
    assert b"" == expander.unused_data + expander.unconsumed_tail


@PIECES
def test_the_gzip_program_reads_it_without_complaint(start: bytes, rest: bytes) -> None:
    """An implementation of its own; it warns of trailing garbage and of a wrong length or checksum."""
    program = shutil.which("gzip")
    assert program is not None

    done = subprocess.run([program, "-dc"], input=whole(deflate([start]), rest), capture_output=True, check=False)

    assert (0, b"", start + rest) == (done.returncode, done.stderr, done.stdout)


def test_one_start_goes_before_any_rest() -> None:
    """The large piece is compressed once per allocation and continued for each scrape."""
    start = deflate([REPEATED])

    members = [whole(start, rest) for rest in (b"one", b"two", b"")]

    assert [REPEATED + b"one", REPEATED + b"two", REPEATED] == [gzip.decompress(member) for member in members]


def test_equal_pieces_give_equal_bytes() -> None:
    """The header has no time and no name in it, so a cache or a test may compare."""
    assert whole(deflate([REPEATED]), b"rest") == whole(deflate([REPEATED]), b"rest")


def test_a_page_is_compressed_well() -> None:
    """The cut between the pieces costs bytes, not the ratio: at most a hundred more than in one piece."""
    at_once = gzip.compress(REPEATED + REPEATED[:999], compresslevel=6)

    assert len(whole(deflate([REPEATED]), REPEATED[:999])) <= len(at_once) + 100


@given(st.binary(), st.binary())
def test_any_two_pieces_make_one_member(start: bytes, rest: bytes) -> None:
    """Checksum and length are those of the whole (RFC 1952, 2.3.1)."""
    expander = zlib.decompressobj(zlib.MAX_WBITS | 16)

    actual = expander.decompress(whole(deflate([start]), rest))

    assert (start + rest, True, b"") == (actual, expander.eof, expander.unused_data)


def test_pieces_are_compressed_like_one() -> None:
    """A page is handed over family by family, so that it never stands in memory as a whole."""
    pieces = [REPEATED[:10], b"", REPEATED[10:]]

    assert whole(deflate([REPEATED]), b"rest") == whole(deflate(iter(pieces)), b"rest")


@PIECES
def test_what_is_compressed_whole_is_one_member(start: bytes, rest: bytes) -> None:
    """Documents and files have no part that changes by itself."""
    assert start + rest == gzip.decompress(gzip_member(start + rest))
