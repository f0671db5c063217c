"""Rendering of large answers: one at a time, so that the peaks of memory do not add up; and their ETags."""

import threading


def etag(data: bytes, encoding: str = "") -> str:
    """
    Return the strong ETag of *data*, quotes included; the encodings of one text differ, and so must their tags.

    Python's own hash of bytes, 64 bits with a secret key of the process: a digest of hashlib costs 0.7 MiB. After a
    restart the tags are others, and browsers ask once in vain.

    Source: RFC 9110, 8.8.3.3; PEP 456.
    """
    return f'"{hash(data) & 0xFFFF_FFFF_FFFF_FFFF:016x}{encoding and "-" + encoding}"'


RENDERING = threading.Lock()
"""Held while the page or the JSON document is made: at 50,000 devices each takes tens of MiB. No scrape holds it."""
