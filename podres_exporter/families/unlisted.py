"""Metrics of devices and CPUs that pods hold although the kubelet does not list them."""

from collections import Counter
from collections.abc import Collection

from podres_exporter.families.spec import Kind, NodeFamily, Row
from podres_exporter.model import Allocation

_WHY = (
    "though the kubelet does not list them, and not which: left over from a plain init container (init_container), a "
    "sidecar's on kubelets up to 1.29 (not_listed), in an item that could not be read (unreadable). Needs metadata."
)


def _devices(allocation: Allocation) -> Collection[Row]:
    """Return (resource, reason, count)."""
    counts: Counter[tuple[str, str]] = Counter()
    for view in allocation.pods:
        for row in view.unlisted:
            if not (row.is_memory or row.is_cpus):
                counts[row.resource, row.reason.value] += row.amount
    return [(*key, count) for key, count in sorted(counts.items())]


def _cpus(allocation: Allocation) -> Collection[Row]:
    """Return (reason, count)."""
    counts: Counter[str] = Counter()
    for view in allocation.pods:
        for row in view.unlisted:
            if row.is_cpus:
                counts[row.reason.value] += row.amount
    return sorted(counts.items())


FAMILIES = (
    NodeFamily(
        name="podres_node_unlisted_devices",
        kind=Kind.GAUGE,
        help="Devices that pods are known to hold though the kubelet does not list which: left over from an "
        "init container (init_container), held by a sidecar on kubelets up to 1.29 (not_listed), or in "
        "an item that could not be read (unreadable). Needs metadata.",
        labels=("resource", "reason"),
        collector="node-devices",
        rows=_devices,
    ),
    NodeFamily(
        name="podres_node_unlisted_exclusive_cpus",
        kind=Kind.GAUGE,
        help="CPUs that pods are known to hold exclusively though the kubelet does not list which: left over "
        "from an init container (init_container), held by a sidecar on kubelets up to 1.29 (not_listed),"
        " in an item that could not be read (unreadable), or chosen by a DRA driver for a claim (claim). "
        "Needs metadata.",
        labels=("reason",),
        collector="node-cpus",
        rows=_cpus,
    ),
)
