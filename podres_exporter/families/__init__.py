"""The catalogue of metric families and the pure functions from the snapshot to their rows."""

from podres_exporter.families.catalogue import (
    CATALOGUE,
    COLLECTORS,
    DEFAULT_COLLECTORS,
    OFF_BY_DEFAULT,
    Sample,
    container_views,
    rows,
    samples,
    selected,
)
from podres_exporter.families.spec import (
    ContainerFamily,
    ContainerView,
    ExporterFamily,
    Family,
    Kind,
    NodeFamily,
    PodFamily,
    Row,
    UsageFamily,
)

__all__ = [
    "CATALOGUE",
    "COLLECTORS",
    "DEFAULT_COLLECTORS",
    "OFF_BY_DEFAULT",
    "ContainerFamily",
    "ContainerView",
    "ExporterFamily",
    "Family",
    "Kind",
    "NodeFamily",
    "PodFamily",
    "Row",
    "Sample",
    "UsageFamily",
    "container_views",
    "rows",
    "samples",
    "selected",
]
