"""Tables with a header: lay out cells in columns and fit them to the width of a terminal."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from podres_exporter.model import Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.amounts import NONE, UNKNOWN
from podres_exporter.text.style import PLAIN, Style, Tone, tone_of
from podres_exporter.text.words import LEAST_COLUMNS, joined, shortened

_LEAST_WIDTH = 4
_GAP = "  "
_PIECE = re.compile(r"[^,]+,? *|, *")

_DIGITS = re.compile(r"([0-9]+)")

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A table before layout. Cells are safe to print; a cell with several items separates them with commas.

    *right* are the headers of right-aligned columns, *spare* those of columns that are dropped if there is no room.
    """

    headers: Row
    rows: tuple[Row, ...]
    right: frozenset[str] = frozenset()
    spare: tuple[str, ...] = ()

    def keeping(self, is_kept: Callable[[str, Row], bool]) -> "Grid":
        """Return the grid with only the columns for which *is_kept* returns true, given a header and its cells."""
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.headers)
        places = [place for place, header in enumerate(self.headers) if is_kept(header, columns[place])]
        headers = tuple(self.headers[place] for place in places)
        return replace(self, headers=headers, rows=tuple(tuple(row[place] for place in places) for row in self.rows))

    def without_empty(self, headers: Collection[str]) -> "Grid":
        """Return the grid without those of the named columns that are empty in every row."""
        return self.keeping(lambda header, cells: header not in headers or not {NONE, UNKNOWN}.issuperset(cells))

    def sorted_by(self, header: str) -> "Grid":
        """Return the grid with its rows sorted by that column, numbers by size; unchanged if it has no such column."""
        if header not in self.headers:
            return self
        place = self.headers.index(header)
        return replace(self, rows=tuple(sorted(self.rows, key=lambda row: _sort_key(row[place]))))

    def without(self, name: str) -> "Grid":
        """Return the grid without the column of that name."""
        return self.keeping(lambda header, _cells: header != name)


@dataclass(frozen=True, slots=True)
class Layout:
    """
    How a table is printed: *columns* is the terminal's width, *sort_by* a header (empty: keep the order).

    *least* are the least widths of columns by header, for a table that goes on below what was printed before.
    """

    columns: int = 120
    style: Style = PLAIN
    headers: bool = True
    sort_by: str = ""
    least: Mapping[str, int] = field(default_factory=dict)


DEFAULT = Layout()


def grid(
    snapshots: Sequence[Snapshot],
    headers: Row,
    rows_of: Callable[[Snapshot], Iterable[Row]],
    right: Collection[str] = (),
    spare: Row = (),
) -> Grid:
    """Return the rows of all snapshots; if there are several, the node's name comes first."""
    rows = tuple((printable(each.node), *row) for each in snapshots for row in rows_of(each))
    whole = Grid(("NODE", *headers), rows, frozenset(right), spare)
    return whole if len(snapshots) > 1 else whole.without("NODE")


def grid_lines(table: Grid, layout: Layout) -> list[str]:
    """
    Return the header and the rows as lines that fit the terminal, if that is possible without cutting a name.

    If the table is too wide, spare columns are dropped first; then cells with several items are wrapped, the widest
    column first. A name is never cut: people paste it into another command.
    """
    style = layout.style
    table, widths = fitted(table, layout)
    lines = _row_lines(table, table.headers, widths, lambda _header, _cell, text: style.paint(text, Tone.HEADER))
    for row in table.rows:
        lines += _row_lines(table, row, widths, lambda header, cell, text: style.paint(text, tone_of(header, cell)))
    return lines if layout.headers else lines[1:]


def fitted(table: Grid, layout: Layout) -> tuple[Grid, list[int]]:
    """Return what is printed of a table, and how wide its columns are."""
    table = _without_spare(table.sorted_by(layout.sort_by), layout.columns)
    natural = [max(width, layout.least.get(name, 0)) for name, width in zip(table.headers, _widths(table), strict=True)]
    return table, narrowed(natural, _folded_widths(table), _space(table, layout.columns))


def room_notes(table: Grid, layout: Layout, instead: str) -> list[str]:
    """Return a sentence on the columns that are dropped for lack of room; *instead* is the flag that shows them."""
    shown = _without_spare(table, layout.columns).headers
    dropped = [header for header in table.headers if header not in shown]
    return [f"no room for {joined(dropped)}: widen the terminal, or use {instead}"] if dropped else []


def _without_spare(table: Grid, columns: int) -> Grid:
    for name in reversed(table.spare):
        if sum(_widths(table)) > _space(table, columns):
            table = table.without(name)
    return table


def _sort_key(cell: str) -> tuple[bool, list[tuple[int, str]]]:
    """Return a sort key that puts `node9` before `node10`, and unknown or missing values last."""
    parts = [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(cell) if part]
    return cell in {NONE, UNKNOWN}, parts


def fits(table: Grid, columns: int) -> bool:
    """Return whether the table fits once cells are wrapped and spare columns dropped."""
    for name in table.spare:
        table = table.without(name)
    return sum(_folded_widths(table)) <= _space(table, columns)


def _folded_widths(table: Grid) -> list[int]:
    """Return the column widths needed to keep every item whole."""
    return [
        max(len(header), *(len(piece.rstrip()) for row in table.rows for piece in _pieces(row[place])), _LEAST_WIDTH)
        for place, header in enumerate(table.headers)
    ]


def _space(table: Grid, columns: int) -> int:
    """Return how many characters the cells of a row may take in total."""
    return max(columns, LEAST_COLUMNS) - len(_GAP) * (len(table.headers) - 1)


def _widths(table: Grid) -> list[int]:
    return [max(map(len, cells)) for cells in zip(table.headers, *table.rows, strict=True)]


def narrowed(widths: Sequence[int], least: Sequence[int], space: int) -> list[int]:
    """Return widths that fit the space as far as the *least* widths allow, the widest column narrowed first."""
    narrow = list(widths)
    while sum(narrow) > space:
        slack = [(width, place) for place, width in enumerate(narrow) if width > least[place]]
        if not slack:
            break
        narrow[max(slack)[1]] -= 1
    return narrow


def _row_lines(table: Grid, row: Row, widths: Sequence[int], paint: Callable[[str, str, str], str]) -> list[str]:
    """Return one row as lines, as many as its tallest cell has."""
    stacks = [_stacked(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for index in range(max(map(len, stacks))):
        texts = [stack[index] if index < len(stack) else "" for stack in stacks]
        last = max((place for place, text in enumerate(texts) if text), default=0)
        parts = []
        for place, text in enumerate(texts[: last + 1]):
            header = table.headers[place]
            padding = " " * (widths[place] - len(text))
            painted = paint(header, row[place], text)
            parts.append(padding + painted if header in table.right else painted + padding * (place < last))
        lines.append(_GAP.join(parts))
    return lines


def _stacked(cell: str, width: int) -> list[str]:
    """Return the cell as lines of at most *width*, broken after commas."""
    lines: list[str] = [""]
    for piece in _pieces(cell):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append(piece)
        else:
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _pieces(cell: str) -> list[str]:
    """Return the parts of a cell that stay whole, with their trailing commas."""
    return _PIECE.findall(cell)


def table(rows: Sequence[Sequence[Sequence[str]]], columns: int, indent: str = "") -> list[str]:
    """
    Return rows of cells in left-aligned columns; a cell is a sequence of items, which stay whole if possible.

    Items of a cell are placed side by side as far as they fit and continue on the next line. The widest columns are
    narrowed first; items are shortened only after that. A table with too many columns exceeds *columns*.
    """
    count = max((len(row) for row in rows), default=0)
    space = columns - len(indent) - len(_GAP) * (count - 1)
    widths = [max((len(_line(row[place])) for row in rows if place < len(row)), default=0) for place in range(count)]
    least = [
        max((len(printable(i)) for row in rows if place < len(row) for i in row[place]), default=0)
        for place in range(count)
    ]
    widths = narrowed(narrowed(widths, least, space), [4] * count, space)
    return [line for row in rows for line in _row(row, widths, indent)]


def _line(cell: Sequence[str]) -> str:
    return " ".join(printable(item) for item in cell)


def _row(cells: Sequence[Sequence[str]], widths: Sequence[int], indent: str) -> list[str]:
    stacked = [_item_lines(cell, width) for cell, width in zip(cells, widths, strict=False)]
    height = max((len(lines) for lines in stacked), default=0)
    padded = [lines + [""] * (height - len(lines)) for lines in stacked]
    return [
        (indent + _GAP.join(f"{lines[place]:<{width}}" for lines, width in zip(padded, widths, strict=False))).rstrip()
        for place in range(height)
    ]


def _item_lines(cell: Sequence[str], width: int) -> list[str]:
    """Return the items as lines of at most *width*."""
    lines: list[str] = []
    for item in cell:
        text = shortened(item, width)
        if lines and len(lines[-1]) + 1 + len(text) <= width:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return lines or [""]
