"""Samples of families computed in the simplest way, as the reference for the exposition."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its name, its labels in order, and its value."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


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
