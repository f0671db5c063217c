"""The definition of a metric family: name, help and labels as data, rows as a pure function of the snapshot."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import Allocation, ContainerView, PodView, Snapshot, Topology

Row = tuple[str | int | float, ...]
"""The values of a family's own labels, in order, followed by the sample's value."""


class Kind(StrEnum):
    """Metric type; an info is a constant 1 and a gauge in the text format, which has no info type."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """
    One metric family.

    *name* is the name of its samples, suffix `_info` or `_total` included. *labels* are its own labels; the subclass
    defines the labels before them. *collector* is the switch it belongs to. Names and labels are a public contract; all
    are experimental until 1.0.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    collector: str

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Every label except `node`, in page order."""
        return self.labels


class Concern(StrEnum):
    """What a family's rows are about; a container or pod without it has no rows and is skipped."""

    ANYTHING = "anything that it holds"
    DEVICES = "devices"
    CPUS = "exclusive CPUs"
    MEMORY = "memory blocks"
    CLAIMS = "claims"
    HEALTH = "health of devices"
    METADATA = "pod metadata"
    REQUESTS = "what the pod's containers asked for"


@dataclass(frozen=True, slots=True)
class ContainerFamily(Family):
    """Rows of one container that holds something, after the labels `namespace`, `pod`, `container`."""

    rows: Callable[[ContainerView, Topology | None], Collection[Row]]
    concern: Concern

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The container's identity and the family's own."""
        return ("namespace", "pod", "container", *self.labels)


@dataclass(frozen=True, slots=True)
class PodFamily(Family):
    """Rows of one pod, after the labels `namespace`, `pod`."""

    rows: Callable[[PodView, Topology | None], Collection[Row]]
    concern: Concern

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The pod's identity and the family's own."""
        return ("namespace", "pod", *self.labels)


@dataclass(frozen=True, slots=True)
class PodLabelsFamily(Family):
    """One row per pod with value 1, whose label names depend on the pod; labels `namespace`, `pod` come first."""

    pairs: Callable[[PodView], Collection[tuple[str, str]]]

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The pod's identity; *labels* represents those that differ from pod to pod."""
        return ("namespace", "pod", *self.labels)


@dataclass(frozen=True, slots=True)
class NodeFamily(Family):
    """Rows of the whole node."""

    rows: Callable[[Allocation], Collection[Row]]


@dataclass(frozen=True, slots=True)
class ExporterFamily(Family):
    """Rows about the exporter and its sources, without `node` label and shown even without an allocation."""

    rows: Callable[[Snapshot], Collection[Row]]


@dataclass(frozen=True, slots=True)
class UsageFamily(Family):
    """Running totals; they remain when the allocation is too old to show, because counters must not disappear."""

    rows: Callable[[Snapshot], Collection[Row]]


@lru_cache(maxsize=1024)
def nodes_text(nodes: CpuSet) -> str:
    """Return a node set as CPU-list text, empty if none is stated; cached, because few sets exist."""
    return format_cpuset(nodes)


def by_node(cpus: CpuSet, topology: Topology | None) -> list[tuple[str, CpuSet]]:
    """Return the CPUs by NUMA node as label text; CPUs of no known node are under the empty text."""
    if not cpus:
        return []
    if topology is None:
        return [("", cpus)]
    return [("" if node is None else str(node), held) for node, held in topology.split(cpus)]
