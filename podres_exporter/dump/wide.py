"""The wide table: one row per held item, with its id."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from podres_exporter.dump import notes
from podres_exporter.dump.held import Held, Thing, held_things
from podres_exporter.dump.notes import About
from podres_exporter.dump.table import nothing_to_list
from podres_exporter.model import Attribution, Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.amounts import (
    ALIGNED,
    NONE,
    UNKNOWN,
    WHOLE_POD,
    age_cell,
    amount_text,
    nodes_cell,
    state_cell,
    workload_cell,
)
from podres_exporter.text.grid import DEFAULT, Grid, Layout, Row, grid, grid_lines
from podres_exporter.text.words import ENDLESS

HEADERS = (
    "NAMESPACE",
    "POD",
    "CONTAINER",
    "RESOURCE",
    "ID",
    "AMOUNT",
    "NUMA",
    "SHARE",
    "CLAIM",
    "REQUEST",
    "UUID",
    "USES",
    "ALIGNED",
    "ALLOCATABLE",
    "HEALTH",
    "STATE",
    "AGE",
    "WORKLOAD",
)
_IF_ANY = frozenset({"SHARE", "CLAIM", "REQUEST", "UUID", "USES", "ALLOCATABLE", "HEALTH", "STATE", "AGE", "WORKLOAD"})

_ABOUT = About(
    (notes.trust, notes.double_held, notes.metadata, notes.places, notes.skipped, notes.missing),
    (notes.claim_cells, notes.pod_lists),
)


def wide_cells(snapshots: Sequence[Snapshot], *, now_seconds: float | None = None, keep: Collection[str] = ()) -> Grid:
    """
    Return a row per CPU set of a NUMA node, memory block, device and claim device.

    Empty columns are dropped, except those in *keep*.

    *now_seconds* is the time from which ages are computed (Unix seconds); None: no ages.
    """
    whole = grid(snapshots, HEADERS, lambda each: _rows(each, now_seconds), right=("AMOUNT",))
    return whole.without_empty(_IF_ANY.difference(keep))


def wide_notes(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the sentences below the table."""
    return notes.merged(snapshots, _ABOUT)


def wide_lines(
    snapshots: Sequence[Snapshot], layout: Layout = DEFAULT, *, now_seconds: float | None = None
) -> list[str]:
    """Return the table in lines of any length: one line per item."""
    cells = wide_cells(snapshots, now_seconds=now_seconds)
    return grid_lines(cells, replace(layout, columns=ENDLESS)) if cells.rows else nothing_to_list(snapshots)


def _rows(snapshot: Snapshot, now_seconds: float | None) -> Iterator[Row]:
    for held in held_things(snapshot.allocation):
        yield (
            printable(held.namespace),
            printable(held.pod),
            printable(held.container) or WHOLE_POD,
            printable(held.resource) or NONE,
            _id(held),
            amount_text(held.amount, is_bytes=held.thing is Thing.MEMORY),
            nodes_cell(held.numa_nodes),
            printable(held.share) or NONE,
            printable(held.claim) or NONE,
            printable(held.request) or NONE,
            printable(held.base) if held.thing is Thing.CLAIM and held.base else NONE,
            _uses(held),
            ALIGNED[held.verdict] if held.verdict else NONE,
            _allocatable(held),
            _health(held),
            state_cell(held.mark),
            age_cell(held.meta, now_seconds),
            workload_cell(held.meta),
        )


def _id(held: Held) -> str:
    """Return the id; for claim devices including the pool."""
    if held.thing is Thing.CLAIM and held.pool:
        return printable(f"{held.pool}/{held.item}")
    return printable(held.item) or NONE


def _uses(held: Held) -> str:
    """Return whether the container uses the claim device: `yes`, `admin` for admin access, `?` if unknown."""
    if held.attribution is None:
        return NONE
    if held.is_admin:
        return "admin"
    return "yes" if held.attribution is Attribution.CONTAINER else UNKNOWN


def _allocatable(held: Held) -> str:
    if held.thing is not Thing.DEVICE:
        return NONE
    return UNKNOWN if held.is_allocatable is None else "yes" if held.is_allocatable else "no"


def _health(held: Held) -> str:
    """Return the health with the plugin's message."""
    if not held.health:
        return UNKNOWN if held.thing in {Thing.DEVICE, Thing.CLAIM} else NONE
    message = printable(" ".join(held.message.split()))
    return f"{printable(held.health)} ({message})" if message else printable(held.health)
