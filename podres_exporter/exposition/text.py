"""
Render families as Prometheus text: headers and sample lines.

An allocation is rendered completely whenever it changed. That is rare, takes milliseconds with thousands of devices,
and needs no second copy of the page.
"""

from collections.abc import Collection, Iterable

from podres_exporter.exposition.labelled import Labelled
from podres_exporter.exposition.lines import LineWriter, device_lines, identity
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.devices import CONTAINER_DEVICE_INFO
from podres_exporter.families.spec import (
    Concern,
    ContainerFamily,
    ExporterFamily,
    Family,
    Kind,
    NodeFamily,
    PodFamily,
    PodLabelsFamily,
    UsageFamily,
)
from podres_exporter.model import Allocation, Snapshot, Topology


def header(family: Family, text_format: Format) -> str:
    """
    Return the HELP and TYPE lines.

    Source: OpenMetrics 1.0, "Suffixes": an info or counter family is named without the `_info` or `_total` of its
    samples, and info is a type; the text format uses the samples' name and has no info type.
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
    """Renders an allocation family by family."""

    def __init__(self, families: Collection[Family], node: str, *, node_label: bool) -> None:
        """Render those of *families* that belong to an allocation; with *node_label*, the label `node` comes first."""
        self._writers = [(family, LineWriter(family)) for family in families]
        self._node = identity(node=node) if node_label else ""

    def write(self, allocation: Allocation) -> list[tuple[Family, str]]:
        """Return each family that has lines with its lines, in catalogue order within each kind."""
        found = Labelled(allocation.pods, self._node and self._node + ",")
        pods: list[tuple[Family, str]] = []
        node: list[tuple[Family, str]] = []
        for family, writer in self._writers:
            match family:
                case NodeFamily():
                    node.append((family, writer.write(self._node, family.rows(allocation))))
                case ContainerFamily():
                    pods.append((family, _of_containers(family, writer, found, allocation.topology)))
                case PodFamily():
                    held = found.pods[family.concern]
                    groups = [(prefix, family.rows(view, allocation.topology)) for prefix, view in held]
                    pods.append((family, writer.write_each(groups, found.pod_quotes)))
                case PodLabelsFamily():
                    pods.append((family, _of_labels(family, found)))
        return [(family, text) for family, text in (*pods, *node) if text]


def _of_containers(family: ContainerFamily, writer: LineWriter, found: Labelled, topology: Topology | None) -> str:
    """Return the lines of the containers that the family concerns."""
    held = found.containers[family.concern]
    if family is CONTAINER_DEVICE_INFO:
        text = device_lines(family, [(prefix, view.container.devices) for prefix, view in held])
        if text is not None:
            return text
    return writer.write_each([(prefix, family.rows(view, topology)) for prefix, view in held], found.container_quotes)


def _of_labels(family: PodLabelsFamily, found: Labelled) -> str:
    """Return a line for each pod that has labels to show."""
    pairs = [(prefix, family.pairs(view)) for prefix, view in found.pods[Concern.METADATA]]
    return "".join([f"{family.name}{{{prefix},{identity(**dict(own))}}} 1\n" for prefix, own in pairs if own])


def write_rest(snapshot: Snapshot, families: Iterable[Family], *, node_label: bool) -> list[tuple[Family, str]]:
    """Return the lines that change with every poll: running totals and the exporter's own state."""
    node = identity(node=snapshot.node) if node_label else ""
    written = [
        (family, LineWriter(family).write(node if isinstance(family, UsageFamily) else "", family.rows(snapshot)))
        for family in families
        if isinstance(family, (UsageFamily, ExporterFamily))
    ]
    return [(family, text) for family, text in written if text]


def page(written: Iterable[tuple[Family, str]], text_format: Format) -> str:
    """Return the families with their headers, without the OpenMetrics end marker."""
    return "".join([header(family, text_format) + text for family, text in written])
