"""Why DRA devices are not available, and what is left of those that claims share: sentences below what is left."""

from collections import defaultdict
from collections.abc import Iterator

from podres_exporter.model import DraNode, Snapshot
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text
from podres_exporter.text.words import folded

_MOST_DEVICES = 8
_BINARY = 1 << 20


def dra_left(snapshot: Snapshot) -> Iterator[str]:
    """Yield which pools do not count, which devices are tainted, and what capacities have left."""
    dra = snapshot.allocation.dra if snapshot.allocation else None
    if dra is None:
        return
    for pool in dra.pools:
        name = printable("/".join(pool.key))
        if pool.is_stale:
            yield f"{name}: not counted: its ResourceSlices are gone, so its driver has stopped; what is in use stays"
        elif not pool.is_complete:
            yield f"{name}: not counted: not all ResourceSlices of its newest generation are there"
    yield from _tainted(dra)
    for row in dra.capacity:
        if row.is_known:
            left = f"{_amount(row.available)} of {_amount(row.total)} left"
            yield f"{printable(row.driver)}: {printable(row.capacity)} of devices that claims share: {left}"
    unknown = sorted({printable(row.driver) for row in dra.stock if not row.is_known})
    if unknown:
        yield f"{', '.join(unknown)}: free not known: a claim of a pod here is not read, and may have any device"


def _tainted(dra: DraNode) -> Iterator[str]:
    devices = dra.devices()
    by_taint: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in dra.stock:
        for pool, name in sorted(row.unavailable):
            for taint in devices[row.driver, pool, name].taints if (row.driver, pool, name) in devices else ():
                if taint.repels:
                    text = f"{taint.key}={taint.value}" if taint.value else taint.key
                    by_taint[row.driver, f"{text} ({taint.effect})"].append(f"{pool}/{name}")
    for (driver, words), names in sorted(by_taint.items()):
        told = ", ".join(folded([printable(name) for name in names], _MOST_DEVICES))
        yield f"{printable(driver)}: not free, tainted {printable(words)}: {told}"


def _amount(amount: int) -> str:
    """Return an amount in the driver's units, which nobody tells: powers of two where it is a multiple of a mebi."""
    return bytes_text(amount) if amount and amount % _BINARY == 0 else f"{amount:,}"
