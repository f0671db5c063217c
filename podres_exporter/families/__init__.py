"""The catalogue of metric families, and the pure functions that compute their rows from a snapshot."""

from podres_exporter.families.catalogue import (
    CATALOGUE,
    COLLECTORS,
    DEFAULT_COLLECTORS,
    OFF_BY_DEFAULT,
    selected,
)
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
    Row,
    UsageFamily,
    nodes_text,
)

__all__ = [
    "CATALOGUE",
    "COLLECTORS",
    "CONTAINER_DEVICE_INFO",
    "DEFAULT_COLLECTORS",
    "OFF_BY_DEFAULT",
    "Concern",
    "ContainerFamily",
    "ExporterFamily",
    "Family",
    "Kind",
    "NodeFamily",
    "PodFamily",
    "PodLabelsFamily",
    "Row",
    "UsageFamily",
    "nodes_text",
    "selected",
]
