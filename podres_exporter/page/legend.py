"""The pods that hold something of a kind, each with what it holds: the text beside a picture."""

from collections.abc import Sequence

from podres_exporter.page.badge import Badge

_MOST = 16


def legend(rows: Sequence[tuple[Badge, str]], identifier: str) -> str:
    """
    Return the pods with what each holds, which is HTML; folded where there are many.

    *identifier* names the fold within the page, safe for an attribute: what a reader opened stays open.
    """
    if not rows:
        return ""
    items = "".join(f"<li>{badge.chip(remark)}</li>" for badge, remark in rows)
    chips = f'<ul class="legend">{items}</ul>'
    if len(rows) <= _MOST:
        return chips
    return f'<details id="{identifier}"><summary>{len(rows)} pods hold some</summary>{chips}</details>'
