"""The devices of one NUMA node: one tile each, shares of a physical device together, small cells if many."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from podres_exporter.model import DeviceStock
from podres_exporter.model.shares import split_replica
from podres_exporter.page.badge import Badge, legend
from podres_exporter.page.markup import escaped, kind, tails, target
from podres_exporter.page.scene import Holder, Place, Scene, numbers

_MOST_TILES = 24
"""Physical devices of one resource and place beyond which they are drawn small."""
_MOST_SLOTS = 64
"""Shares of one physical device beyond which those of the same holders are one."""
_MOST_CELLS = 512
"""Held devices of one resource and place beyond which each holder is one cell with a number."""
_MOST_FREE = 32
"""Free devices that are drawn small one by one; more of them are a number."""


@dataclass(frozen=True, slots=True)
class _Share:
    """
    One device as the kubelet knows it; *replica* is empty where it is no share of a physical one.

    *unheld* says what it is where no container is listed with it.
    """

    key: tuple[str, str]
    replica: str
    unheld: str


def devices(scene: Scene, place: Place) -> str:
    """Return the devices of the place, resource by resource."""
    return "".join(_resource(scene, place, stock) for stock in place.devices)


def _resource(scene: Scene, place: Place, stock: DeviceStock) -> str:
    ids = stock.held if stock.reported is None else stock.reported | stock.held
    bases: defaultdict[str, list[_Share]] = defaultdict(list)
    for each in sorted(ids, key=_natural):
        base, replica = split_replica(each, stock.resource)
        bases[base].append(_Share((stock.resource, each), replica, _unheld(stock, each)))
    body = _tiles(scene, bases) if len(bases) <= _MOST_TILES else _cells(scene, place, stock, bases)
    return kind(escaped(stock.resource), _summary(stock, len(ids)), body)


def _unheld(stock: DeviceStock, device: str) -> str:
    """Return what a device is that no container is listed with."""
    if device in stock.held_by_dra:
        return "held by DRA"
    return "free" if stock.is_complete else "no known holder"


def _summary(stock: DeviceStock, count: int) -> str:
    if stock.reported is None:
        return f"{len(stock.held)} held; how many are free the kubelet does not tell"
    return f"{len(stock.held)} of {count} held"


def _tiles(scene: Scene, bases: dict[str, list[_Share]]) -> str:
    labels = tails(bases)
    items = "".join(
        _shared_tile(scene, base, labels[base], shares)
        if shares[0].replica
        else _tile(scene, base, labels[base], shares[0])
        for base, shares in bases.items()
    )
    return f'<ul class="devices">{items}</ul>'


def _tile(scene: Scene, base: str, label: str, share: _Share) -> str:
    """Return a device that one container holds, or none."""
    holders = scene.devices.get(share.key, ())
    name = f'<span class="id" title="{escaped(base)}">{escaped(label)}</span>'
    if not holders:
        state = f'<span class="state">{share.unheld}</span>'
        return f'<li class="dev free t" title="{escaped(base)}: {share.unheld}">{name}{state}</li>'
    return (
        f'<li class="dev t {_trouble(scene, share)}" data-p="{numbers(holders)}" title="{_title(scene, share)}">'
        f"{name}{''.join(badge.chip() for badge in _badges(holders))}{_flags(scene, share)}</li>"
    )


def _shared_tile(scene: Scene, base: str, label: str, shares: list[_Share]) -> str:
    """Return a physical device with its shares."""
    held = sum(share.key in scene.devices for share in shares)
    slots = "".join(_folded_slots(scene, shares) if len(shares) > _MOST_SLOTS else (_slot(scene, s) for s in shares))
    every = " ".join(dict.fromkeys(numbers(scene.devices[s.key]) for s in shares if s.key in scene.devices))
    return (
        f'<li class="dev shares t" data-p="{every}" title="{escaped(base)}">'
        f'<span class="id">{escaped(label)}</span><span class="state">{held} of {len(shares)} shares held</span>'
        f'<ul class="slots">{slots}</ul></li>'
    )


def _folded_slots(scene: Scene, shares: list[_Share]) -> Iterator[str]:
    """Yield one slot for all shares of the same holders in the same state: a plugin may make one of each MiB."""
    groups: defaultdict[tuple[str, str], list[_Share]] = defaultdict(list)
    for share in shares:
        holders = scene.devices.get(share.key, ())
        remarks = "; ".join(_remarks(scene, share)) if holders else share.unheld
        groups[numbers(holders) if holders else "", remarks].append(share)
    for (_, remarks), same in groups.items():
        count = f'<span class="state">{len(same)} {"shares" if len(same) > 1 else "share"}</span>'
        holders = scene.devices.get(same[0].key, ())
        if not holders:
            yield (
                f'<li class="free t" title="{len(same)} shares: {remarks}">{count} '
                f'<span class="state">{remarks}</span></li>'
            )
            continue
        names = ", ".join(f"{each.badge.name} ({escaped(each.container)})" for each in holders)
        chips = "".join(badge.chip() for badge in _badges(holders))
        flags = f'<span class="flag">{remarks}</span>' if remarks else ""
        yield (
            f'<li class="t {_trouble(scene, same[0])}" data-p="{numbers(holders)}" '
            f'title="{len(same)} shares: held by {names}">{chips}{count}{flags}</li>'
        )


def _slot(scene: Scene, share: _Share) -> str:
    """Return one share of a physical device."""
    holders = scene.devices.get(share.key, ())
    if not holders:
        state = f'<span class="state">{share.unheld}</span>'
        return f'<li class="free t" title="share {escaped(share.replica)}: {share.unheld}">{state}</li>'
    chips = "".join(badge.chip() for badge in _badges(holders))
    return (
        f'<li class="t {_trouble(scene, share)}" data-p="{numbers(holders)}" title="{_title(scene, share)}">'
        f"{chips}{_flags(scene, share)}</li>"
    )


def _cells(scene: Scene, place: Place, stock: DeviceStock, bases: dict[str, list[_Share]]) -> str:
    """Return the held devices as small cells, the free ones as such or as a number, and who holds how many."""
    counts: defaultdict[int, int] = defaultdict(int)
    found: dict[int, Badge] = {}
    for key in ((stock.resource, each) for each in stock.held):
        for badge in _badges(scene.devices.get(key, ())):
            counts[badge.number] += 1
            found[badge.number] = badge
    free = stock.free or frozenset()
    fold = len(free) > _MOST_FREE
    groups: Iterable[list[str]] = (
        [_cell(scene, share) for share in shares if not (fold and share.key[1] in free)] for shares in bases.values()
    )
    if len(stock.held) > _MOST_CELLS:
        groups = (
            [f'<i class="c many t {badge.look}" data-p="{number}" title="{counts[number]}">{counts[number]}</i>']
            for number, badge in sorted(found.items())
        )
    cells = "".join(f'<span class="core">{"".join(g)}</span>' if len(g) > 1 else "".join(g) for g in groups)
    rest = f'<i class="c many free t" title="{len(free)} free">{len(free)} free</i>' if fold else ""
    rows = [(found[number], f"{counts[number]}") for number in sorted(found)]
    identifier = target(place.identifier, stock.resource)
    left = f"{len(free)} free" if stock.is_complete else "free: not known"
    text = "" if fold else f'<p class="note">{left}</p>'
    return f'<div class="cores dense" aria-hidden="true">{cells}{rest}</div>{legend(rows, identifier)}{text}'


def _cell(scene: Scene, share: _Share) -> str:
    holders = scene.devices.get(share.key, ())
    if not holders:
        return f'<i class="c t free" title="{escaped(share.key[1])}: free"></i>'
    badge = holders[0].badge
    return (
        f'<i class="c t {badge.look} {_trouble(scene, share)}" data-p="{numbers(holders)}" '
        f'title="{_title(scene, share)}">{badge.code}</i>'
    )


def _badges(holders: Iterable[Holder]) -> Iterable[Badge]:
    return {holder.badge.number: holder.badge for holder in holders}.values()


def _title(scene: Scene, share: _Share) -> str:
    """Return the whole id with its holders and what is wrong with it."""
    names = ", ".join(f"{each.badge.name} ({escaped(each.container)})" for each in scene.devices[share.key])
    return "; ".join([f"{escaped(share.key[1])}: held by {names}", *_remarks(scene, share)])


def _trouble(scene: Scene, share: _Share) -> str:
    """Return the class of a device that needs a look."""
    return "bad" if share.key in scene.unallocatable or share.key in scene.health else ""


def _flags(scene: Scene, share: _Share) -> str:
    return "".join(f'<span class="flag">{remark}</span>' for remark in _remarks(scene, share))


def _remarks(scene: Scene, share: _Share) -> list[str]:
    """Return what is wrong with a held device, as HTML."""
    remarks = []
    row = scene.health.get(share.key)
    if row is not None:
        remarks.append(escaped(f"{row.health}: {row.message}" if row.message else row.health))
    if share.key in scene.unallocatable:
        remarks.append("held, but not allocatable")
    return remarks


def _natural(device_id: str) -> tuple[str, int, str]:
    """Return a sort key that has share 10 behind share 9."""
    base, replica = split_replica(device_id)
    return (base, len(replica), device_id)
