"""Short forms of ids: what tells one from its neighbours."""

from collections.abc import Iterable

_SHORT = 14
_TAIL = 4


def tails(ids: Iterable[str]) -> dict[str, str]:
    """
    Return a label for each id: itself if all are short, else its end, as long as it takes to tell them apart.

    `GPU-1f0a...1a04` differs from its neighbours at the end, as ids of devices mostly do; a PCI address is short.
    """
    every = list(ids)
    if all(len(each) <= _SHORT for each in every):
        return {each: each for each in every}
    for length in range(_TAIL, _SHORT):
        if len({each[-length:] for each in every}) == len(every):
            return {each: _cut(each, length) for each in every}
    return {each: _cut(each, _SHORT) for each in every}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length + 1 else f"\N{HORIZONTAL ELLIPSIS}{text[-length:]}"
