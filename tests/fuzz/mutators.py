"""Mutations of bytes; pure functions of the input and a random number generator."""

from collections.abc import Callable
from random import Random

from fuzz import atoms

LONGEST = 64 * 1024
"""No input is longer, so that the time and the memory that one takes can have one bound."""

Mutator = Callable[[bytes, Random], bytes]


def cut(data: bytes, rng: Random) -> tuple[bytes, bytes, bytes]:
    """Return the data in three parts, of which the middle one is mostly short."""
    start = rng.randint(0, len(data))
    longest = len(data) - start
    end = start + min(longest, rng.choice((0, 1, 1, 2, 4, 16, rng.randint(0, longest))))
    return data[:start], data[start:end], data[end:]


def flip(data: bytes, rng: Random) -> bytes:
    """Turn one bit over."""
    if not data:
        return b"\x80"
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def overwrite(data: bytes, rng: Random) -> bytes:
    """Put a number in the place of some bytes: where a length was, nothing behind it is where it should be."""
    head, _, tail = cut(data, rng)
    return head + rng.choice(atoms.VARINTS) + tail


def insert(data: bytes, rng: Random) -> bytes:
    """Put a hostile text between the bytes."""
    head, middle, tail = cut(data, rng)
    return head + middle + atoms.text(rng).encode("utf-8", "surrogatepass") + tail


def noise(data: bytes, rng: Random) -> bytes:
    """Put random bytes in the place of others."""
    head, middle, tail = cut(data, rng)
    return head + rng.randbytes(len(middle) or 1) + tail


def drop(data: bytes, rng: Random) -> bytes:
    """Leave some bytes out."""
    head, _, tail = cut(data, rng)
    return head + tail


def truncate(data: bytes, rng: Random) -> bytes:
    """Leave the end out."""
    return data[: rng.randint(0, len(data))]


def repeat(data: bytes, rng: Random) -> bytes:
    """Say something again and again."""
    head, middle, tail = cut(data, rng)
    return head + middle * rng.choice((2, 3, 10, 1000)) + tail


def swap(data: bytes, rng: Random) -> bytes:
    """Let two parts change places."""
    head, middle, tail = cut(data, rng)
    return head + tail + middle


MUTATORS: tuple[Mutator, ...] = (flip, overwrite, insert, noise, drop, truncate, repeat, swap)


def damaged(data: bytes, rng: Random) -> bytes:
    """Return the data, damaged once in some way."""
    return rng.choice(MUTATORS)(data, rng)[:LONGEST]


def spliced(one: bytes, other: bytes, rng: Random) -> bytes:
    """Return the beginning of one input with the end of another."""
    return (one[: rng.randint(0, len(one))] + other[rng.randint(0, len(other)) :])[:LONGEST]
