"""The catalogue of every metric family, in page order: a public contract (see CHANGELOG)."""

from collections.abc import Collection

from podres_exporter.families import (
    alignment,
    claims,
    cpus,
    devices,
    dra,
    drift,
    health,
    memory,
    own,
    pods,
    unlisted,
    usage,
)
from podres_exporter.families.spec import Family

CATALOGUE: tuple[Family, ...] = (
    *devices.FAMILIES,
    *cpus.FAMILIES,
    *drift.FAMILIES,
    *unlisted.FAMILIES,
    *alignment.NODE_FAMILIES,
    *memory.FAMILIES,
    *claims.FAMILIES,
    *dra.FAMILIES,
    *alignment.FAMILIES,
    *pods.FAMILIES,
    *usage.FAMILIES,
    *health.FAMILIES,
    *own.FAMILIES,
)
COLLECTORS = {
    "devices": "the device-plugin devices of each container",
    "health": "the health of devices in the status of pods (API server)",
    "cpus": "the exclusive CPUs of each container and pod",
    "cpu-info": "one series for each exclusive CPU",
    "cpuset-drift": "whether the cgroups of containers agree with the exclusive CPUs that the kubelet lists",
    "memory": "the memory blocks and huge pages of each container and pod",
    "claims": "the DRA claim devices of each container",
    "dra": "the DRA devices of the node, what is left of them, and the requests of claims (API server)",
    "alignment": "how many NUMA nodes each container spans, and whether it is aligned",
    "pods": "identity of the pods: uid, owner, workload, allowed labels (API server)",
    "requests": "what containers request, and what is missing (API server)",
    "node-devices": "allocatable, allocated and free devices of the node by resource",
    "node-cpus": "the node's allocatable and exclusive CPUs and the shared pool",
    "node-memory": "the node's allocatable and granted memory and huge pages",
    "usage": "running totals of device-seconds and CPU-seconds by namespace and workload",
    "exporter": "the exporter's sources, calls and build",
    "process": "the process_* metrics of the exporter's process",
}
"""Every collector with a description; `process` comes from prometheus_client, the others are families."""
OFF_BY_DEFAULT = frozenset({"cpu-info", "cpuset-drift"})
DEFAULT_COLLECTORS = frozenset(COLLECTORS) - OFF_BY_DEFAULT


def selected(collectors: Collection[str], counts_only: Collection[str] = ()) -> tuple[Family, ...]:
    """
    Return the families of the enabled collectors, in page order.

    Extended resources in *counts-only* get no series per device.
    """
    families = tuple(family for family in CATALOGUE if family.collector in collectors)
    return devices.without_devices_of(families, frozenset(counts_only)) if counts_only else families
