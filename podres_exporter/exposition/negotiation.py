"""Which exposition format and encoding a scraper gets: HTTP content negotiation, clamped to what is really served."""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")

# Requested versions that a format answers; the empty text stands for a range that names none.
_VERSIONS = {
    "text/plain": frozenset({"", "0.0.4", "1.0.0"}),
    "application/openmetrics-text": frozenset({"", "0.0.1", "1.0.0"}),
}

# Source: prometheus.io/docs/instrumenting/escaping_schemes. The value is echoed, so nothing else may pass.
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
    """One element of a header that lists alternatives: `name;key=value;q=0.5`."""

    name: str
    parameters: dict[str, str]
    weight: float


class _Match(NamedTuple):
    """How a range suits a format. Ordered: among formats the greatest wins, so a later position is a smaller number."""

    weight: float
    specificity: int
    position: int
    escaping: str


# Scrapers send one or two different headers, over and over.
@lru_cache(maxsize=32)
def choose_format(accept: str) -> tuple[Format, str]:
    """
    Return the format that an Accept header asks for, and the full Content-Type to answer with.

    The highest weight wins, then the more specific range, then the one listed first; weight 0 refuses. Of several
    ranges that name one format, the most specific decides (RFC 9110, 12.5.1). Versions are clamped to what is rendered:
    OpenMetrics 0.0.1 is answered as 1.0.0, text 1.0.0 as 0.0.4; any other version counts as not listed. Malformed
    elements are ignored, and where nothing fits the answer is text 0.0.4.

    `escaping=` is echoed for OpenMetrics 1.0.0 where the range names a known scheme: the answer must then name it, and
    all schemes give the same bytes because our names are within the legacy character set. Text 0.0.4 has no such
    parameter.

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
    Return whether an Accept-Encoding header prefers gzip to the plain page, or likes both the same.

    `*` stands for whatever the header does not name; an absent header asks for the plain page.

    Source: RFC 9110, 12.5.3.
    """
    weights = {each.name: each.weight for each in _ranges(accept_encoding)}
    others = weights.get("*", 0.0)
    gzip = weights.get("gzip", weights.get("x-gzip", others))
    return gzip > 0 and gzip >= weights.get("identity", others)


def _best_match(wanted: Format, ranges: list[_Range]) -> _Match:
    """Return the match that decides about a format: the most specific; among those, the heaviest and then the first."""
    matches = [match for position, each in enumerate(ranges) if (match := _match(wanted, each, -position))]
    nothing = _Match(0.0, -1, 0, "")
    return max(matches, key=lambda match: (match.specificity, match.weight, match.position), default=nothing)


def _match(wanted: Format, offered: _Range, position: int) -> _Match | None:
    """Return how a range suits a format, None if it speaks of something else."""
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
    """Yield the well-formed elements in their order: names and keys in lower case, weight 1 where none is stated."""
    for element in header.split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        pairs = [part.partition("=") for part in rest if part]
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        weight = parameters.pop("q", "1")
        if name and all(equals for _, equals, _ in pairs) and _WEIGHT.fullmatch(weight):
            yield _Range(name.lower(), parameters, float(weight))
