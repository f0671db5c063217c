"""The colour, the pattern and the code that stand for a pod wherever it holds something."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, product
from string import ascii_uppercase, digits
from zlib import crc32

from podres_exporter.model import PodKey
from podres_exporter.page.escape import escaped, link, target

HUES = 7
"""Colours in the style: more cannot be told apart by everyone."""
PATTERNS = 4
"""Ways to draw one colour: plain, and with stripes or dots."""

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
        namespace, name = (escaped(part) for part in self.pod)
        return (
            f'<a class="chip t" data-p="{self.number}" href="{link("pod", *self.pod)}" title="{self.name}">'
            f'<b class="code {self.look}">{self.code}</b> <span class="name"><small>{namespace}/</small>{name}</span>'
            f"{f' <em>{remark}</em>' if remark else ''}</a>"
        )


def badges(coloured: Iterable[PodKey], plain: Iterable[PodKey]) -> dict[PodKey, Badge]:
    """
    Return a badge for each pod; those that hold nothing are *plain* and need no colour.

    The colour is drawn by the name, so that it mostly stays when other pods come and go. Patterns are used only once
    all colours are: whoever is first among the *coloured* has a colour to himself.
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
