"""Compare the cpusets of cgroups with the exclusive CPUs that the kubelet, or a DRA driver, lists."""

from collections import Counter
from collections.abc import Mapping

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import (
    Allocation,
    CpusetDrift,
    Drift,
    Mark,
    Metadata,
    PinnedContainer,
    PodView,
    Unread,
)

Pinned = tuple[tuple[PinnedContainer, ...], Mapping[Unread, int]]
"""The containers to compare, and how many more there are that cannot be compared, by reason."""


def pinned_containers(allocation: Allocation, metadata: Metadata | None) -> Pinned:
    """
    Return the running containers with exclusive CPUs of the pods that the kubelet lists now.

    The IDs come from *metadata*, not from the allocation's views: those are kept when a container has restarted.
    """
    metas = metadata.pods if metadata else {}
    found, unread = list[PinnedContainer](), Counter[Unread]()
    for view in allocation.pods:
        if view.mark is not Mark.CURRENT:
            continue
        meta = metas.get(view.pod.key)
        ids = dict(meta.running_ids) if meta else {}
        for container in view.pod.containers:
            if not container.exclusive_cpus:
                continue
            if meta is None:
                unread[Unread.NO_METADATA] += 1
            elif container.name not in ids:
                continue
            elif _holds_more(view, container.name):
                unread[Unread.UNKNOWN_CPUS] += 1
            else:
                found.append(
                    PinnedContainer(view.pod.key, container.name, container.exclusive_cpus, ids[container.name])
                )
    return tuple(sorted(found, key=lambda each: (each.pod, each.name))), unread


def compared(pinned: Pinned, cpusets: Mapping[str, CpuSet | Unread]) -> Drift:
    """Return how the *cpusets*, by container ID, differ from what is listed."""
    containers, reasons = pinned
    drifts, unread = list[CpusetDrift](), Counter(reasons)
    for each in containers:
        cpus = cpusets[each.container_id]
        if isinstance(cpus, Unread):
            unread[cpus] += 1
        else:
            drifts.append(CpusetDrift(each, missing=each.cpus - cpus, foreign=cpus - each.cpus))
    return Drift(tuple(drifts), dict(sorted(unread.items())))


def still_listed(drift: Drift, allocation: Allocation) -> Drift:
    """Return the drift without containers whose CPUs are no longer those that were compared."""
    now = {
        (view.pod.key, each.name): each.exclusive_cpus
        for view in allocation.pods
        if view.mark is Mark.CURRENT
        for each in view.pod.containers
        if each.exclusive_cpus
    }
    kept = tuple(
        each for each in drift.containers if now.get((each.container.pod, each.container.name)) == each.container.cpus
    )
    return drift if len(kept) == len(drift.containers) else Drift(kept, drift.unread)


def _holds_more(view: PodView, container: str) -> bool:
    """Return whether a claim gives the container CPUs of a group, of which only the number is known."""
    return any(row.is_cpus and row.container == container for row in view.unlisted)
