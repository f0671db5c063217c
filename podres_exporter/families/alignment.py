"""Metrics of NUMA alignment by container, derived here because PromQL cannot derive them cheaply."""

from collections.abc import Collection

from podres_exporter.families.spec import Concern, ContainerFamily, Kind, Row
from podres_exporter.model import ContainerView, Topology, Verdict


def _numa_nodes(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    nodes = view.alignment.numa_nodes
    return [(len(nodes),)] if nodes else ()


def _aligned(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    """Return 1 or 0; no row for a container that needs more than one node has."""
    match view.alignment.verdict:
        case Verdict.ALIGNED:
            return [(1,)]
        case Verdict.MISALIGNED:
            return [(0,)]
        case _:
            return ()


FAMILIES = (
    ContainerFamily(
        name="podres_container_numa_nodes",
        kind=Kind.GAUGE,
        help="How many NUMA nodes the container's exclusive CPUs, memory blocks and devices span; a device "
        "that is near several nodes counts for one of them. Absent if nothing it holds has a stated NUMA"
        " node. Computed.",
        labels=(),
        collector="alignment",
        rows=_numa_nodes,
        concern=Concern.ANYTHING,
    ),
    ContainerFamily(
        name="podres_container_numa_aligned",
        kind=Kind.GAUGE,
        help="1 if one NUMA node serves everything the container holds, 0 if it is misaligned: no node does "
        "though one could have. Absent if nothing has a stated NUMA node, and if no single node is large"
        " enough. Computed.",
        labels=(),
        collector="alignment",
        rows=_aligned,
        concern=Concern.ANYTHING,
    ),
)
