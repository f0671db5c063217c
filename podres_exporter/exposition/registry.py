"""A registry of prometheus_client to text, in both formats."""

from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from podres_exporter.exposition.lines import identity
from podres_exporter.exposition.negotiation import Format

_NAMED = {"counter": "_total", "info": "_info"}
"""What the text format calls a family more than OpenMetrics does, by type."""


def registry_text(registry: CollectorRegistry, text_format: Format) -> bytes:
    """
    Return the registry's page, without what ends an OpenMetrics page.

    prometheus_client's own writer of the text format lives among its HTTP servers and clients, which cost 4 MiB.
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
