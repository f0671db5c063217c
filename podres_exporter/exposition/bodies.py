"""
Response bodies: large ones are rendered one at a time and have ETags; gzip is made in two pieces.

The large piece is compressed once per snapshot, the small one changes every second. They form one gzip member, not two:
some clients stop at the end of the first member.
"""

import struct
import threading
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

LEVEL = 6
"""Compresses as well as level 9 in 0.6 of its time; a page is compressed only when the allocation changed."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True, slots=True)
class Deflated:
    """The compressed beginning of a gzip member, ending on a byte boundary, with checksum and length so far."""

    blocks: bytes
    crc: int
    size: int


def deflate(pieces: Iterable[bytes]) -> Deflated:
    """
    Compress pieces, consumed one at a time, so that more data can follow.

    Source: RFC 1951; a full flush ends on a byte, without history.
    """
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    blocks, crc, size = [_HEADER], 0, 0
    for piece in pieces:
        blocks.append(compressor.compress(piece))
        crc, size = zlib.crc32(piece, crc), size + len(piece)
    blocks.append(compressor.flush(zlib.Z_FULL_FLUSH))
    return Deflated(b"".join(blocks), crc, size)


def gzip_end(start: Deflated, rest: bytes) -> bytes:
    """
    Return the end of the gzip member (RFC 1952) after `start.blocks`, so that it expands to *start*'s data and *rest*.
    """
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    end = compressor.compress(rest) + compressor.flush(zlib.Z_FINISH)
    crc = zlib.crc32(rest, start.crc)
    return end + struct.pack("<II", crc, (start.size + len(rest)) & 0xFFFFFFFF)


def gzip_member(data: bytes) -> bytes:
    """Return *data* as one gzip member, for data that is compressed at once."""
    start = deflate([data])
    return start.blocks + gzip_end(start, b"")


def etag(data: bytes, encoding: str = "") -> str:
    """
    Return the strong ETag of *data*, quotes included; the encodings of one text have different tags.

    Uses Python's hash of bytes (64 bits, keyed per process) because hashlib costs 0.7 MiB. After a restart the tags
    differ, and each browser downloads the document once more.

    Source: RFC 9110, 8.8.3.3; PEP 456.
    """
    return f'"{hash(data) & 0xFFFF_FFFF_FFFF_FFFF:016x}{encoding and "-" + encoding}"'


RENDERING = threading.Lock()
"""
Held while the page or the JSON document is rendered: at 50,000 devices each takes tens of MiB. Scrapes never hold it.
"""
