"""
Render rows as sample lines of the Prometheus text formats.

The lines are the same in the text format 0.0.4 and in OpenMetrics 1.0; only the headers differ. Values hardly ever need
escaping, so a family is written without it and checked as a whole; if it has an unexpected quote, backslash or line
end, it is written again with escaping.
"""

from collections.abc import Collection, Iterable, Sequence

from podres_exporter.families.spec import Family, Row, nodes_text
from podres_exporter.model import Device, NumaNodes
from podres_exporter.model.shares import may_have_shares

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(value: str) -> str:
    """Escape a label value (exposition formats, "Escaping")."""
    return value.translate(_ESCAPES)


def is_plain(text: str, quotes: int, lines: int) -> bool:
    """Return whether *text*, written without escaping, is correct: the expected quotes and line ends, no backslash."""
    return text.count('"') == quotes and "\\" not in text and text.count("\n") == lines


def identity(**labels: str) -> str:
    """Return the escaped labels that begin several lines: `namespace="ml",pod="train-0"`."""
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels.items()])


class LineWriter:
    """Writes the sample lines of one family from a precompiled template."""

    def __init__(self, family: Family) -> None:
        """Compile the template."""
        own = ",".join(f'{label}="%s"' for label in family.labels)
        self._name = family.name
        self._start, self._comma, self._tail = family.name + "{", "," if own else "", own + "} %s\n"
        self._quotes = 2 * len(family.labels)

    def write(self, prefix: str, rows: Collection[Row]) -> str:
        """Return the lines of *rows*; *prefix* has the escaped labels before the family's own, or is empty."""
        if not prefix and not self._quotes:
            return "".join([f"{self._name} {value}\n" for (value,) in rows])
        head = f"{self._start}{prefix}{self._comma if prefix else ''}"
        return self._joined(head, "", [("", rows)], prefix.count('"'))

    def write_each(self, groups: Collection[tuple[str, Collection[Row]]], quotes: int) -> str:
        """Return the lines of grouped rows, each group with its prefix; an unescaped prefix has this many quotes."""
        return self._joined(self._start, self._comma, groups, quotes)

    def _joined(self, head: str, comma: str, groups: Collection[tuple[str, Collection[Row]]], quotes: int) -> str:
        """Return the lines, escaped if needed."""
        tail = comma + self._tail
        lines = [head + prefix + tail % row for prefix, rows in groups for row in rows]
        text = "".join(lines)
        if is_plain(text, (quotes + self._quotes) * len(lines), len(lines)):
            return text
        return "".join([head + prefix + tail % _escaped(row) for prefix, rows in groups for row in rows])


def _escaped(row: Row) -> Row:
    """Return the row with escaped texts."""
    return tuple([escape(value) if isinstance(value, str) else value for value in row])


class _NodeTexts(dict[NumaNodes, str]):
    """A cache of the label text of each set of NUMA nodes; a node has a handful of them."""

    def __missing__(self, nodes: NumaNodes) -> str:
        """Render and cache the text."""
        text = self[nodes] = nodes_text(nodes)
        return text


def device_lines(family: Family, held: Iterable[tuple[str, Sequence[Device]]]) -> str | None:
    """
    Fast path of podres_container_device_info, of which a node has thousands of lines.

    Label names and order are the *family*'s; *held* are the devices of each container with its labels. Returns the same
    lines as LineWriter, or None if a line needs escaping or an id may be a replica.
    """
    texts = _NodeTexts()
    resource, device, base, replica, numa_nodes = (f'{label}="' for label in family.labels)
    to_device, to_base, to_nodes = f'",{device}', f'",{base}', f'",{replica}",{numa_nodes}'
    lines: list[str] = []
    for prefix, devices in held:
        values = "".join([device.device_id for device in devices] + [device.resource for device in devices])
        if '"' in values or "\\" in values or "\n" in values or may_have_shares(values):
            return None
        head = f"{family.name}{{{prefix},{resource}"
        lines += [
            f"{head}{each.resource}{to_device}{each.device_id}{to_base}{each.device_id}{to_nodes}"
            f'{texts[each.numa_nodes]}"}} 1\n'
            for each in devices
        ]
    return "".join(lines)
