"""HTML building blocks: escaping (the only way for text into the page), boxes, collapsible parts, times."""

import html
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from podres_exporter.printable import printable
from podres_exporter.text.amounts import short_age

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW_TILES = 4
_LONGEST, _TAIL = 600, 200
"""Characters: a namespace with a pod has 317 at most, and messages of the kubelet are to be read whole."""


def escaped(text: str) -> str:
    r"""
    Return the text for an element or a quoted attribute.

    Control characters, overrides of the reading direction and the like are spelled out (`\u202e`), as everywhere in
    this program: a browser obeys some of them, and what one cannot see one cannot compare. What is longer than any name
    may be is cut in its middle.
    """
    return html.escape(_readable(text))


def cut(text: str, tail: int = 8) -> str:
    """
    Return the text as elements of which the style cuts the middle where there is no room: names differ at their ends.

    The whole text is in the document, to be searched, copied and read aloud. Its last *tail* characters always show.
    """
    readable = _readable(text)
    if len(readable) <= tail + 4:
        return html.escape(readable)
    head, end = html.escape(readable[:-tail]), html.escape(readable[-tail:])
    return f'<span class="cut"><span>{head}</span><span>{end}</span></span>'


def _readable(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _TAIL]}...{text[-_TAIL:]}"
    return printable(text)


def target(*parts: str) -> str:
    """Return an identifier of the page made of names, for an attribute: `pod/ml/train-0`. It has no white space."""
    return html.escape(_identifier(parts))


def link(*parts: str) -> str:
    """Return the fragment that leads to `target(*parts)`, percent-encoded, for an attribute."""
    return html.escape("#" + quote(_identifier(parts), safe="/"))


def _identifier(parts: tuple[str, ...]) -> str:
    return "/".join("".join(printable(part).split()) for part in parts)


def part(identifier: str, heading: str, contents: str, *, look: str = "") -> str:
    """Return a part that the script replaces as a whole when it has changed; everything is HTML."""
    return (
        f'<section id="{identifier}" class="{look}" data-part aria-labelledby="{identifier}-h">'
        f'<h2 id="{identifier}-h">{heading}</h2>{contents}</section>'
    )


def panel(identifier: str, heading: str, contents: str) -> str:
    """Return a box for what is in one place."""
    return (
        f'<section class="panel" aria-labelledby="{identifier}-h"><h3 id="{identifier}-h">{heading}</h3>'
        f"{contents}</section>"
    )


def kind(heading: str, summary: str, contents: str, *, level: int = 4) -> str:
    """Return the box of one kind of resource; *summary* is its amount, *level* that of the heading."""
    return f'<section class="kind"><h{level}>{heading} <small>{summary}</small></h{level}>{contents}</section>'


def moment(seconds: float, *, since: bool = False) -> str:
    """
    Return Unix seconds as an element that says date and time in UTC; the script makes an age of it.

    *since*: the age stands behind the time, for sentences in which something has been so since then.
    """
    at = _EPOCH + timedelta(seconds=int(seconds))
    look = ' class="since"' if since else ""
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}"{look}>{at:%Y-%m-%d %H:%M:%S} UTC</time>'


def age(started_seconds: float | None, now_seconds: float) -> str:
    """Return how long ago that was, as kubectl writes it, with the moment behind it; nothing where it is not known."""
    if started_seconds is None:
        return ""
    at = _EPOCH + timedelta(seconds=int(started_seconds))
    return (
        f'<time class="age" datetime="{at:%Y-%m-%dT%H:%M:%SZ}" title="since {at:%Y-%m-%d %H:%M:%S} UTC">'
        f"{short_age(now_seconds - started_seconds)}</time>"
    )


def tiles(items: Sequence[str]) -> str:
    """Return tiles of devices; a few of them leave the room beside them to others."""
    few = " few" if len(items) <= _FEW_TILES else ""
    return f'<ul class="devices{few}">{"".join(items)}</ul>'


def folded(identifier: str, summary: str, contents: str) -> str:
    """Return contents that are closed at first; what a reader opens stays open, known by its *identifier*."""
    return f'<details id="{identifier}"><summary>{summary}</summary>{contents}</details>'
