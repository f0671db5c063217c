"""The visual identity of a pod (colour, pattern, two-letter code), with legends and bars."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product
from string import ascii_uppercase, digits
from zlib import crc32

from podres_exporter.model import PodKey
from podres_exporter.page.markup import cut, escaped, folded, link, target

HUES = 7
"""Colours in the style: more cannot be told apart by everyone."""
PATTERNS = 4
"""Ways to draw one colour: plain, and with stripes or dots."""

_LEGEND_LONGEST = 6
_WIDE_ENOUGH = 5.0
"""Percent of a bar from which on a segment has room for a code."""
_WORDS = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Badge:
    """
    What stands for one pod: *code* is unique, and readable where colours are not; *number* links its things.

    *look* is the pair of classes that colour a thing.
    """

    pod: PodKey
    number: int
    code: str
    look: str

    @property
    def name(self) -> str:
        """The pod as `namespace/name`, for HTML."""
        return escaped("/".join(self.pod))

    @property
    def target(self) -> str:
        """The identifier of its rows in the table."""
        return target("pod", *self.pod)

    def chip(self, remark: str = "") -> str:
        """Return the link that chooses the pod; *remark* is HTML that stands behind its name."""
        namespace, name = self.pod
        return (
            f'<a class="chip t" data-p="{self.number}" href="{link("pod", *self.pod)}" title="{self.name}">'
            f'<b class="code {self.look}">{self.code}</b> '
            f'<span class="name"><small>{escaped(namespace)}/</small>{cut(name)}</span>'
            f"{f' <em>{remark}</em>' if remark else ''}</a>"
        )


def badges(coloured: Iterable[PodKey], plain: Iterable[PodKey]) -> dict[PodKey, Badge]:
    """
    Return a badge for each pod; those that hold nothing are *plain* and need no colour.

    The colour is drawn by the name, so that it mostly stays when other pods come and go. Patterns are used only once
    all colours are: the first pods among the *coloured* have a colour of their own.
    """
    used: Counter[int] = Counter()
    codes: set[str] = set()
    found = {}
    looks = {pod: _look(pod, used) for pod in coloured} | dict.fromkeys(plain, "")
    for number, (pod, look) in enumerate(looks.items()):
        code = next(each for each in _codes(pod[1]) if each not in codes)
        codes.add(code)
        found[pod] = Badge(pod, number, code, look)
    return found


def _look(pod: PodKey, used: Counter[int]) -> str:
    """Return the classes of a pod: the least used colour, beginning the search at one that its name draws."""
    first = crc32("/".join(pod).encode("utf-8", "replace"))
    hue = min(((first + step) % HUES for step in range(HUES)), key=used.__getitem__)
    pattern = used[hue] % PATTERNS
    used[hue] += 1
    return f"h{hue} q{pattern}"


def _codes(name: str) -> Iterator[str]:
    """Yield codes for a pod, those that remind of its name first; never the same twice for long."""
    words = [word.upper() for word in _WORDS.findall(name)] or ["X"]
    first, rest = words[0], words[1:]
    yield from (first[0] + word[0] for word in rest)
    yield from (first[0] + letter for letter in "".join([*rest, first[1:]]))
    yield from (first[0] + other for other in digits + ascii_uppercase)
    yield from ("".join(letters) for length in count(2) for letters in product(ascii_uppercase, repeat=length))


def legend(rows: Sequence[tuple[Badge, str]], identifier: str) -> str:
    """
    Return the pods with what each holds, which is HTML; folded where there are many.

    *identifier* names the fold within the page, safe for an attribute: what a reader opened stays open.
    """
    if not rows:
        return ""
    items = "".join(f"<li>{badge.chip(remark)}</li>" for badge, remark in rows)
    chips = f'<ul class="legend">{items}</ul>'
    if len(rows) <= _LEGEND_LONGEST:
        return chips
    return folded(identifier, f"{len(rows)} pods hold some", chips)


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
