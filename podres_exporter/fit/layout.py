"""Text for people: amounts, names of NUMA nodes, tables and paragraphs of a given width."""

import textwrap
from collections.abc import Iterable, Sequence

from podres_exporter.cpuset import format_cpuset
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text

LEAST_COLUMNS = 80
"""Nothing is laid out for less: identifiers would be cut to nothing."""

_TAIL = 8
_GAP = "  "


def amount_text(resource: str, amount: int) -> str:
    """Return an amount of a resource: bytes for memory, a number for CPUs and devices."""
    return bytes_text(amount) if resource == "memory" or resource.startswith("hugepages-") else str(amount)


def cpus_text(millicores: int) -> str:
    """Return CPUs as Kubernetes writes them: `4`, `500m`."""
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def nodes_text(numa_nodes: Iterable[int]) -> str:
    """Return `node 1`, `nodes 0-1`; `no node` of none."""
    nodes = sorted(numa_nodes)
    if not nodes:
        return "no node"
    return f"{'node' if len(nodes) == 1 else 'nodes'} {format_cpuset(nodes)}"


def joined(words: Sequence[str], last: str = "and") -> str:
    """Return the words as a list in a sentence: `a, b and c`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def shortened(text: str, width: int) -> str:
    """Return the text, safe to print, without its middle where it is too long: ids differ at their ends."""
    safe = printable(text)
    if len(safe) <= width:
        return safe
    tail = min(_TAIL, (width - 2) // 2)
    return f"{safe[: width - 2 - tail]}..{safe[len(safe) - tail :]}"


def folded(items: Sequence[str], most: int) -> list[str]:
    """Return the first *most* items, and how many more there are."""
    return list(items) if len(items) <= most else [*items[:most], f"(+{len(items) - most})"]


def wrapped(text: str, columns: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Return the sentence as lines of at most *columns*; later lines begin with *hanging*. Long words are broken."""
    rest = indent if hanging is None else hanging
    return textwrap.wrap(
        text, columns, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False, break_long_words=True
    )


def table(rows: Sequence[Sequence[Sequence[str]]], columns: int, indent: str = "") -> list[str]:
    """
    Return rows of cells in columns of equal left edges; a cell is its items, which stay whole if they can.

    Items of a cell stand side by side as far as they fit and go on below. The widest columns give way first, and only
    then are items shortened. A table of more columns than any width could hold goes beyond *columns*.
    """
    count = max((len(row) for row in rows), default=0)
    space = columns - len(indent) - len(_GAP) * (count - 1)
    widths = [max((len(_line(row[place])) for row in rows if place < len(row)), default=0) for place in range(count)]
    least = [
        max((len(printable(i)) for row in rows if place < len(row) for i in row[place]), default=0)
        for place in range(count)
    ]
    widths = _narrowed(_narrowed(widths, least, space), [4] * count, space)
    return [line for row in rows for line in _row(row, widths, indent)]


def _line(cell: Sequence[str]) -> str:
    return " ".join(printable(item) for item in cell)


def _narrowed(widths: Sequence[int], least: Sequence[int], space: int) -> list[int]:
    """Return widths that fit the space as far as the *least* widths let them, the widest column narrowed first."""
    narrow = list(widths)
    while sum(narrow) > space:
        slack = [(width, place) for place, width in enumerate(narrow) if width > least[place]]
        if not slack:
            break
        narrow[max(slack)[1]] -= 1
    return narrow


def _row(cells: Sequence[Sequence[str]], widths: Sequence[int], indent: str) -> list[str]:
    stacked = [_stacked(cell, width) for cell, width in zip(cells, widths, strict=False)]
    height = max((len(lines) for lines in stacked), default=0)
    padded = [lines + [""] * (height - len(lines)) for lines in stacked]
    return [
        (indent + _GAP.join(f"{lines[place]:<{width}}" for lines, width in zip(padded, widths, strict=False))).rstrip()
        for place in range(height)
    ]


def _stacked(cell: Sequence[str], width: int) -> list[str]:
    """Return the items in lines of at most *width*."""
    lines: list[str] = []
    for item in cell:
        text = shortened(item, width)
        if lines and len(lines[-1]) + 1 + len(text) <= width:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return lines or [""]
