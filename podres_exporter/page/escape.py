"""Names that come from outside, made safe for HTML: the only way for them into the page."""

import html
from urllib.parse import quote

from podres_exporter.printable import printable

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
