"""Every metric family this exporter can show, in the order of the page. A public contract: see CHANGELOG."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from podres_exporter.families import alignment, claims, cpus, devices, health, memory, own, pods, unlisted, usage
from podres_exporter.families.spec import (
    ContainerFamily,
    ExporterFamily,
    Family,
    NodeFamily,
    PodFamily,
    PodLabelsFamily,
    Row,
    UsageFamily,
)
from podres_exporter.model import ContainerView, PodView, Snapshot

CATALOGUE: tuple[Family, ...] = (
    *devices.FAMILIES,
    *cpus.FAMILIES,
    *unlisted.FAMILIES,
    *memory.FAMILIES,
    *claims.FAMILIES,
    *alignment.FAMILIES,
    *pods.FAMILIES,
    *usage.FAMILIES,
    *health.FAMILIES,
    *own.FAMILIES,
)
COLLECTORS = {
    "devices": "the device-plugin devices of each container",
    "health": "the health that pods' status gives their devices (API server)",
    "cpus": "the exclusive CPUs of each container and pod",
    "cpu-info": "one series for each exclusive CPU",
    "memory": "the memory blocks and huge pages of each container and pod",
    "claims": "the DRA claim devices of each container",
    "alignment": "how well each container sits on the NUMA nodes",
    "pods": "who the pods are: uid, owner, workload, allowed labels (API server)",
    "requests": "what containers asked for, and what of it they do not show (API server)",
    "node-devices": "what the node has of each resource, and what is free",
    "node-cpus": "the node's allocatable and exclusive CPUs and the shared pool",
    "node-memory": "the node's allocatable and granted memory and huge pages",
    "usage": "running totals of device-seconds and CPU-seconds by namespace and workload",
    "exporter": "the exporter's sources, calls and build",
    "process": "the process_* metrics of the exporter's process",
}
"""Every switch with what it shows; `process` is prometheus_client's, the rest have the families of that collector."""
OFF_BY_DEFAULT = frozenset({"cpu-info"})
DEFAULT_COLLECTORS = frozenset(COLLECTORS) - OFF_BY_DEFAULT


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its name, its labels in order, and its value."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def selected(collectors: Collection[str]) -> tuple[Family, ...]:
    """Return the families of the collectors that are on, in the order of the page."""
    return tuple(family for family in CATALOGUE if family.collector in collectors)


def holding(view: PodView) -> list[ContainerView]:
    """Return the pod's containers that hold something; the others have no rows."""
    return [each for each in view.containers if not each.container.holds_nothing]


def rows(family: Family, snapshot: Snapshot) -> Iterator[Row]:
    """
    Yield the rows of a family with the values of all its labels, `node` left out.

    Nothing where the snapshot has no allocation to show, but for what is said of the exporter itself. The counters of
    `own` have no rows: they are not in the snapshot. Pods' labels have no fixed names: see `samples`.
    """
    match family, snapshot.allocation:
        case ((ExporterFamily() | UsageFamily()), _):
            yield from family.rows(snapshot)
        case NodeFamily(), allocation if allocation is not None:
            yield from family.rows(allocation)
        case PodFamily(), allocation if allocation is not None:
            for view in allocation.pods:
                yield from ((*view.pod.key, *row) for row in family.rows(view, allocation.topology))
        case ContainerFamily(), allocation if allocation is not None:
            for view in allocation.pods:
                for each in holding(view):
                    identity = (*view.pod.key, each.container.name)
                    yield from ((*identity, *row) for row in family.rows(each, allocation.topology))
        case _:
            return


def samples(snapshot: Snapshot, families: Collection[Family], *, node_label: bool = True) -> Iterator[Sample]:
    """Yield every sample of the snapshot, family by family."""
    for family in families:
        node = () if isinstance(family, ExporterFamily) or not node_label else (("node", snapshot.node),)
        if isinstance(family, PodLabelsFamily):
            for view in snapshot.allocation.pods if snapshot.allocation else ():
                if pairs := family.pairs(view):
                    identity = (("namespace", view.pod.namespace), ("pod", view.pod.name))
                    yield Sample(family.name, (*node, *identity, *pairs), 1.0)
        for *values, value in rows(family, snapshot):
            labels = zip(family.all_labels, map(str, values), strict=True)
            yield Sample(family.name, (*node, *labels), float(value))
