"""The devices of the node by resource: who holds each, since when, on which NUMA node, and which are free."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from podres_exporter.model import DeviceStock
from podres_exporter.model.shares import split_replica
from podres_exporter.page.badge import Badge, legend
from podres_exporter.page.claims import claims
from podres_exporter.page.markup import cut, escaped, kind, part, target, tiles
from podres_exporter.page.scene import Scene, numbers
from podres_exporter.page.shares import Base, Share, chips, flags, share_title, shared_tile, unheld
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


_MOST_TILES = 32
"""Physical devices of one resource beyond which they are drawn small."""


def devices(scene: Scene) -> str:
    """Return the section of devices: those of device plugins, then those of DRA."""
    stocks: defaultdict[str, list[DeviceStock]] = defaultdict(list)
    for stock in scene.allocation.devices:
        stocks[stock.resource].append(stock)
    kinds = "".join(_resource(scene, name, every) for name, every in stocks.items()) + claims(scene)
    return part("devices", "Devices", kinds or "<p>No device plugin and no DRA driver has reported a device.</p>")


def _resource(scene: Scene, resource: str, stocks: Sequence[DeviceStock]) -> str:
    bases: dict[str, Base] = {}
    for stock in sorted(stocks, key=lambda each: (not each.numa_nodes, sorted(each.numa_nodes))):
        for name, _, each, replica in sorted(_split(each, resource) for each in _ids(stock)):
            base = bases.setdefault(name, Base(name, stock.numa_nodes, []))
            base.shares.append(Share((resource, each), replica, unheld(stock, each)))
    body = cells(scene, stocks, bases.values()) if len(bases) > _MOST_TILES else _tiles(scene, bases)
    return kind(escaped(resource), _summary(stocks), body, level=3)


def _ids(stock: DeviceStock) -> frozenset[str]:
    return stock.held if stock.reported is None else stock.reported | stock.held


def _summary(stocks: Sequence[DeviceStock]) -> str:
    held = sum(len(stock.held) for stock in stocks)
    if any(stock.reported is None for stock in stocks):
        return f"{held} held; how many are free the kubelet does not tell"
    return f"{held} of {sum(len(_ids(stock)) for stock in stocks)} held"


def _tiles(scene: Scene, bases: Mapping[str, Base]) -> str:
    return tiles(
        [
            shared_tile(scene, base) if base.shares[0].replica else _tile(scene, base, base.shares[0])
            for base in bases.values()
        ]
    )


def _tile(scene: Scene, base: Base, share: Share) -> str:
    """Return a device that one container holds, or none."""
    name = f'<span class="id">{cut(base.name, 4)}</span>{base.place}'
    holders = scene.devices.get(share.key, ())
    if not holders:
        state = f'<span class="state">{share.unheld}</span>{chips(scene, scene.dual_holders(share.key))}'
        return f'<li class="dev free t" title="{escaped(base.name)}: {share.unheld}">{name}{state}</li>'
    look = "bad" if is_wrong(scene, *share.key) else ""
    return (
        f'<li class="dev t {look}" data-p="{numbers(holders)}" title="{share_title(scene, share)}">'
        f"{name}{chips(scene, holders)}{flags(scene, share)}</li>"
    )


def _split(device_id: str, resource: str) -> tuple[str, int, str, str]:
    """Return the physical device, the length of the share's number, the id and that number: share 10 is behind 9."""
    name, replica = split_replica(device_id, resource)
    return (name, len(replica), device_id, replica)
