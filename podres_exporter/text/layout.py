"""Tables without a header, for cells with several items: used by `fit` and `explain`."""

from collections.abc import Sequence

from podres_exporter.printable import printable
from podres_exporter.text.grid import narrowed
from podres_exporter.text.words import shortened

_GAP = "  "


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
    stacked = [_stacked(cell, width) for cell, width in zip(cells, widths, strict=False)]
    height = max((len(lines) for lines in stacked), default=0)
    padded = [lines + [""] * (height - len(lines)) for lines in stacked]
    return [
        (indent + _GAP.join(f"{lines[place]:<{width}}" for lines, width in zip(padded, widths, strict=False))).rstrip()
        for place in range(height)
    ]


def _stacked(cell: Sequence[str], width: int) -> list[str]:
    """Return the items as lines of at most *width*."""
    lines: list[str] = []
    for item in cell:
        text = shortened(item, width)
        if lines and len(lines[-1]) + 1 + len(text) <= width:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return lines or [""]
