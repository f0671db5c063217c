"""
Rows to sample lines.

The lines are the same in the text format 0.0.4 and in OpenMetrics 1.0; only what stands above them differs. A node has
thousands of rows and hardly any change between polls, so a pod's lines are kept as long as its view is the same record,
and lines are written with one template per family and one prefix per container.
"""

from collections.abc import Collection, Iterable

from podres_exporter.exposition.negotiation import Format
from podres_exporter.families import (
    ContainerFamily,
    ExporterFamily,
    Family,
    Kind,
    NodeFamily,
    PodFamily,
    PodLabelsFamily,
    Row,
    UsageFamily,
    holding,
)
from podres_exporter.model import Allocation, PodView, Snapshot, Topology

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(value: str) -> str:
    """Return a label value as it stands between quotes (exposition formats, "Escaping")."""
    return value.translate(_ESCAPES)


def identity(**labels: str) -> str:
    """Return the labels that several lines begin with, escaped: `namespace="ml",pod="train-0"`."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in labels.items())


class LineWriter:
    """Writes the sample lines of one family, by a template that is made once."""

    def __init__(self, family: Family) -> None:
        """Make the template."""
        own = ",".join(f'{label}="%s"' for label in family.labels)
        self._name = family.name
        self._start, self._comma, self._tail = family.name + "{", "," if own else "", own + "} %s\n"
        self._quotes = 2 * len(family.labels)

    def write(self, prefix: str, rows: Collection[Row]) -> str:
        """
        Return the lines of *rows*; *prefix* has the labels that come before the family's own, escaped.

        Values hardly ever need escaping, so the text is written without and looked at as a whole: a quote too many, a
        backslash or a line too many sends it through the slow way.
        """
        if not rows:
            return ""
        if not prefix and not self._quotes:
            return "".join([f"{self._name} {value}\n" for (value,) in rows])
        head = f"{self._start}{prefix}{self._comma if prefix else ''}"
        tail, count = self._tail, len(rows)
        parts = [tail % row for row in rows]
        body = "".join(parts)
        if body.count('"') != self._quotes * count or "\\" in body or body.count("\n") != count:
            parts = [tail % tuple(escape(v) if isinstance(v, str) else v for v in row) for row in rows]
        return head + head.join(parts)


def header(family: Family, text_format: Format) -> str:
    """
    Return the HELP and TYPE lines.

    Source: OpenMetrics 1.0, "Suffixes": a family of infos or counters is named without the `_info` or `_total` of its
    samples, and infos have a type of their own; the text format names the samples and knows no infos.
    """
    name, kind = family.name, family.kind
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if text_format is Format.OPENMETRICS:
        name = name.removesuffix("_info" if kind is Kind.INFO else "_total" if kind is Kind.COUNTER else "")
        text = text.replace('"', r"\"")
    elif kind is Kind.INFO:
        kind = Kind.GAUGE
    return f"# HELP {name} {text}\n# TYPE {name} {kind.value}\n"


class AllocationWriter:
    """Writes what an allocation says, family by family; keeps the lines of pods whose view stays the same record."""

    def __init__(self, families: Collection[Family], node: str, *, node_label: bool) -> None:
        """Write the families of *families* that an allocation has; with *node_label*, label `node` comes first."""
        self._per_pod = [
            (f, LineWriter(f)) for f in families if isinstance(f, (ContainerFamily, PodFamily, PodLabelsFamily))
        ]
        self._of_node = [(f, LineWriter(f)) for f in families if isinstance(f, NodeFamily)]
        self._node = {"node": node} if node_label else {}
        self._topology: Topology | None = None
        self._kept: dict[int, tuple[PodView, tuple[str, ...]]] = {}

    def write(self, allocation: Allocation) -> list[tuple[Family, str]]:
        """Return each family that has lines with its lines, in the order of the catalogue within each kind."""
        if allocation.topology != self._topology:
            self._kept, self._topology = {}, allocation.topology
        kept = {
            id(view): self._kept.get(id(view)) or (view, self._pod(view, allocation.topology))
            for view in allocation.pods
        }
        self._kept = kept
        by_pod = [texts for _, texts in kept.values()]
        written: list[tuple[Family, str]] = [
            (family, "".join([texts[position] for texts in by_pod]))
            for position, (family, _) in enumerate(self._per_pod)
        ]
        prefix = identity(**self._node)
        written += [(family, writer.write(prefix, family.rows(allocation))) for family, writer in self._of_node]
        return [(family, text) for family, text in written if text]

    def _pod(self, view: PodView, topology: Topology | None) -> tuple[str, ...]:
        """Return the pod's lines, one text per family."""
        pod = identity(**self._node, namespace=view.pod.namespace, pod=view.pod.name)
        containers = [(f"{pod},{identity(container=each.container.name)}", each) for each in holding(view)]
        texts = []
        for family, writer in self._per_pod:
            match family:
                case ContainerFamily():
                    lines = [writer.write(prefix, family.rows(each, topology)) for prefix, each in containers]
                    texts.append("".join(lines))
                case PodFamily():
                    texts.append(writer.write(pod, family.rows(view, topology)))
                case PodLabelsFamily():
                    pairs = family.pairs(view)
                    texts.append(f"{family.name}{{{pod},{identity(**dict(pairs))}}} 1\n" if pairs else "")
        return tuple(texts)


def write_rest(snapshot: Snapshot, families: Iterable[Family], *, node_label: bool) -> list[tuple[Family, str]]:
    """Return the lines of what changes with every poll: running totals, and what is said of the exporter itself."""
    node = identity(node=snapshot.node) if node_label else ""
    written = [
        (family, LineWriter(family).write(node if isinstance(family, UsageFamily) else "", family.rows(snapshot)))
        for family in families
        if isinstance(family, (UsageFamily, ExporterFamily))
    ]
    return [(family, text) for family, text in written if text]


def page(written: Iterable[tuple[Family, str]], text_format: Format) -> str:
    """Return the families with their headers; what ends an OpenMetrics page is not part of it."""
    return "".join([header(family, text_format) + text for family, text in written])
