"""Filter snapshots by pod; a node without any of them is no error."""

from collections.abc import Callable, Sequence

from podres_exporter.dump.narrow import Wanted, narrowed
from podres_exporter.model import PodKey, Snapshot


def only_pods(snapshots: Sequence[Snapshot], is_wanted: Callable[[PodKey], bool]) -> tuple[Snapshot, ...]:
    """Return the snapshots with the wanted pods; what the nodes have to hand out stays as it is."""
    return tuple(narrowed(snapshot, Wanted(is_wanted, lambda _: True)) for snapshot in snapshots)


def holders(snapshots: Sequence[Snapshot]) -> int:
    """Return how many pods hold something."""
    return sum(
        bool(view.pod.exclusive_cpus or view.pod.memory)
        or any(not each.container.holds_nothing for each in view.containers)
        for snapshot in snapshots
        for view in (snapshot.allocation.pods if snapshot.allocation else ())
    )
