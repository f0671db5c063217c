"""Key figures of the node: how much of each resource is free in total, and on one NUMA node."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from podres_exporter.families.alignment import largest_aligned_cpus, largest_aligned_devices
from podres_exporter.model import DeviceStock, MemoryStock
from podres_exporter.page.badge import plain_bar
from podres_exporter.page.markup import escaped, part
from podres_exporter.page.scene import Scene
from podres_exporter.quantity import bytes_text


@dataclass(frozen=True, slots=True)
class _Tile:
    """
    One resource: *free* in large, or that it is not known; *held* in words.

    *share* is the bar; *remark* is what one NUMA node has, *bad* how much of it needs a look.
    """

    name: str
    free: str
    held: str
    share: str = ""
    remark: str = ""
    bad: str = ""

    def html(self) -> str:
        # A resource breaks behind its domain rather than anywhere.
        name = escaped(self.name).replace("/", "/<wbr>")
        last = f"<p>{self.remark}</p>" if self.remark else ""
        flag = f'<p class="flag">{self.bad}</p>' if self.bad else ""
        return f"<li><h3>{name}</h3><p>{self.free}</p>{self.share}<p>{self.held}</p>{last}{flag}</li>"


_UNKNOWN = "free: not known"
"""More may be held than is known."""


def totals(scene: Scene) -> str:
    """Return a tile for each resource and driver, CPUs and each memory type: devices first, they are scarce."""
    tiles = [*_devices(scene), *_drivers(scene), *_cpus(scene), *_memory(scene)]
    return part("totals", "Free", f'<ul class="totals">{"".join(tile.html() for tile in tiles)}</ul>') if tiles else ""


def _large(amount: str, words: str = "free") -> str:
    return f"<b>{amount}</b> {words}"


def _near(most: int | None, free: int) -> str:
    """Return how many one NUMA node has, where that is less than there are."""
    if most is None or most >= free:
        return ""
    return f"at most {most} on one NUMA node" if most else "none near a NUMA node"


def _devices(scene: Scene) -> Iterator[_Tile]:
    """Yield the resources; sets of different NUMA nodes have no device in common."""
    stocks: defaultdict[str, list[DeviceStock]] = defaultdict(list)
    for stock in scene.allocation.devices:
        stocks[stock.resource].append(stock)
    for name, every in stocks.items():
        yield _resource(scene, name, every)


def _resource(scene: Scene, name: str, stocks: list[DeviceStock]) -> _Tile:
    held = sum(len(stock.held) for stock in stocks)
    whole = sum(len(stock.allocatable or ()) for stock in stocks)
    bad = _bad(scene, name, stocks)
    if any(stock.reported is None for stock in stocks):
        return _Tile(name, _UNKNOWN, f"{held} held", bad=bad)
    words = f"{held} of {whole} held"
    by_dra = sum(len(stock.held_by_dra) for stock in stocks)
    words += f", {by_dra} by DRA" if by_dra else ""
    if not all(stock.is_complete for stock in stocks):
        return _Tile(name, _UNKNOWN, words, plain_bar(held, whole), bad=bad)
    unlisted = max(stock.unlisted for stock in stocks)
    free = max(0, sum(len(stock.free or ()) for stock in stocks) - unlisted)
    remark = _near(largest_aligned_devices(stocks), free)
    return _Tile(name, _large(str(free)), words, plain_bar(held + by_dra, whole), remark, bad)


def _bad(scene: Scene, name: str, stocks: list[DeviceStock]) -> str:
    """Return how many of the held devices are unhealthy, lost, or held twice."""
    sick = {device for resource, device in scene.health if resource == name}
    lost = frozenset[str]().union(*(stock.unallocatable_held or () for stock in stocks)) - sick
    twice = sum(resource == name for resource, _ in scene.doubles)
    counts = ((len(sick), "unhealthy"), (len(lost), "no longer allocatable"), (twice, "held twice"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _drivers(scene: Scene) -> Iterator[_Tile]:
    """Yield the DRA drivers with ResourceSlices."""
    rows = scene.allocation.dra.stock if scene.allocation.dra else ()
    for driver in sorted({row.driver for row in rows}):
        mine = [row for row in rows if row.driver == driver]
        held, whole = (sum(len(getattr(row, name)) for row in mine) for name in ("allocated", "total"))
        words, share = f"{held} of {whole} held by claims", plain_bar(held, whole)
        if not all(row.is_known for row in mine):
            yield _Tile(driver, _UNKNOWN, words, share)
            continue
        tainted = sum(len(row.unavailable) for row in mine)
        free = sum(len(row.available) for row in mine)
        yield _Tile(driver, _large(str(free)), words, share, bad=f"{tainted} tainted" if tainted else "")


def _cpus(scene: Scene) -> Iterator[_Tile]:
    stock, name = scene.allocation.cpus, "Exclusive CPUs"
    held = len(stock.exclusive)
    if stock.allocatable is None:
        yield _Tile(name, _UNKNOWN, f"{held} held")
    elif stock.allocatable or held:
        whole = len(stock.allocatable)
        words, share = f"{held} of {whole} held", plain_bar(held, whole)
        if stock.shared_pool is None:
            yield _Tile(name, _UNKNOWN, words, share)
            return
        left = max(0, whole - held - stock.unlisted)
        near = _near(largest_aligned_cpus(scene.allocation), left)
        twice = sum(resource == "cpu" for resource, _ in scene.doubles)
        yield _Tile(
            name, _large(str(left), "left to grant"), words, share, near, f"{twice} held twice" if twice else ""
        )
    else:
        yield _Tile(name, "none to grant", "the CPU manager's policy is not static")


def _memory(scene: Scene) -> Iterator[_Tile]:
    stocks: defaultdict[str, list[MemoryStock]] = defaultdict(list)
    for stock in scene.allocation.memory:
        stocks[stock.memory_type].append(stock)
    for name in sorted(stocks):
        held = sum(stock.held_bytes for stock in stocks[name])
        reported = sum(stock.reported_bytes or 0 for stock in stocks[name])
        if reported:
            words = f"{bytes_text(held)} of {bytes_text(reported)} held"
            is_known = all(stock.is_complete for stock in stocks[name])
            free = _large(bytes_text(max(0, reported - held))) if is_known else _UNKNOWN
            yield _Tile(name, free, words, plain_bar(held, reported))
        elif held:
            yield _Tile(name, _UNKNOWN, f"{bytes_text(held)} held; allocatable is not reported")
