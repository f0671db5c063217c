"""Metrics of containers whose cgroup differs from the exclusive CPUs that the kubelet lists."""

from collections.abc import Collection

from podres_exporter.families.spec import Kind, NodeFamily, Row
from podres_exporter.model import Allocation


def _drift(allocation: Allocation) -> Collection[Row]:
    """Return (namespace, pod, container, kind, count)."""
    if allocation.drift is None:
        return ()
    return [
        (*each.container.pod, each.container.name, kind, len(cpus))
        for each in allocation.drift.containers
        for kind, cpus in (("foreign", each.foreign), ("missing", each.missing))
    ]


def _unread(allocation: Allocation) -> Collection[Row]:
    """Return (reason, count)."""
    return [(reason.value, count) for reason, count in allocation.drift.unread.items()] if allocation.drift else ()


FAMILIES = (
    NodeFamily(
        name="podres_container_cpuset_drift_cpus",
        kind=Kind.GAUGE,
        help="CPUs by which the cgroup of a running container differs from the exclusive CPUs listed for it: CPUs "
        "listed on which it may not run (missing), CPUs on which it may run though they are not listed (foreign). "
        "Should be 0. Compared at each poll. The kubelet corrects cgroups about every 10 s, so shortly after a start "
        "or resize a difference is normal: alert only if it lasts minutes. Absent where the cgroup cannot be "
        "read: see podres_node_cpuset_unread_containers.",
        labels=("namespace", "pod", "container", "kind"),
        collector="cpuset-drift",
        rows=_drift,
    ),
    NodeFamily(
        name="podres_node_cpuset_unread_containers",
        kind=Kind.GAUGE,
        help="Containers with exclusive CPUs whose cgroup could not be compared: the pod is not in the metadata "
        "(no_metadata), no cgroup below --cgroup.root has the container's ID (not_found), the cgroup has no cpuset "
        "(no_cpuset), its file cannot be read (denied) or is no CPU list (malformed), a DRA driver chose CPUs that "
        "are not listed (unknown_cpus). Absent if none.",
        labels=("reason",),
        collector="cpuset-drift",
        rows=_unread,
    ),
)
