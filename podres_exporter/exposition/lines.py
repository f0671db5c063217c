"""
Rows to sample lines.

The lines are the same in the text format 0.0.4 and in OpenMetrics 1.0; only what stands above them differs. Values
hardly ever need escaping, so a family is written without and looked at as a whole; if a quote, a backslash or a line
end is one too many, it is written again with care.
"""

from collections.abc import Collection, Iterable, Sequence

from podres_exporter.families import Family, Row, nodes_text
from podres_exporter.model import Device, NumaNodes
from podres_exporter.model.shares import may_have_shares

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(value: str) -> str:
    """Return a label value as it stands between quotes (exposition formats, "Escaping")."""
    return value.translate(_ESCAPES)


def is_plain(text: str, quotes: int, lines: int) -> bool:
    """Tell whether *text* was right to be written without escaping: so many quotes and line ends, no backslash."""
    return text.count('"') == quotes and "\\" not in text and text.count("\n") == lines


def identity(**labels: str) -> str:
    """Return the labels that several lines begin with, escaped: `namespace="ml",pod="train-0"`."""
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels.items()])


class LineWriter:
    """Writes the sample lines of one family, by a template that is made once."""

    def __init__(self, family: Family) -> None:
        """Make the template."""
        own = ",".join(f'{label}="%s"' for label in family.labels)
        self._name = family.name
        self._start, self._comma, self._tail = family.name + "{", "," if own else "", own + "} %s\n"
        self._quotes = 2 * len(family.labels)

    def write(self, prefix: str, rows: Collection[Row]) -> str:
        """Return the lines of *rows*; *prefix* has the labels that come before the family's own, escaped, or none."""
        if not prefix and not self._quotes:
            return "".join([f"{self._name} {value}\n" for (value,) in rows])
        head = f"{self._start}{prefix}{self._comma if prefix else ''}"
        return self._joined(head, "", [("", rows)], prefix.count('"'))

    def write_each(self, groups: Collection[tuple[str, Collection[Row]]], quotes: int) -> str:
        """Return the lines of rows behind the prefix of each group; a plain prefix has so many quotes."""
        return self._joined(self._start, self._comma, groups, quotes)

    def _joined(self, head: str, comma: str, groups: Collection[tuple[str, Collection[Row]]], quotes: int) -> str:
        """Return the lines, escaped where they must be."""
        tail = comma + self._tail
        lines = [head + prefix + tail % row for prefix, rows in groups for row in rows]
        text = "".join(lines)
        if is_plain(text, (quotes + self._quotes) * len(lines), len(lines)):
            return text
        return "".join([head + prefix + tail % _escaped(row) for prefix, rows in groups for row in rows])


def _escaped(row: Row) -> Row:
    """Return the row with its texts escaped."""
    return tuple([escape(value) if isinstance(value, str) else value for value in row])


class _NodeTexts(dict[NumaNodes, str]):
    """The label text of each set of NUMA nodes; a node has a handful of them."""

    def __missing__(self, nodes: NumaNodes) -> str:
        """Return the text, and keep it."""
        text = self[nodes] = nodes_text(nodes)
        return text


def device_lines(family: Family, held: Iterable[tuple[str, Sequence[Device]]]) -> str | None:
    """
    Return the lines of podres_container_device_info, of which a node has thousands, as LineWriter would write them.

    Names and order of the labels are the *family*'s; *held* are the devices of each container behind its labels. None
    where a line needs more than to be written down: something to escape, or an id that may be a replica's.
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
