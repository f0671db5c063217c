"""Building blocks of the HTML: escaped names (the only way for them into the page), boxes, times and short labels."""

import html
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from podres_exporter.printable import printable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL_LONGEST, _LABEL_TAIL = 14, 4
_LONGEST, _TAIL = 600, 200
"""Characters: a namespace with a pod has 317 at most, and messages of the kubelet are to be read whole."""


def escaped(text: str) -> str:
    r"""
    Return the text for an element or a quoted attribute.

    Control characters, overrides of the reading direction and the like are spelled out (`\u202e`), as everywhere in
    this program: a browser obeys some of them, and what one cannot see one cannot compare. What is longer than any name
    may be is cut in its middle.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - _TAIL]}...{text[-_TAIL:]}"
    return html.escape(printable(text))


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


def kind(heading: str, summary: str, contents: str) -> str:
    """Return what a place has of one kind; *summary* is how much."""
    return f'<section class="kind"><h4>{heading} <small>{summary}</small></h4>{contents}</section>'


def moment(seconds: float, *, since: bool = False) -> str:
    """
    Return Unix seconds as an element that says date and time in UTC; the script makes an age of it.

    *since*: the age stands behind the time, for sentences in which something has been so since then.
    """
    at = _EPOCH + timedelta(seconds=int(seconds))
    look = ' class="since"' if since else ""
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}"{look}>{at:%Y-%m-%d %H:%M:%S} UTC</time>'


def tails(ids: Iterable[str]) -> dict[str, str]:
    """
    Return a label for each id: itself if all are short, else its end, as long as it takes to tell them apart.

    `GPU-1f0a...1a04` differs from its neighbours at the end, as ids of devices mostly do; a PCI address is short.
    """
    every = list(ids)
    if all(len(each) <= _LABEL_LONGEST for each in every):
        return {each: each for each in every}
    for length in range(_LABEL_TAIL, _LABEL_LONGEST):
        if len({each[-length:] for each in every}) == len(every):
            return {each: _cut(each, length) for each in every}
    return {each: _cut(each, _LABEL_LONGEST) for each in every}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length + 1 else f"\N{HORIZONTAL ELLIPSIS}{text[-length:]}"
