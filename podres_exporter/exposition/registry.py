"""Render a prometheus_client registry as text, in both formats."""

from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from podres_exporter.exposition.lines import identity
from podres_exporter.exposition.negotiation import Format

_NAMED = {"counter": "_total", "info": "_info"}
"""Suffixes that the text format adds to a family's name compared with OpenMetrics, by type."""


def registry_text(registry: CollectorRegistry, text_format: Format) -> bytes:
    """
    Return the registry as text, without the OpenMetrics end marker.

    prometheus_client's own text writer is in a module that imports HTTP servers and clients, which cost 4 MiB.
    """
    if text_format is Format.OPENMETRICS:
        openmetrics: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]  # not annotated
        return openmetrics.removesuffix(b"# EOF\n")
    texts = []
    for family in registry.collect():
        name = family.name + _NAMED.get(family.type, "")
        text = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
        kind = "gauge" if family.type == "info" else family.type
        texts.append(f"# HELP {name} {text}\n# TYPE {name} {kind}\n")
        texts += [_line(sample) for sample in family.samples]
    return "".join(texts).encode()


def _line(sample: Sample) -> str:
    """Return one sample's line."""
    labels = identity(**dict(sorted(sample.labels.items())))
    value: str = floatToGoString(sample.value)  # type: ignore[no-untyped-call]  # not annotated
    return f"{sample.name}{{{labels}}} {value}\n" if labels else f"{sample.name} {value}\n"
