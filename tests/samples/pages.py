"""Metrics pages for tests, parsed by prometheus_client."""

from collections.abc import Collection
from textwrap import dedent

from family_samples import samples
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.text import AllocationWriter, page, write_rest
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.spec import Family
from podres_exporter.model import Snapshot

Series = tuple[str, tuple[tuple[str, str], ...], float]
"""Name, labels in alphabetical order, value."""


def whole_page(
    snapshot: Snapshot, families: Collection[Family], text_format: Format, *, node_label: bool = True
) -> str:
    """Return the page of a snapshot without the exporter's own registry, as a scrape would get it."""
    allocation = snapshot.allocation
    writer = AllocationWriter(families, snapshot.node, node_label=node_label)
    written = [] if allocation is None else writer.write(allocation)
    rest = write_rest(snapshot, families, node_label=node_label)
    return page([*written, *rest], text_format) + ("# EOF\n" if text_format is Format.OPENMETRICS else "")


def sample_lines(snapshot: Snapshot, *names: str, node_label: bool = False) -> str:
    """Return the sample lines of the named families, after a newline so that a dedented literal compares equal."""
    families = [family for family in CATALOGUE if family.name in names]
    text = whole_page(snapshot, families, Format.TEXT, node_label=node_label)
    return "\n" + "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def wanted(text: str) -> str:
    """Return an indented literal as it would stand on the page."""
    return dedent(text)


def read_back(text: str, text_format: Format) -> list[Series]:
    """Return every sample that prometheus_client's parser of this format finds, sorted."""
    return sorted(
        (sample.name, tuple(sorted(sample.labels.items())), float(sample.value))
        for family in parsed(text, text_format)
        for sample in family.samples
    )


def parsed(text: str, text_format: Format) -> list[Metric]:
    """Return the families that prometheus_client's parser of this format finds, in the order of the page."""
    if text_format is Format.TEXT:
        return list(read_text(text))
    return list(read_openmetrics(text))  # type: ignore[no-untyped-call]  # prometheus_client does not annotate it


def said_by(snapshot: Snapshot, families: Collection[Family], *, node_label: bool = True) -> list[Series]:
    """Return the samples of the snapshot as `read_back` returns those of its page."""
    found = samples(snapshot, families, node_label=node_label)
    return sorted((sample.name, tuple(sorted(sample.labels)), sample.value) for sample in found)
