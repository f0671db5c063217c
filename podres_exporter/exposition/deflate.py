"""
Gzip in two pieces: a large one that is compressed once per snapshot, and a small one that changes with every second.

The pieces form one gzip member, not two: some clients stop at the end of the first member.
"""

import struct
import zlib
from dataclasses import dataclass

LEVEL = 6
"""The ratio of level 9 at 0.6 of its time; a page is compressed only when the allocation changed."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True, slots=True)
class Deflated:
    """
    A compressed beginning that can be continued: deflate blocks ending on a byte, with checksum and length so far.
    """

    blocks: bytes
    crc: int
    size: int


def deflate(data: bytes) -> Deflated:
    """Return *data* compressed so that anything may follow (RFC 1951: a full flush ends on a byte, without history)."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Deflated(compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH), zlib.crc32(data), len(data))


def gzip_member(start: Deflated, rest: bytes) -> bytes:
    """Return one gzip member (RFC 1952) that expands to the data of *start* followed by *rest*."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    end = compressor.compress(rest) + compressor.flush(zlib.Z_FINISH)
    crc = zlib.crc32(rest, start.crc)
    return b"".join([_HEADER, start.blocks, end, struct.pack("<II", crc, (start.size + len(rest)) & 0xFFFFFFFF)])
