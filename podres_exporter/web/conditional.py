"""Conditional requests: whether a client has what it asks for already."""

from collections.abc import Mapping


def has_already(headers: Mapping[str, str], etag: str) -> bool:
    """
    Return whether If-None-Match names *etag*, quotes included, so that 304 is the answer.

    Tags are compared weakly: a proxy that compressed our answer may have marked its tag as weak.

    Source: RFC 9110, 13.1.2 and 8.8.3.2.
    """
    named = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return named == ["*"] or etag in named
