"""The cluster dashboard: free resources by node, and who uses them; from recording rules, for clusters of any size."""

from grafana_foundation_sdk.models import dashboard

from boards import frame, promql, vendor
from boards.parts import ANY_IS_A_PITY, ANY_IS_BAD, NONE_LEFT, PLAIN, Panel, bars, curves, number
from boards.promql import CLUSTER, RESOURCE, once_in_cluster, or_zero, recorded, share
from boards.tables import link, linked, matrix, rows

TO_NODE = link("Node ${__value.text}", frame.NODE_BOARD, node="${__value.text}")
TO_NAMESPACE = link("Namespace ${__value.text}", frame.WORKLOAD_BOARD, namespace="${__value.text}")
FREE = "cluster:podres_node_free_devices:sum"
ALLOCATED = "cluster:podres_node_allocated_devices:sum"
ALLOCATABLE = "cluster:podres_node_allocatable_devices:sum"


def board(*, several_clusters: bool) -> dashboard.Dashboard:
    """Return the dashboard."""
    return frame.board(
        "Podres / Cluster",
        frame.CLUSTER_BOARD,
        "How many devices and exclusive CPUs are left in the cluster, where, and who holds the rest. Reads the "
        "recording rules of podres-exporter.",
        [frame.cluster(several=several_clusters), frame.resource(), *vendor.cluster_variables()],
        [
            frame.row("How much is left", _left()),
            frame.row("What still fits", _fits()),
            vendor.demand(),
            frame.row("Where it is left", _where()),
            frame.row("Who holds the rest", _holders()),
        ],
    )


def _left() -> list[Panel]:
    return [
        number(
            "Free devices",
            f"Devices that are allocatable and that no container holds, by resource: {FREE}. Orange: none.",
            recorded(FREE, "resource", RESOURCE),
            steps=NONE_LEFT,
            legend="{{resource}}",
            width=12,
        ),
        number(
            "CPUs left to grant",
            "Allocatable CPUs that nobody holds exclusively: cluster:podres_node_shared_pool_cpus:sum. Shared pods run "
            "there.",
            f"sum(cluster:podres_node_shared_pool_cpus:sum{{{CLUSTER}}})",
            steps=NONE_LEFT,
        ),
        number(
            "Misaligned containers",
            "Containers that no one NUMA node serves though one could have: "
            "cluster:podres_container_numa_misaligned:sum.",
            or_zero(f"cluster:podres_container_numa_misaligned:sum{{{CLUSTER}}}"),
            steps=ANY_IS_A_PITY,
        ),
        number(
            "Held, not allocatable",
            "Devices that a container holds and the kubelet no longer reports: unhealthy, removed, or their plugin is "
            "gone. podres_node_unallocatable_held_devices.",
            or_zero(once_in_cluster("podres_node_unallocatable_held_devices", promql.STOCK, RESOURCE)),
            steps=ANY_IS_BAD,
        ),
        bars(
            "Allocated share by resource",
            f"{ALLOCATED} of {ALLOCATABLE}. Full is orange: the next pod waits.",
            share(recorded(ALLOCATED, "resource", RESOURCE), recorded(ALLOCATABLE, "resource", RESOURCE)),
            "{{resource}}",
        ),
        curves(
            "Free devices over time",
            f"{FREE} by resource. A step down without a step back is a pod that stays.",
            recorded(FREE, "resource", RESOURCE),
            "{{resource}}",
        ),
        curves(
            "Allocated share over time",
            f"{ALLOCATED} of {ALLOCATABLE}.",
            share(recorded(ALLOCATED, "resource", RESOURCE), recorded(ALLOCATABLE, "resource", RESOURCE)),
            "{{resource}}",
            unit="percentunit",
            width=24,
        ),
    ]


def _fits() -> list[Panel]:
    in_all, aligned = "cluster:podres_node_free_devices:nodes", "cluster:podres_node_largest_aligned_devices:nodes"
    largest, mean = "cluster:podres_node_largest_aligned_devices:max", "cluster:podres_node_largest_aligned_devices:avg"
    cpus, least = "cluster:podres_node_largest_aligned_cpus:nodes", "resource, at_least"
    return [
        number(
            "Largest request that still fits on one NUMA node",
            f"The most devices that one container can get aligned on any node, by resource: {largest}. Orange: none.",
            f"max by (resource) ({largest}{{{CLUSTER}, {RESOURCE}}})",
            steps=NONE_LEFT,
            legend="{{resource}}",
            width=12,
        ),
        number(
            "Fragmentation: mean of the largest request that fits",
            f"Over the nodes that have any left, by resource: {mean}. Near 1, what is free is left in single devices; "
            "a pod that wants several on one NUMA node waits however many there are.",
            f"avg by (resource) ({mean}{{{CLUSTER}, {RESOURCE}}})",
            legend="{{resource}}",
            width=12,
        ),
        curves(
            "Fragmentation over time",
            f"{mean} by resource. A fall with free devices left is the moment to pack pods closer.",
            f"avg by (resource) ({mean}{{{CLUSTER}, {RESOURCE}}})",
            "{{resource}}",
        ),
        bars(
            "Nodes with at least so many CPUs left on one NUMA node",
            f"How many nodes can grant a container 2, 4, 8, 16 or 32 exclusive CPUs aligned: {cpus}.",
            f"sum by (at_least) ({cpus}{{{CLUSTER}}})",
            "{{at_least}} CPUs",
            unit="short",
            steps=PLAIN,
        ),
        matrix(
            "Nodes with at least so many free",
            f"How many nodes have 1, 2, 4 or 8 free devices: {in_all}. A hundred free devices on a hundred nodes are "
            "none for a pod that wants two.",
            recorded(in_all, least, RESOURCE),
            ("resource", "Resource"),
            "at_least",
        ),
        matrix(
            "The same, on one NUMA node",
            f"How many nodes can give one container 1, 2, 4 or 8 devices near one NUMA node, which is what "
            f"single-numa-node places: {aligned}.",
            recorded(aligned, least, RESOURCE),
            ("resource", "Resource"),
            "at_least",
        ),
    ]


def _where() -> list[Panel]:
    return [
        matrix(
            "DRA devices, by driver and type",
            "How many devices DRA drivers offer in the cluster, and what is left: cluster:podres_node_dra_devices:sum. "
            "Nodes that do not know what is left count in total only.",
            f"label_join(\n{recorded('cluster:podres_node_dra_devices:sum', 'driver, type, state')},\n"
            '"what", " · ", "driver", "type")',
            ("what", "Driver · type"),
            "state",
            size=(24, 6),
        ),
        rows(
            "Nodes with most free devices",
            "The twenty nodes with most: node:podres_node_free_devices:sum. A click on a node opens its board.",
            f"topk(20, {recorded('node:podres_node_free_devices:sum', 'node, resource', RESOURCE)} > 0)",
            {"node": "Node", "resource": "Resource"},
            value="Free",
            size=(12, 9),
            overrides={"Node": linked(TO_NODE)},
        ),
        rows(
            "Nodes with most exclusive CPUs granted",
            "The twenty fullest: node:podres_node_exclusive_cpus_ratio:sum. Nodes whose CPU manager is not static are "
            "absent.",
            f"topk(20, {recorded('node:podres_node_exclusive_cpus_ratio:sum', 'node')})",
            {"node": "Node"},
            value="Share",
            unit="percentunit",
            size=(12, 9),
            overrides={"Node": linked(TO_NODE)},
        ),
    ]


def _holders() -> list[Panel]:
    held, hours = "namespace:podres_container_devices:sum", "namespace:podres_allocated_device_hours:increase1h"
    workloads, cpu_hours = (
        "namespace_workload:podres_workload_devices:rate5m",
        "namespace:podres_exclusive_cpu_hours:increase1h",
    )
    workload = "namespace, workload_kind, workload_name, resource"
    return [
        curves(
            "Devices held, by namespace",
            f"{held}, the fifteen largest at each point.",
            f"topk(15, {recorded(held, 'namespace, resource', RESOURCE)} > 0)",
            "{{namespace}} {{resource}}",
        ),
        rows(
            "Who holds most",
            f"The twenty workloads with most devices, as a mean of five minutes: {workloads}.",
            f"topk(20, round({recorded(workloads, workload, RESOURCE)}, 0.1) > 0)",
            {"namespace": "Namespace", "workload_kind": "Kind", "workload_name": "Workload", "resource": "Resource"},
            value="Devices",
            size=(12, 8),
            overrides={"Namespace": linked(TO_NAMESPACE)},
        ),
        matrix(
            "Device-hours in the time range, by namespace",
            f"{hours}, its mean over the range on display times the hours of the range; what chargeback adds up.",
            _over_range(hours, "namespace, resource", RESOURCE),
            ("namespace", "Namespace"),
            "resource",
            unit="suffix: h",
            size=(24, 9),
            overrides={"Namespace": linked(TO_NAMESPACE)},
        ),
        rows(
            "Exclusive-CPU-hours in the time range, by namespace",
            f"{cpu_hours}, its mean over the range on display times the hours of the range.",
            f"topk(50, {_over_range(cpu_hours, 'namespace')})",
            {"namespace": "Namespace"},
            value="Hours",
            unit="suffix: h",
            size=(12, 9),
            overrides={"Namespace": linked(TO_NAMESPACE)},
        ),
    ]


def _over_range(metric: str, by: str, *matchers: str) -> str:
    """Return what an hourly increase comes to over the range on display."""
    return f"sum by ({by}) (avg_over_time({metric}{{{', '.join((CLUSTER, *matchers))}}}[$__range])) * $__range_s / 3600"
