"""The default table: one row per container, with its holdings as counts."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from podres_exporter.cpuset import format_cpuset
from podres_exporter.dump import notes
from podres_exporter.dump.held import by_driver, unprepared
from podres_exporter.dump.notes import About
from podres_exporter.families.spec import nodes_text
from podres_exporter.model import Container, ContainerView, MemoryBlock, PodView, Snapshot, Topology, Verdict
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import (
    ALIGNED,
    MEMORY,
    NONE,
    UNKNOWN,
    WHOLE_POD,
    age_cell,
    memory_order,
    nodes_cell,
    state_cell,
    workload_cell,
)
from podres_exporter.text.grid import DEFAULT, Grid, Layout, Row, fits, grid, grid_lines, room_notes

HEADERS = (
    "NAMESPACE",
    "POD",
    "CONTAINER",
    "CPUS",
    "DEVICES",
    "MEMORY",
    "NUMA",
    "ALIGNED",
    "HEALTH",
    "STATE",
    "AGE",
    "WORKLOAD",
)
WIDE = "-o wide"
MERGED = "HOLDS"
"""The column with everything that a container holds, where separate columns do not fit."""
_IF_ANY = frozenset({"CPUS", "DEVICES", "MEMORY", "HEALTH", "STATE", "AGE", "WORKLOAD"})
_HOLDS = frozenset({"CPUS", "DEVICES", "MEMORY"})
_HEALTHY = "Healthy"
_ABOUT = About(
    (
        notes.trust,
        notes.double_held,
        notes.metadata,
        notes.places,
        notes.skipped,
        notes.missing,
        notes.ending,
        notes.unallocatable_of_pods,
    ),
    (notes.claims, notes.pod_lists),
)


def table_cells(
    snapshots: Sequence[Snapshot],
    *,
    everything: bool = False,
    now_seconds: float | None = None,
    keep: Collection[str] = (),
) -> Grid:
    """
    Return a row per container that holds something (with *everything*, per container).

    Empty columns are dropped, except those in *keep*.

    *now_seconds* is the time from which ages are computed (Unix seconds); None: no ages.
    """
    whole = grid(
        snapshots,
        HEADERS,
        lambda each: _rows(each, now_seconds, everything=everything),
        spare=("WORKLOAD",),
    )
    return whole.without_empty(_IF_ANY.difference(keep, _HOLDS if MERGED in keep else ()))


def fitted_to(cells: Grid, columns: int, *, always: bool = False) -> Grid:
    """Return the table with all holdings of a container in one column if it would not fit otherwise, or *always*."""
    if not cells.rows or _HOLDS.isdisjoint(cells.headers) or (fits(cells, columns) and not always):
        return cells
    places = [place for place, header in enumerate(cells.headers) if header in _HOLDS]
    first, last = places[0], places[-1] + 1
    rows = tuple((*row[:first], _together(cells.headers, row, places), *row[last:]) for row in cells.rows)
    return replace(
        cells,
        headers=(*cells.headers[:first], MERGED, *cells.headers[last:]),
        rows=rows,
    )


def _together(headers: Row, row: Row, places: Sequence[int]) -> str:
    """Return `cpu 1-8,33-40, 4x nvidia.com/gpu, 96Gi`."""
    cells = [f"cpu {row[place]}" if headers[place] == "CPUS" else row[place] for place in places if row[place] != NONE]
    return ", ".join(cells) or NONE


def table_notes(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the sentences below the table."""
    return notes.merged(snapshots, _ABOUT)


def table_lines(
    snapshots: Sequence[Snapshot],
    layout: Layout = DEFAULT,
    *,
    everything: bool = False,
    now_seconds: float | None = None,
) -> list[str]:
    """Return the lines of `table_text`."""
    return table_text(snapshots, layout, everything=everything, now_seconds=now_seconds)[0]


def table_text(
    snapshots: Sequence[Snapshot],
    layout: Layout,
    *,
    everything: bool = False,
    now_seconds: float | None = None,
) -> tuple[list[str], list[str]]:
    """
    Return the table and its notes.

    Holdings are merged into one column if they would not fit otherwise. WORKLOAD is dropped if there is no room, and a
    note says so.
    """
    cells = table_cells(snapshots, everything=everything, now_seconds=now_seconds).sorted_by(layout.sort_by)
    cells = fitted_to(cells, layout.columns)
    if not cells.rows:
        return nothing_to_list(snapshots), table_notes(snapshots)
    return grid_lines(cells, layout), [*table_notes(snapshots), *room_notes(cells, layout, WIDE)]


def nothing_to_list(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the sentence that replaces an empty table; none if it is unknown what is held."""
    known = [printable(each.node) for each in snapshots if each.allocation is not None]
    return [f"nothing to list on {', '.join(known)}"] if known else []


def _rows(snapshot: Snapshot, now_seconds: float | None, *, everything: bool) -> Iterator[Row]:
    allocation = snapshot.allocation
    if allocation is None:
        return
    for view in allocation.pods:
        identity = (printable(view.pod.namespace), printable(view.pod.name))
        ending = (state_cell(view.mark), age_cell(view.meta, now_seconds), workload_cell(view.meta))
        if view.pod.exclusive_cpus or view.pod.memory:
            yield (*identity, WHOLE_POD, *_whole_pod(view, allocation.topology), *ending)
        for each in view.containers:
            if everything or not each.container.holds_nothing:
                yield (*identity, printable(each.container.name), *_container(each), *ending)


def _whole_pod(view: PodView, topology: Topology | None) -> Row:
    """Return the row of what the kubelet lists for the pod itself, without alignment."""
    pod = view.pod
    nodes = topology.nodes_of(pod.exclusive_cpus) if topology else frozenset[int]()
    nodes = nodes.union(*(block.numa_nodes for block in pod.memory))
    cpus = format_cpuset(pod.exclusive_cpus) or NONE
    return (cpus, NONE, _memory(pod.memory), nodes_cell(nodes), NONE, NONE)


def _container(view: ContainerView) -> Row:
    container, alignment = view.container, view.alignment
    aligned = ALIGNED[alignment.verdict]
    numa = nodes_text(alignment.numa_nodes) or (NONE if alignment.verdict is Verdict.NOT_APPLICABLE else UNKNOWN)
    cpus = format_cpuset(container.exclusive_cpus) or NONE
    return (cpus, _devices(view), _memory(container.memory), numa, aligned, _health(view))


def _devices(view: ContainerView) -> str:
    """Return `4x nvidia.com/gpu, 2x gpu.example.com (DRA)`; `(DRA?)` for devices that it may not use."""
    counts = Counter(device.resource for device in view.container.devices)
    texts = [f"{count}x {printable(resource)}" for resource, count in sorted(counts.items())]
    for (driver, is_sure), count in sorted(by_driver(view.claim_uses).items()):
        texts.append(f"{count}x {printable(driver)} {'(DRA)' if is_sure else '(DRA?)'}")
    texts += [f"claim {printable(name)} without devices" for name in unprepared(view)]
    return ", ".join(texts) or NONE


def _memory(blocks: Iterable[MemoryBlock]) -> str:
    """Return `96Gi, 8Gi hugepages-1Gi`."""
    sizes: Counter[str] = Counter()
    for block in blocks:
        sizes[block.memory_type] += block.size_bytes
    return ", ".join(_size(kind, sizes[kind]) for kind in sorted(sizes, key=memory_order)) or NONE


def _size(memory_type: str, size: int) -> str:
    return bytes_text(size) if memory_type == MEMORY else f"{bytes_text(size)} {printable(memory_type)}"


def _health(view: ContainerView) -> str:
    """Return `Healthy`, or the number of unhealthy or unknown devices."""
    if not view.health:
        return UNKNOWN if _has_devices(view.container) else NONE
    counts = Counter(row.health for row in view.health if row.health != _HEALTHY)
    return ", ".join(f"{count} {printable(health)}" for health, count in sorted(counts.items())) or _HEALTHY


def _has_devices(container: Container) -> bool:
    return bool(container.devices or container.claims)
