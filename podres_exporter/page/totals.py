"""The node in a few numbers: how much of each resource is held."""

from collections import defaultdict
from collections.abc import Iterator

from podres_exporter.model import Allocation
from podres_exporter.page.badge import plain_bar
from podres_exporter.page.markup import escaped, part
from podres_exporter.quantity import bytes_text

_UNKNOWN = "free: not known"
"""More may be held than is known."""


def totals(allocation: Allocation) -> str:
    """Return a tile for CPUs, each memory type and each resource."""
    tiles = "".join([*_cpus(allocation), *_memory(allocation), *_devices(allocation)])
    return part("totals", "Held and free", f'<ul class="totals">{tiles}</ul>')


def _tile(name: str, held: str, whole: str | None, share: str, rest: str) -> str:
    of = f" <small>of {whole}</small>" if whole is not None else ""
    # A resource breaks behind its domain rather than anywhere.
    return f"<li><h3>{name.replace('/', '/<wbr>')}</h3><p><b>{held}</b>{of}</p>{share}<p>{rest}</p></li>"


def _cpus(allocation: Allocation) -> Iterator[str]:
    stock = allocation.cpus
    held = len(stock.exclusive)
    if stock.allocatable is None:
        yield _tile("Exclusive CPUs", str(held), None, "", "allocatable ones are not reported")
    elif stock.allocatable or held:
        whole = len(stock.allocatable)
        left = _UNKNOWN if stock.shared_pool is None else f"{max(0, whole - held - stock.unlisted)} in the shared pool"
        yield _tile("Exclusive CPUs", str(held), str(whole), plain_bar(held, whole), left)
    else:
        yield _tile("Exclusive CPUs", "none", None, "", "the CPU manager's policy is not static")


def _memory(allocation: Allocation) -> Iterator[str]:
    held: defaultdict[str, int] = defaultdict(int)
    reported: defaultdict[str, int] = defaultdict(int)
    for stock in allocation.memory:
        held[stock.memory_type] += stock.held_bytes
        reported[stock.memory_type] += stock.reported_bytes or 0
    complete = set(held) - {stock.memory_type for stock in allocation.memory if not stock.is_complete}
    for name in sorted(held):
        if reported[name]:
            bar, left = plain_bar(held[name], reported[name]), max(0, reported[name] - held[name])
            free = f"{bytes_text(left)} free" if name in complete else _UNKNOWN
            yield _tile(escaped(name), bytes_text(held[name]), bytes_text(reported[name]), bar, free)
        elif held[name]:
            yield _tile(escaped(name), bytes_text(held[name]), None, "", "allocatable is not reported")


def _devices(allocation: Allocation) -> Iterator[str]:
    """Yield the resources; sets of different NUMA nodes have no device in common."""
    names = dict.fromkeys(stock.resource for stock in allocation.devices)
    for name in names:
        stocks = [stock for stock in allocation.devices if stock.resource == name]
        held = sum(len(stock.held) for stock in stocks)
        whole = sum(len(stock.allocatable or ()) for stock in stocks)
        unlisted = max(stock.unlisted for stock in stocks)
        free = max(0, sum(len(stock.free or ()) for stock in stocks) - unlisted)
        left = f"{free} free" if all(stock.is_complete for stock in stocks) else _UNKNOWN
        if any(stock.reported is None for stock in stocks):
            yield _tile(escaped(name), str(held), None, "", "free ones are not known")
        else:
            yield _tile(escaped(name), str(held), str(whole), plain_bar(held, whole), left)
