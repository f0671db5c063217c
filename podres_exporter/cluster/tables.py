"""The tables of `dump` for a cluster, always with a NODE column."""

from collections.abc import Sequence
from dataclasses import replace

from podres_exporter.dump import (
    Grid,
    Layout,
    fitted,
    free_cells,
    free_notes,
    grid_lines,
    summary_cells,
    summary_notes,
    table_cells,
    table_notes,
    wide_cells,
    wide_notes,
)
from podres_exporter.dump.table import MERGED, WIDE, fitted_to
from podres_exporter.model import Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.grid import room_notes
from podres_exporter.text.words import ENDLESS

Table = tuple[list[str], list[str]]
"""The lines of a table, and its notes."""


def holder_table(
    snapshots: Sequence[Snapshot], layout: Layout, now_seconds: float, *, is_wide: bool, everything: bool = False
) -> Table:
    """
    Return who holds what; *is_wide*: one row per held item, in lines of any length.

    *now_seconds* is the time from which ages are computed, in Unix seconds.
    """
    if is_wide:
        cells = wide_cells(snapshots, now_seconds=now_seconds)
        return _lines(snapshots, [cells], replace(layout, columns=ENDLESS)), wide_notes(snapshots)
    cells = table_cells(snapshots, everything=everything, now_seconds=now_seconds).sorted_by(layout.sort_by)
    if not cells.rows:
        return [], table_notes(snapshots)
    cells = fitted_to(_named(cells, snapshots), layout.columns)
    return grid_lines(cells, layout), [*table_notes(snapshots), *room_notes(cells, layout, WIDE)]


class GrowingTable:
    """
    The table of `holder_table` in parts, for a terminal that shows nodes before all of them have answered.

    Columns stay as wide as they were. Where a part needs others than the one before it, it has a header of its own.
    """

    def __init__(self, layout: Layout, now_seconds: float, *, is_wide: bool, everything: bool = False) -> None:
        """Begin without a part."""
        self._layout = replace(layout, columns=ENDLESS) if is_wide else layout
        self._now, self._is_wide, self._everything = now_seconds, is_wide, everything
        self._headers: tuple[str, ...] = ()

    def lines(self, snapshots: Sequence[Snapshot]) -> list[str]:
        """Return the rows of some nodes, which go on below those of the last ones."""
        keep = self._headers
        if self._is_wide:
            cells = wide_cells(snapshots, now_seconds=self._now, keep=keep)
        else:
            cells = table_cells(snapshots, everything=self._everything, now_seconds=self._now, keep=keep)
        cells = _named(cells, snapshots)
        if not cells.rows:
            return []
        if not self._is_wide:
            cells = fitted_to(cells, self._layout.columns, always=MERGED in self._headers)
        shown, widths = fitted(cells, self._layout)
        is_new = shown.headers != self._headers
        self._headers = shown.headers
        layout = replace(self._layout, least=dict(zip(shown.headers, widths, strict=True)))
        self._layout = layout
        return grid_lines(cells, replace(layout, headers=layout.headers and is_new))


def free_table(snapshots: Sequence[Snapshot], layout: Layout) -> Table:
    """Return what is free on each node."""
    return _lines(snapshots, [free_cells(snapshots)], layout), free_notes(snapshots)


def node_tables(snapshots: Sequence[Snapshot], layout: Layout) -> Table:
    """Return each node's totals and state."""
    return _lines(snapshots, summary_cells(snapshots), layout), summary_notes(snapshots)


def _lines(snapshots: Sequence[Snapshot], grids: Sequence[Grid], layout: Layout) -> list[str]:
    """Return the tables that have rows, with an empty line between them."""
    parts = [grid_lines(_named(each, snapshots), layout) for each in grids if each.rows]
    return [line for number, part in enumerate(parts) for line in ([""] if number else []) + part]


def _named(cells: Grid, snapshots: Sequence[Snapshot]) -> Grid:
    """Return the rows with the column NODE, which `dump` omits for a single node."""
    if len(snapshots) != 1:
        return cells
    node = printable(snapshots[0].node)
    return replace(cells, headers=("NODE", *cells.headers), rows=tuple((node, *row) for row in cells.rows))
