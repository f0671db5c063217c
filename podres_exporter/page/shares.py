"""A physical device and its shares with their holders; an unshared device is a single share without a number."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from podres_exporter.cpuset import format_cpuset
from podres_exporter.model import DeviceStock
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.page.badge import Badge
from podres_exporter.page.markup import age, cut, escaped
from podres_exporter.page.scene import Holder, Scene, numbers
from podres_exporter.page.trouble import is_wrong, remarks

_MOST_SLOTS = 64
"""Shares of one physical device beyond which those of the same holders are one."""


@dataclass(frozen=True, slots=True)
class Share:
    """
    One device as the kubelet knows it; *replica* is empty where it is no share of a physical one.

    *unheld* says what it is where no container is listed with it.
    """

    key: tuple[str, str]
    replica: str
    unheld: str


@dataclass(frozen=True, slots=True)
class Base:
    """A physical device: its id, its NUMA nodes, and its shares."""

    name: str
    nodes: NumaNodes
    shares: list[Share]

    @property
    def place(self) -> str:
        """The NUMA nodes as a tag, as HTML; nothing where none is stated."""
        return f'<small class="numa">NUMA {format_cpuset(self.nodes)}</small>' if self.nodes else ""


def unheld(stock: DeviceStock, device: str) -> str:
    """Return what a device is that no container is listed with."""
    if device in stock.held_by_dra:
        return "held by DRA"
    return "free" if stock.is_complete else "no known holder"


def shared_tile(scene: Scene, base: Base) -> str:
    """Return a physical device with its shares."""
    shares = base.shares
    held = sum(share.key in scene.devices for share in shares)
    slots = "".join(_folded_slots(scene, shares) if len(shares) > _MOST_SLOTS else (_slot(scene, s) for s in shares))
    every = " ".join(dict.fromkeys(numbers(scene.devices[s.key]) for s in shares if s.key in scene.devices))
    return (
        f'<li class="dev shares t" data-p="{every}" title="{escaped(base.name)}">'
        f'<span class="id">{cut(base.name, 4)}</span>{base.place}'
        f'<span class="state">{held} of {len(shares)} shares held</span><ul class="slots">{slots}</ul></li>'
    )


def _folded_slots(scene: Scene, shares: Sequence[Share]) -> Iterator[str]:
    """Yield one slot for all shares of the same holders in the same state: a plugin may make one of each MiB."""
    groups: defaultdict[tuple[str, str], list[Share]] = defaultdict(list)
    for share in shares:
        holders = scene.devices.get(share.key, ())
        words = "; ".join(remarks(scene, *share.key)) if holders else share.unheld
        groups[numbers(holders) if holders else "", words].append(share)
    for (_, words), same in groups.items():
        count = f'<span class="state">{len(same)} {"shares" if len(same) > 1 else "share"}</span>'
        holders = scene.devices.get(same[0].key, ())
        if not holders:
            state = f'<span class="state">{words}</span>'
            yield f'<li class="free t" title="{len(same)} shares: {words}">{count} {state}</li>'
            continue
        flag = f'<span class="flag">{words}</span>' if words else ""
        yield (
            f'<li class="t {_look(scene, same[0])}" data-p="{numbers(holders)}" '
            f'title="{len(same)} shares: held by {_names(holders)}">{chips(scene, holders)}{count}{flag}</li>'
        )


def _slot(scene: Scene, share: Share) -> str:
    """Return one share of a physical device."""
    holders = scene.devices.get(share.key, ())
    if not holders:
        state = f'<span class="state">{share.unheld}</span>'
        return f'<li class="free t" title="share {escaped(share.replica)}: {share.unheld}">{state}</li>'
    return (
        f'<li class="t {_look(scene, share)}" data-p="{numbers(holders)}" title="{share_title(scene, share)}">'
        f"{chips(scene, holders)}{flags(scene, share)}</li>"
    )


def _look(scene: Scene, share: Share) -> str:
    return "bad" if is_wrong(scene, *share.key) else ""


def chips(scene: Scene, holders: Iterable[Holder]) -> str:
    """Return the pods that hold a thing, each once, and since when each runs."""
    pods = {holder.badge.number: holder.badge for holder in holders}
    return "".join(_chip(scene, badge) for badge in pods.values())


def _chip(scene: Scene, badge: Badge) -> str:
    return badge.chip(age(scene.started_seconds(badge.pod), scene.now_seconds))


def share_title(scene: Scene, share: Share) -> str:
    """Return the whole id with its holders and what is wrong with it."""
    words = f"{escaped(share.key[1])}: held by {_names(scene.devices[share.key])}"
    return "; ".join([words, *remarks(scene, *share.key)])


def _names(holders: Iterable[Holder]) -> str:
    return ", ".join(f"{each.badge.name} ({escaped(each.container)})" for each in holders)


def flags(scene: Scene, share: Share) -> str:
    """Return what is wrong with a held device."""
    return "".join(f'<span class="flag">{remark}</span>' for remark in remarks(scene, *share.key))
