"""Render snapshots as a scrape would show them, without the exporter's own counters (`dump -o prom`)."""

from collections.abc import Collection, Iterable, Sequence

from podres_exporter.exposition.lines import LineWriter, identity
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.text import AllocationWriter, page, write_rest
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import DEFAULT_COLLECTORS
from podres_exporter.families.spec import ExporterFamily, Family
from podres_exporter.model import Snapshot

DEFAULT_FAMILIES = selected(DEFAULT_COLLECTORS)


def prom_text(
    snapshots: Sequence[Snapshot], families: Collection[Family] = DEFAULT_FAMILIES, *, node_label: bool = True
) -> str:
    """
    Return the page in the text format, family by family.

    For one snapshot it is the page of that node's exporter. For several, every line has the label `node`, because the
    state of their sources would otherwise be duplicate series.
    """
    several = len(snapshots) > 1
    texts: dict[str, tuple[Family, list[str]]] = {}
    for snapshot in snapshots:
        for family, text in _written(snapshot, families, node_label=node_label or several, everywhere=several):
            texts.setdefault(family.name, (family, []))[1].append(text)
    return page([(family, "".join(parts)) for family, parts in texts.values()], Format.TEXT)


def _written(
    snapshot: Snapshot, families: Collection[Family], *, node_label: bool, everywhere: bool
) -> Iterable[tuple[Family, str]]:
    """Yield each family with its lines; with *everywhere*, the exporter's own families have the label `node` too."""
    if snapshot.allocation is not None:
        yield from AllocationWriter(families, snapshot.node, node_label=node_label).write(snapshot.allocation)
    for family, text in write_rest(snapshot, families, node_label=node_label):
        if everywhere and isinstance(family, ExporterFamily):
            yield family, LineWriter(family).write(identity(node=snapshot.node), family.rows(snapshot))
        else:
            yield family, text
