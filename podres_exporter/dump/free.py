"""The table of free resources by NUMA node, with ids (`dump --free`)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from podres_exporter.dump import notes
from podres_exporter.dump.capacity import Left, left
from podres_exporter.dump.notes import About
from podres_exporter.dump.table import nothing_to_list
from podres_exporter.model import DraNode, Snapshot
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import CPU, NONE, UNKNOWN, amount_text, nodes_cell
from podres_exporter.text.grid import DEFAULT, Grid, Layout, Row, grid, grid_lines
from podres_exporter.text.words import folded

HEADERS = ("RESOURCE", "NUMA", "FREE", "OF", "WHICH")
_MOST_IDS = 40


def _upper_bound(snapshot: Snapshot) -> Iterator[str]:
    followed = snapshot.metadata is not None and snapshot.metadata.synced
    if not followed and any(each.resource == CPU and each.free for each in left(snapshot.allocation)):
        yield "cpu: upper bound; the kubelet does not list CPUs that only a finished init container held"


def _held_memory(snapshot: Snapshot) -> Iterator[str]:
    if any(each.is_bytes and len(each.numa_nodes) > 1 for each in left(snapshot.allocation)):
        yield "memory: some blocks span NUMA nodes and their split is not reported, so these nodes are shown together"


def _dual_mode(snapshot: Snapshot) -> Iterator[str]:
    for stock in snapshot.allocation.devices if snapshot.allocation else ():
        if stock.held_by_dra:
            names = ", ".join(folded(sorted(map(printable, stock.held_by_dra)), _MOST_IDS))
            yield (
                f"{printable(stock.resource)}: not free although no pod is listed with it, because a DRA claim has "
                f"the same hardware: {names}; only one of device plugin and DRA driver should offer it"
            )


def dra_left(snapshot: Snapshot) -> Iterator[str]:
    """Yield which pools are not counted, which devices are tainted, and the remaining capacities."""
    dra = snapshot.allocation.dra if snapshot.allocation else None
    if dra is None:
        return
    for pool in dra.pools:
        name = printable("/".join(pool.key))
        if pool.is_stale:
            yield f"{name}: not counted: its ResourceSlices are gone as its driver has stopped; devices in use remain"
        elif not pool.is_complete:
            yield f"{name}: not counted: not all ResourceSlices of its newest generation are known"
    yield from _tainted(dra)
    for row in dra.capacity:
        if row.is_known:
            left = f"{_amount(row.available)} of {_amount(row.total)} left"
            yield f"{printable(row.driver)}: {printable(row.capacity)} of devices that claims share: {left}"
    unknown = sorted({printable(row.driver) for row in dra.stock if not row.is_known})
    if unknown:
        yield f"{', '.join(unknown)}: free not known: a claim of a pod here could not be read and may have any device"


_ABOUT = About(
    (
        notes.trust,
        notes.double_held,
        notes.free_unknown,
        _dual_mode,
        dra_left,
        notes.unallocatable,
        notes.unlisted,
        notes.two_names,
    ),
    (_upper_bound, _held_memory),
)


def free_cells(snapshots: Sequence[Snapshot]) -> Grid:
    """Return a row per resource and NUMA nodes; exact bytes, the CPU list or the ids are in column WHICH."""
    return grid(
        snapshots,
        HEADERS,
        lambda each: map(_row, left(each.allocation)),
        right=("FREE", "OF"),
    )


def free_notes(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the sentences below the table."""
    return notes.merged(snapshots, _ABOUT)


def free_lines(snapshots: Sequence[Snapshot], layout: Layout = DEFAULT) -> list[str]:
    """Return the table; long lists of ids are shortened."""
    cells = free_cells(snapshots)
    return grid_lines(cells, layout) if cells.rows else nothing_to_list(snapshots)


def _row(each: Left) -> Row:
    return (
        printable(each.resource),
        nodes_cell(each.numa_nodes),
        amount_text(each.free, is_bytes=each.is_bytes),
        amount_text(each.allocatable, is_bytes=each.is_bytes),
        _which(each),
    )


def _which(each: Left) -> str:
    if each.free is None:
        return UNKNOWN
    if each.is_bytes:
        return f"{each.free} bytes" if each.free else NONE
    which = ", ".join(folded([printable(device) for device in each.free_ids], _MOST_IDS)) or NONE
    return f"any {each.free} of {which}" if each.is_choice else which


_MOST_DEVICES = 8
_BINARY = 1 << 20


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
    """Return an amount in the driver's (unknown) units, as powers of two if it is a multiple of a mebi."""
    return bytes_text(amount) if amount and amount % _BINARY == 0 else f"{amount:,}"
