"""Metrics of memory and huge pages granted by the static memory manager."""

from collections import Counter
from collections.abc import Collection, Sequence

from podres_exporter.families.spec import Concern, ContainerFamily, Kind, NodeFamily, PodFamily, Row, nodes_text
from podres_exporter.join import pod_memory
from podres_exporter.model import Allocation, ContainerView, MemoryBlock, PodView, Topology


def _sums(blocks: Sequence[MemoryBlock]) -> Collection[Row]:
    """Return bytes by (memory type, NUMA nodes); equal labels are one series."""
    if len(blocks) == 1:
        return [(blocks[0].memory_type, nodes_text(blocks[0].numa_nodes), blocks[0].size_bytes)]
    sizes: Counter[tuple[str, str]] = Counter()
    for block in blocks:
        sizes[block.memory_type, nodes_text(block.numa_nodes)] += block.size_bytes
    return [(*labels, size) for labels, size in sizes.items()]


def _container_memory(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    return _sums(view.container.memory)


def _pod_memory(view: PodView, _topology: Topology | None) -> Collection[Row]:
    return _sums(pod_memory(view.pod, view.meta))


def _allocatable(allocation: Allocation) -> Collection[Row]:
    return [
        (stock.memory_type, nodes_text(stock.numa_nodes), stock.reported_bytes)
        for stock in allocation.memory
        if stock.reported_bytes is not None
    ]


def _allocated(allocation: Allocation) -> Collection[Row]:
    return [
        (stock.memory_type, nodes_text(stock.numa_nodes), stock.held_bytes)
        for stock in allocation.memory
        if stock.is_complete
    ]


FAMILIES = (
    ContainerFamily(
        name="podres_container_memory_bytes",
        kind=Kind.GAUGE,
        help="Memory or huge pages that the static memory manager granted the container. A block over several "
        "NUMA nodes is one series with all of them; the kubelet does not say how it is split.",
        labels=("memory_type", "numa_nodes"),
        collector="memory",
        rows=_container_memory,
        concern=Concern.MEMORY,
    ),
    PodFamily(
        name="podres_pod_memory_bytes",
        kind=Kind.GAUGE,
        help="Memory or huge pages granted to the pod or its containers, a block that several of them list "
        "counted once.",
        labels=("memory_type", "numa_nodes"),
        collector="memory",
        rows=_pod_memory,
        concern=Concern.MEMORY,
    ),
    NodeFamily(
        name="podres_node_allocatable_memory_bytes",
        kind=Kind.GAUGE,
        help="Memory or huge pages that the kubelet may grant, granted or not. Absent unless the memory "
        "manager's policy is Static.",
        labels=("memory_type", "numa_nodes"),
        collector="node-memory",
        rows=_allocatable,
    ),
    NodeFamily(
        name="podres_node_allocated_memory_bytes",
        kind=Kind.GAUGE,
        help="Memory or huge pages granted to pods, each block counted once, by the nodes it spans. Subtract "
        "from allocatable only where no block spans several nodes. Absent while more may be held than is"
        " known.",
        labels=("memory_type", "numa_nodes"),
        collector="node-memory",
        rows=_allocated,
    ),
)
