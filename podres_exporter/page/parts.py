"""The boxes of the page, each with its heading, so that headings and landmarks lead through it."""


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
