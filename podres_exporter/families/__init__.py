"""The catalogue of metric families and the pure functions from the snapshot to their rows."""

from podres_exporter.families.catalogue import (
    CATALOGUE,
    COLLECTORS,
    DEFAULT_COLLECTORS,
    OFF_BY_DEFAULT,
    Sample,
    holding,
    rows,
    samples,
    selected,
)
from podres_exporter.families.spec import (
    ContainerFamily,
    ExporterFamily,
    Family,
    Kind,
    NodeFamily,
    PodFamily,
    PodLabelsFamily,
    Row,
    UsageFamily,
)

__all__ = [
    "CATALOGUE",
    "COLLECTORS",
    "DEFAULT_COLLECTORS",
    "OFF_BY_DEFAULT",
    "ContainerFamily",
    "ExporterFamily",
    "Family",
    "Kind",
    "NodeFamily",
    "PodFamily",
    "PodLabelsFamily",
    "Row",
    "Sample",
    "UsageFamily",
    "holding",
    "rows",
    "samples",
    "selected",
]
