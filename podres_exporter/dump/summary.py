"""The summary (`dump --nodes`): totals of each node, and the state of its pods and sources."""

from collections import Counter
from collections.abc import Iterator, Sequence

from podres_exporter.dump import notes
from podres_exporter.dump.capacity import Left, left
from podres_exporter.dump.notes import About
from podres_exporter.model import Allocation, Explanation, Part, PodView, Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.amounts import ALIGNED, NONE, UNKNOWN, amount_text, nodes_cell
from podres_exporter.text.grid import DEFAULT, Grid, Layout, Row, grid, grid_lines

STOCK_HEADERS = ("RESOURCE", "NUMA", "ALLOCATABLE", "HELD", "FREE", "UNALLOCATABLE")
STATE_HEADERS = ("PODS", "SKIPPED", "ALIGNED", "MISSING", "KUBELET", "TOPOLOGY", "METADATA")
_NUMBERS = ("ALLOCATABLE", "HELD", "FREE", "UNALLOCATABLE")
_UP, _DOWN = "up", "down"


def _legend(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.allocation is not None:
        yield (
            "FREE of cpu is the shared pool; UNALLOCATABLE is held but not reported as allocatable; ALIGNED and "
            "MISSING count containers"
        )


_ABOUT = About(
    (
        notes.trust,
        notes.double_held,
        notes.metadata,
        notes.places,
        notes.free_unknown,
        notes.misaligned,
        notes.missing,
        notes.unallocatable,
    ),
    (_legend,),
)


def summary_cells(snapshots: Sequence[Snapshot]) -> tuple[Grid, Grid]:
    """Return the stock, a row per resource and NUMA nodes, and the state, a row per node."""
    stock = grid(
        snapshots,
        STOCK_HEADERS,
        lambda each: map(_stock_row, left(each.allocation)),
        right=_NUMBERS,
    )
    return stock, grid(snapshots, STATE_HEADERS, _state_rows)


def summary_notes(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the sentences below both tables."""
    return notes.merged(snapshots, _ABOUT)


def summary_lines(snapshots: Sequence[Snapshot], layout: Layout = DEFAULT) -> list[str]:
    """Return both tables."""
    stock, state = summary_cells(snapshots)
    return [*([*grid_lines(stock, layout), ""] if stock.rows else []), *grid_lines(state, layout)]


def _stock_row(each: Left) -> Row:
    amounts = (each.allocatable, each.held, each.free)
    return (
        printable(each.resource),
        nodes_cell(each.numa_nodes),
        *(amount_text(amount, is_bytes=each.is_bytes) for amount in amounts),
        _unallocatable(each),
    )


def _unallocatable(each: Left) -> str:
    if each.unallocatable_ids is not None:
        return str(len(each.unallocatable_ids))
    return NONE if each.is_bytes or each.allocatable is not None else UNKNOWN


def _state_rows(snapshot: Snapshot) -> Iterator[Row]:
    allocation = snapshot.allocation
    told = (UNKNOWN,) * 4 if allocation is None else _pods(allocation, has_metadata=snapshot.metadata is not None)
    yield (*told, _kubelet(snapshot), _topology(snapshot), _metadata(snapshot))


def _pods(allocation: Allocation, *, has_metadata: bool) -> Row:
    views = allocation.pods
    holding = sum(map(_holds_something, views))
    skipped = [f"{count} {reason}" for reason, count in sorted(allocation.skipped_pods.items()) if count]
    verdicts = Counter(ALIGNED[each.alignment.verdict] for view in views for each in view.containers)
    aligned = [
        f"{verdicts[word]} {word}" for word in dict.fromkeys(ALIGNED.values()) if verdicts[word] and word != NONE
    ]
    missing = {
        (view.pod.key, each.container)
        for view in views
        for each in view.requests
        if each.missing and each.explanation is Explanation.UNEXPLAINED
    }
    return (
        f"{len(views)}, {holding} holding",
        printable(", ".join(skipped)) or NONE,
        ", ".join(aligned) or NONE,
        str(len(missing)) if has_metadata else UNKNOWN,
    )


def _holds_something(view: PodView) -> bool:
    pod = view.pod
    return bool(pod.exclusive_cpus or pod.memory) or not all(each.holds_nothing for each in pod.containers)


def _kubelet(snapshot: Snapshot) -> str:
    """Return `up`, and which parts are stale or held."""
    words = [_up(snapshot, "kubelet")]
    words += [f"{printable(part.part)} {'held' if part.held else 'stale'}" for part in snapshot.parts if _is_old(part)]
    return ", ".join(words)


def _is_old(part: Part) -> bool:
    return part.stale or part.held


def _up(snapshot: Snapshot, source: str) -> str:
    for each in snapshot.sources:
        if each.source == source:
            return _UP if each.up else _DOWN
    return UNKNOWN


def _topology(snapshot: Snapshot) -> str:
    """Return whether the topology can be read, or is known if its source has no state."""
    known = snapshot.allocation is not None and snapshot.allocation.topology is not None
    up = _up(snapshot, "topology")
    return _UP if up == UNKNOWN and known else up


def _metadata(snapshot: Snapshot) -> str:
    if snapshot.metadata is None:
        return "off"
    synced = "synced" if snapshot.metadata.synced else "not synced"
    return f"{synced}, down" if _up(snapshot, "metadata") == _DOWN else synced
