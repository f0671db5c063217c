"""Many devices of one resource as small cells by NUMA node; thousands of them as one cell for each holder."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from podres_exporter.model import DeviceStock
from podres_exporter.page.badge import Badge, legend
from podres_exporter.page.markup import escaped, target
from podres_exporter.page.scene import Scene, numbers
from podres_exporter.page.shares import Base, Share, share_title
from podres_exporter.page.trouble import is_wrong

_MOST_CELLS = 512
"""Held devices of one resource beyond which each holder is one cell with a number."""
_MOST_FREE = 64
"""Free devices that are drawn one by one; more of them are a number."""


def cells(scene: Scene, stocks: Sequence[DeviceStock], bases: Collection[Base]) -> str:
    """Return the held devices as cells, the free ones as cells or as a number, and who holds how many."""
    counts, found = _holders(scene, stocks)
    free = frozenset[str]().union(*(stock.free or () for stock in stocks))
    are_counted = len(free) > _MOST_FREE
    if sum(len(stock.held) for stock in stocks) > _MOST_CELLS:
        drawn = "".join(
            f'<i class="c many t {badge.look}" data-p="{number}" title="{counts[number]}">{counts[number]}</i>'
            for number, badge in sorted(found.items())
        )
    else:
        drawn = "".join(_places(scene, bases, hidden=free if are_counted else frozenset()))
    rest = f'<i class="c many free t" title="{len(free)} free">{len(free)} free</i>' if are_counted else ""
    left = f"{len(free)} free" if all(stock.is_complete for stock in stocks) else "free: not known"
    note = "" if are_counted else f'<p class="note">{left}</p>'
    rows = [(found[number], f"{counts[number]}") for number in sorted(found)]
    return (
        f'<div class="cores dense" aria-hidden="true">{drawn}{rest}</div>'
        f"{legend(rows, target('devices', stocks[0].resource))}{note}"
    )


def _holders(scene: Scene, stocks: Iterable[DeviceStock]) -> tuple[Counter[int], dict[int, Badge]]:
    """Return how many each pod holds, and the pods, by number."""
    counts: Counter[int] = Counter()
    found: dict[int, Badge] = {}
    for stock in stocks:
        for each in stock.held:
            pods = {holder.badge.number: holder.badge for holder in scene.devices.get((stock.resource, each), ())}
            counts.update(pods.keys())
            found |= pods
    return counts, found


def _places(scene: Scene, bases: Iterable[Base], hidden: frozenset[str]) -> Iterator[str]:
    """Yield the cells of each set of NUMA nodes, with a tag before them."""
    for _, same in groupby(bases, key=lambda base: base.nodes):
        every = list(same)
        drawn = "".join(_base(scene, [share for share in base.shares if share.key[1] not in hidden]) for base in every)
        if drawn:
            yield f'<span class="place">{every[0].place}{drawn}</span>'


def _base(scene: Scene, shares: Sequence[Share]) -> str:
    """Return the shares of a physical device, which stay together."""
    drawn = "".join(_cell(scene, share) for share in shares)
    return f'<span class="core">{drawn}</span>' if len(shares) > 1 else drawn


def _cell(scene: Scene, share: Share) -> str:
    holders = scene.devices.get(share.key, ())
    if not holders:
        look = "free" if share.unheld == "free" else "unknown"
        return f'<i class="c t {look}" title="{escaped(share.key[1])}: {share.unheld}"></i>'
    badge = holders[0].badge
    look = " bad" if is_wrong(scene, *share.key) else ""
    return (
        f'<i class="c t {badge.look}{look}" data-p="{numbers(holders)}" '
        f'title="{share_title(scene, share)}">{badge.code}</i>'
    )
