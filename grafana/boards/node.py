"""The node dashboard: its NUMA nodes, what is allocated where, and to whom."""

from typing import Any

from grafana_foundation_sdk.models import dashboard

from boards import frame, promql, vendor
from boards.parts import Panel, bars, curves, texts
from boards.promql import CONTAINER_LABELS, NAMESPACE, RESOURCE, named, once, share, stock, total
from boards.tables import ABNORMAL_FIRST, HEALTH, link, linked, mapped, matrix, narrow, rows

TO_POD = link(
    "What ${__value.text} holds", frame.WORKLOAD_BOARD, namespace='${__data.fields["Namespace"]}', pod="${__value.text}"
)
CPUS = "node, numa_node"
FIRST = "Resource · NUMA node"
MEMORY = "node, memory_type, numa_nodes"
WIDTHS = {
    "Node": narrow(130),
    "NUMA": narrow(60),
    "Namespace": narrow(120),
    "Container": narrow(120),
    "Resource or driver": narrow(200),
    "Device": narrow(330),
    "Claim": narrow(150),
}
POD_COLUMN: dict[str, dict[str, Any]] = {"Pod": linked(TO_POD)}


def board(*, several_clusters: bool) -> dashboard.Dashboard:
    """Return the dashboard."""
    return frame.board(
        "Podres / Node",
        frame.NODE_BOARD,
        "NUMA node by NUMA node: CPUs, devices and memory, what is left of them, and who holds them.",
        [
            frame.cluster(several=several_clusters),
            frame.one_node(),
            frame.namespace(),
            frame.resource(),
            *vendor.variables(),
        ],
        [
            frame.row("NUMA node by NUMA node", _numa()),
            frame.row("Who holds what", _holders()),
            frame.row("DRA devices", _dra()),
            frame.row("Over time", _history()),
            *vendor.all_rows(NAMESPACE),
        ],
    )


def _numa() -> list[Panel]:
    parts = {
        "Allocatable": promql.ALLOCATABLE,
        "Allocated": promql.ALLOCATED,
        "Free": promql.FREE,
        "Unallocatable": "podres_node_unallocatable_held_devices",
    }
    devices = "\nor ".join(named(once(metric, promql.STOCK, RESOURCE), "what", what) for what, metric in parts.items())
    return [
        bars(
            "Exclusive CPUs granted",
            "podres_node_exclusive_cpus of podres_node_allocatable_cpus, by NUMA node.",
            share(once("podres_node_exclusive_cpus", CPUS), once("podres_node_allocatable_cpus", CPUS)),
            "NUMA {{numa_node}}",
            width=6,
        ),
        bars(
            "Devices allocated",
            "podres_node_allocated_devices of podres_node_allocatable_devices, by resource and NUMA node; no number "
            "where the plugin states none.",
            share(once(promql.ALLOCATED, promql.STOCK, RESOURCE), once(promql.ALLOCATABLE, promql.STOCK, RESOURCE)),
            "{{resource}} NUMA {{numa_nodes}}",
            width=9,
        ),
        bars(
            "Memory granted",
            "podres_node_allocated_memory_bytes of podres_node_allocatable_memory_bytes, by type and NUMA node. "
            "Blocks over several NUMA nodes are left out: the kubelet does not say how they are split.",
            share(
                once("podres_node_allocated_memory_bytes", MEMORY), once("podres_node_allocatable_memory_bytes", MEMORY)
            ),
            "{{memory_type}} NUMA {{numa_nodes}}",
            width=9,
        ),
        matrix(
            "Devices, counted",
            "podres_node_allocatable_devices, _allocated_devices, _free_devices and _unallocatable_held_devices side "
            "by side.",
            f'label_join(\n{devices},\n"place", " · ", "resource", "numa_nodes")',
            ("place", FIRST),
            "what",
            size=(12, 9),
            overrides={FIRST: narrow(290)},
        ),
        rows(
            "CPU lists",
            "podres_node_cpuset_info: which CPUs may be granted, are granted, and are left to all others.",
            once("podres_node_cpuset_info", "node, pool, cpus"),
            {"pool": "Pool", "cpus": "CPUs"},
            size=(12, 9),
            overrides={"Pool": narrow(110)},
        ),
    ]


DRA_DEVICE = "node, driver, pool, device"


def _dra() -> list[Panel]:
    info = once("podres_dra_device_info", f"{DRA_DEVICE}, uuid, pci_address, numa_nodes, product, type")
    used = once(
        "podres_container_claim_device_info", f"{CONTAINER_LABELS}, driver, pool, device", 'admin_access!="true"'
    )
    on = f"on (cluster, {DRA_DEVICE})"
    counted = once("podres_node_dra_devices", "node, driver, type, state")
    users = f"count by (cluster, {DRA_DEVICE}) (\n{used})"
    return [
        rows(
            "DRA devices",
            "One row per device of the node's ResourceSlices: podres_dra_device_info, with the number of containers "
            "that use it by podres_container_claim_device_info; admin access is not counted.",
            f"{info}\n* {on} group_left ()\n{users}\nor {on}\n0 * {info}",
            {
                "driver": "Driver",
                "pool": "Pool",
                "device": "Device",
                "type": "Type",
                "uuid": "UUID",
                "pci_address": "PCI address",
                "numa_nodes": "NUMA",
                "product": "Product",
            },
            value="Containers",
            size=(16, 9),
            overrides={"NUMA": narrow(60), "Type": narrow(90), "Pool": narrow(120), "Device": narrow(120)},
        ),
        matrix(
            "DRA devices, counted",
            "podres_node_dra_devices by driver and type: total = allocated + unavailable (tainted) + available. Of "
            "partitions not all that are available fit at once: podres_node_dra_fitting_devices.",
            f'label_join(\n{counted},\n"what", " · ", "driver", "type")',
            ("what", "Driver · type"),
            "state",
            size=(8, 9),
        ),
    ]


def _widths(columns: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the widths of the columns that the table of held devices has."""
    return {name: width for name, width in WIDTHS.items() if name not in {"Node", "NUMA"} or name in columns.values()}


def held_devices_table(columns: dict[str, str], who: str) -> Panel:
    """Return the table of the devices that *who* (matchers) hold; *columns* come first."""
    return rows(
        "Held devices",
        "One row per held device: podres_container_device_info and podres_container_claim_device_info (DRA), with the "
        "health of podres_container_device_health where the kubelet tells it (from 1.36).",
        promql.held_devices(who),
        {
            **columns,
            "resource": "Resource or driver",
            "device": "Device",
            "claim": "Claim",
            "health": "Health",
        },
        size=(24, 12),
        overrides={**POD_COLUMN, **_widths(columns), "Health": {**mapped(HEALTH), **narrow(100)}},
    ).sort_by(ABNORMAL_FIRST)


def _holders() -> list[Panel]:
    cpuset = once("podres_container_cpuset_info", f"{CONTAINER_LABELS}, cpus", NAMESPACE)
    aligned = once("podres_container_numa_aligned", CONTAINER_LABELS, NAMESPACE)
    spans = once("podres_container_numa_nodes", CONTAINER_LABELS, NAMESPACE)
    on = f"on (cluster, {CONTAINER_LABELS})"
    pod = {"namespace": "Namespace", "pod": "Pod", "container": "Container"}
    verdicts = {"0": ("misaligned", "orange"), "1": ("aligned", "green"), "-1": ("", "text")}
    return [
        held_devices_table({**pod, "numa_nodes": "NUMA"}, NAMESPACE),
        rows(
            "Exclusive CPUs",
            "podres_container_cpuset_info, with the verdict of podres_container_numa_aligned.",
            f"{cpuset}\n* {on} group_left ()\n{aligned}\nor {on}\n-1 * {cpuset}",
            {**pod, "cpus": "CPUs"},
            value="Placement",
            size=(14, 9),
            overrides={
                **POD_COLUMN,
                "Placement": {"mappings": texts(verdicts), "custom.cellOptions": {"type": "color-text"}},
            },
        ),
        rows(
            "Misaligned containers",
            "Containers that no one NUMA node serves though one could have (podres_container_numa_aligned is 0), and "
            "how many NUMA nodes they span (podres_container_numa_nodes).",
            f"{spans}\nand {on}\n({aligned} == 0)",
            pod,
            value="NUMA nodes",
            size=(10, 9),
            overrides=POD_COLUMN,
        ),
    ]


def _history() -> list[Panel]:
    return [
        curves(
            "Exclusive CPUs, by NUMA node",
            "podres_node_exclusive_cpus.",
            total("podres_node_exclusive_cpus", "node, numa_node", CPUS),
            "NUMA {{numa_node}}",
            stacked=True,
        ),
        curves(
            "Devices held, by resource",
            "podres_node_allocated_devices.",
            stock(promql.ALLOCATED, "node, resource"),
            "{{resource}}",
            stacked=True,
        ),
    ]
