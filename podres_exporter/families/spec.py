"""What a metric family is: its name and meaning as data, its rows as a pure function of the snapshot."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import Allocation, ContainerView, PodView, Snapshot, Topology

Row = tuple[str | int | float, ...]
"""The values of a family's own labels, in order, and last the sample's value."""


class Kind(StrEnum):
    """Metric type; an info is a constant 1 and is a gauge in the text format, which has no infos."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """
    One metric family.

    *name* is the name of its samples, suffix `_info` or `_total` included. *labels* are its own labels; which labels
    come before them, its subclass says. *collector* is the switch it belongs to. Names and labels are a public
    contract; all are experimental until 1.0.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    collector: str

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Every label beside `node`, in the order of the page."""
        return self.labels


class Concern(StrEnum):
    """What rows of a container or pod are about; one that has none of it has no rows there, and need not be asked."""

    ANYTHING = "anything that it holds"
    DEVICES = "devices"
    CPUS = "exclusive CPUs"
    MEMORY = "memory blocks"
    CLAIMS = "claims"
    HEALTH = "health of devices"
    METADATA = "what the API server says of the pod"
    REQUESTS = "what the pod's containers asked for"


@dataclass(frozen=True, slots=True)
class ContainerFamily(Family):
    """Rows of one container that holds something; labels `namespace`, `pod`, `container` come first."""

    rows: Callable[[ContainerView, Topology | None], Collection[Row]]
    concern: Concern

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The container's identity and the family's own."""
        return ("namespace", "pod", "container", *self.labels)


@dataclass(frozen=True, slots=True)
class PodFamily(Family):
    """Rows of one pod; labels `namespace`, `pod` come first."""

    rows: Callable[[PodView, Topology | None], Collection[Row]]
    concern: Concern

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The pod's identity and the family's own."""
        return ("namespace", "pod", *self.labels)


@dataclass(frozen=True, slots=True)
class PodLabelsFamily(Family):
    """One row per pod, of value 1, whose label names are the pod's own; labels `namespace`, `pod` come first."""

    pairs: Callable[[PodView], Collection[tuple[str, str]]]

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The pod's identity; *labels* stands for those that differ from pod to pod."""
        return ("namespace", "pod", *self.labels)


@dataclass(frozen=True, slots=True)
class NodeFamily(Family):
    """Rows of the whole node."""

    rows: Callable[[Allocation], Collection[Row]]


@dataclass(frozen=True, slots=True)
class ExporterFamily(Family):
    """Rows about the snapshot itself, shown without the `node` label whether there is an allocation to show or not."""

    rows: Callable[[Snapshot], Collection[Row]]


@dataclass(frozen=True, slots=True)
class UsageFamily(Family):
    """Running totals of the snapshot; they stay when the allocation is too old to show, as a counter must."""

    rows: Callable[[Snapshot], Collection[Row]]


@lru_cache(maxsize=1024)
def nodes_text(nodes: CpuSet) -> str:
    """Return a node set as CPU-list text, empty where nothing is stated; few sets exist, so the texts are kept."""
    return format_cpuset(nodes)


def by_node(cpus: CpuSet, topology: Topology | None) -> list[tuple[str, CpuSet]]:
    """Return the CPUs by NUMA node as label text; under the empty text those of no known node."""
    if not cpus:
        return []
    if topology is None:
        return [("", cpus)]
    return [("" if node is None else str(node), held) for node, held in topology.split(cpus)]
