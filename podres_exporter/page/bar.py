"""A bar that shows shares of a whole, one segment for each pod."""

from collections.abc import Iterable

from podres_exporter.page.badge import Badge

_WIDE_ENOUGH = 5.0
"""Percent of the bar from which on a segment has room for a code."""


def bar(segments: Iterable[tuple[Badge, int]], whole: int) -> str:
    """
    Return the bar as SVG; the rest of *whole* stays empty. The text beside it says the same.

    Where the segments are more than the whole, they are the whole.
    """
    rows = list(segments)
    scale = 100 / max(whole, sum(size for _, size in rows), 1)
    drawn, at = [], 0.0
    for badge, size in rows:
        width = size * scale
        drawn.append(_segment(badge, at, width))
        at += width
    return f'<svg class="bar" aria-hidden="true" focusable="false">{"".join(drawn)}</svg>'


def plain_bar(part: int, whole: int) -> str:
    """Return a bar of one neutral segment."""
    width = min(100.0, 100 * part / whole) if whole else 0.0
    return (
        '<svg class="bar plain" aria-hidden="true" focusable="false">'
        f'<rect class="part" width="{width:.2f}%" height="100%"/></svg>'
    )


def _segment(badge: Badge, at: float, width: float) -> str:
    name = f"<title>{badge.name}</title>"
    rect = f'<rect class="{badge.look}" x="{at:.2f}%" width="{width:.2f}%" height="100%"/>'
    text = f'<text x="{at + width / 2:.2f}%" y="50%">{badge.code}</text>' if width >= _WIDE_ENOUGH else ""
    return f'<g class="t" data-p="{badge.number}">{name}{rect}{text}</g>'
