"""Render large answers one at a time, so that memory peaks do not add up; and compute their ETags."""

import threading


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
