"""HTTP content negotiation: choose the exposition format and encoding for a scraper."""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")

# The requested versions that each format satisfies; an empty text is a range without a version.
_VERSIONS = {
    "text/plain": frozenset({"", "0.0.4", "1.0.0"}),
    "application/openmetrics-text": frozenset({"", "0.0.1", "1.0.0"}),
}

# Source: prometheus.io/docs/instrumenting/escaping_schemes. The value is echoed, so nothing else is accepted.
_ESCAPING_SCHEMES = frozenset({"allow-utf-8", "underscores", "dots", "values"})


class Format(StrEnum):
    """The text formats that are served."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"

    @property
    def content_type(self) -> str:
        """The Content-Type of an answer in this format."""
        return _CONTENT_TYPES[self]

    @property
    def media_type(self) -> str:
        """Type and subtype, without parameters."""
        return self.content_type.partition(";")[0]


_CONTENT_TYPES = {
    Format.TEXT: "text/plain; version=0.0.4; charset=utf-8",
    Format.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


class _Range(NamedTuple):
    """One element of an Accept or Accept-Encoding header: `name;key=value;q=0.5`."""

    name: str
    parameters: dict[str, str]
    weight: float


class _Match(NamedTuple):
    """How well a range matches a format. The greatest wins, so an earlier position has a larger number."""

    weight: float
    specificity: int
    position: int
    escaping: str


# Scrapers send one or two different headers again and again.
@lru_cache(maxsize=32)
def choose_format(accept: str) -> tuple[Format, str]:
    """
    Return the format that an Accept header requests, and the full Content-Type of the answer.

    The highest weight wins, then the more specific range, then the one listed first; weight 0 refuses. If several
    ranges match a format, the most specific decides (RFC 9110, 12.5.1). Versions are clamped to the supported ones:
    OpenMetrics 0.0.1 is answered as 1.0.0, text 1.0.0 as 0.0.4; any other version is ignored. Malformed elements are
    ignored, and if nothing matches the answer is text 0.0.4.

    `escaping=` is echoed for OpenMetrics 1.0.0 if the range names a known scheme, as the specification requires; all
    schemes give the same bytes because our names use the legacy character set. Text 0.0.4 has no such parameter.

    Source: prometheus.io/docs/instrumenting/content_negotiation, "Selection of Format" and "Content-Type Response".
    """
    ranges = list(_ranges(accept))
    # Text comes first, so that it wins where one wildcard gives both formats the same.
    best, chosen = max(((_best_match(each, ranges), each) for each in Format), key=lambda pair: pair[0][:3])
    if best.weight == 0:
        return Format.TEXT, Format.TEXT.content_type
    return chosen, f"{chosen.content_type}; escaping={best.escaping}" if best.escaping else chosen.content_type


@lru_cache(maxsize=32)
def accepts_gzip(accept_encoding: str) -> bool:
    """
    Return whether an Accept-Encoding header prefers gzip to identity, or likes both equally.

    `*` matches whatever the header does not name; without the header, the answer is not compressed.

    Source: RFC 9110, 12.5.3.
    """
    weights = {each.name: each.weight for each in _ranges(accept_encoding)}
    others = weights.get("*", 0.0)
    gzip = weights.get("gzip", weights.get("x-gzip", others))
    return gzip > 0 and gzip >= weights.get("identity", others)


def _best_match(wanted: Format, ranges: list[_Range]) -> _Match:
    """Return the match that decides about a format: the most specific, then the highest weight, then the first."""
    matches = [match for position, each in enumerate(ranges) if (match := _match(wanted, each, -position))]
    nothing = _Match(0.0, -1, 0, "")
    return max(matches, key=lambda match: (match.specificity, match.weight, match.position), default=nothing)


def _match(wanted: Format, offered: _Range, position: int) -> _Match | None:
    """Return how well a range matches a format, None if it does not."""
    main_type = wanted.media_type.partition("/")[0]
    if offered.name == "*/*":
        return _Match(offered.weight, 0, position, "")
    if offered.name == f"{main_type}/*":
        return _Match(offered.weight, 1, position, "")
    version = offered.parameters.get("version", "")
    if offered.name != wanted.media_type or version not in _VERSIONS[wanted.media_type]:
        return None
    escaping = offered.parameters.get("escaping", "")
    is_echoed = wanted is Format.OPENMETRICS and version == "1.0.0" and escaping in _ESCAPING_SCHEMES
    return _Match(offered.weight, 3 if version else 2, position, escaping if is_echoed else "")


def _ranges(header: str) -> Iterator[_Range]:
    """Yield the well-formed elements in order, with names and keys in lower case and a default weight of 1."""
    for element in header.split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        pairs = [part.partition("=") for part in rest if part]
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        weight = parameters.pop("q", "1")
        if name and all(equals for _, equals, _ in pairs) and _WEIGHT.fullmatch(weight):
            yield _Range(name.lower(), parameters, float(weight))
