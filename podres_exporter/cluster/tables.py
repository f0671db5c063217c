"""The tables of `dump` for a cluster: the node is always named, even where only one has answered."""

from collections.abc import Sequence
from dataclasses import replace

from podres_exporter.dump import (
    Grid,
    Style,
    Tone,
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
from podres_exporter.model import Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.words import ENDLESS, sentence_lines


def holder_lines(
    snapshots: Sequence[Snapshot], *, columns: int, style: Style, is_wide: bool, everything: bool = False
) -> list[str]:
    """Return who holds what; *is_wide*: one row for each thing, in lines as long as it takes."""
    if is_wide:
        return _lines(snapshots, [wide_cells(snapshots)], wide_notes(snapshots), (ENDLESS, columns), style)
    cells = table_cells(snapshots, everything=everything)
    return _lines(snapshots, [cells], table_notes(snapshots), (columns, columns), style)


def free_table(snapshots: Sequence[Snapshot], *, columns: int, style: Style) -> list[str]:
    """Return what is left of everything on each node."""
    return _lines(snapshots, [free_cells(snapshots)], free_notes(snapshots), (columns, columns), style)


def node_tables(snapshots: Sequence[Snapshot], *, columns: int, style: Style) -> list[str]:
    """Return how much each node has, and how it is."""
    return _lines(snapshots, summary_cells(snapshots), summary_notes(snapshots), (columns, columns), style)


def _lines(
    snapshots: Sequence[Snapshot], grids: Sequence[Grid], notes: Sequence[str], widths: tuple[int, int], style: Style
) -> list[str]:
    """Return the tables that have rows, and the sentences below them; *widths* are those of tables and sentences."""
    parts = [grid_lines(_named(each, snapshots), widths[0], style) for each in grids if each.rows]
    sentences = [style.paint(line, Tone.WARN) for note in notes for line in sentence_lines(note, widths[1])]
    parts += [sentences] if sentences else []
    return [line for number, part in enumerate(parts) for line in ([""] if number else []) + part]


def _named(cells: Grid, snapshots: Sequence[Snapshot]) -> Grid:
    """Return the cells with the column NODE, which dump leaves out for a single node."""
    if len(snapshots) != 1:
        return cells
    node = printable(snapshots[0].node)
    return replace(cells, headers=("NODE", *cells.headers), rows=tuple((node, *row) for row in cells.rows))
