"""The cluster: how much is left, by resource and node, and who uses it."""

from grafana_foundation_sdk.models import dashboard

from boards import frame, promql, vendor
from boards.parts import ANY_IS_A_PITY, ANY_IS_BAD, NONE_LEFT, Panel, bars, curves, number
from boards.promql import CONTAINER_LABELS, NAMESPACE, RESOURCE, once, or_zero, share, stock, total
from boards.tables import link, linked, matrix, rows

TO_NODE = link("Node ${__value.text}", frame.NODE_BOARD, node="${__value.text}")
TO_NAMESPACE = link("Namespace ${__value.text}", frame.WORKLOAD_BOARD, namespace="${__value.text}")


def board(*, several_clusters: bool) -> dashboard.Dashboard:
    """Return the dashboard."""
    return frame.board(
        "Podres / Cluster",
        frame.CLUSTER_BOARD,
        "How many devices and exclusive CPUs are left in the cluster, where, and who holds the rest.",
        [
            frame.cluster(several=several_clusters),
            frame.node(),
            frame.namespace(),
            frame.resource(),
            *vendor.variables()[:1],
        ],
        [frame.row("How much is left", _left()), frame.row("Who holds the rest", _holders()), vendor.dcgm(NAMESPACE)],
    )


def _left() -> list[Panel]:
    cpus = "node, numa_node"
    return [
        number(
            "Free devices",
            "Devices that are allocatable and that no container holds, by resource: podres_node_free_devices. Red: "
            "none.",
            stock(promql.FREE, "resource"),
            steps=NONE_LEFT,
            legend="{{resource}}",
            width=12,
        ),
        number(
            "CPUs left to grant",
            "Allocatable CPUs that nobody holds exclusively: podres_node_shared_pool_cpus. Shared pods run there.",
            f"sum({once('podres_node_shared_pool_cpus', cpus)})",
            steps=NONE_LEFT,
        ),
        number(
            "Misaligned containers",
            "Containers that no one NUMA node serves though one could have: podres_container_numa_aligned is 0.",
            or_zero(f"1 - {once('podres_container_numa_aligned', CONTAINER_LABELS, NAMESPACE)}"),
            steps=ANY_IS_A_PITY,
        ),
        number(
            "Held, not allocatable",
            "Devices that a container holds and the kubelet no longer reports: unhealthy, removed, or their plugin is "
            "gone. podres_node_unallocatable_held_devices.",
            or_zero(once("podres_node_unallocatable_held_devices", promql.STOCK, RESOURCE)),
            steps=ANY_IS_BAD,
        ),
        matrix(
            "Free devices by node",
            "podres_node_free_devices of every node and resource. Red: none. A click on a node opens its board.",
            stock(promql.FREE, "node, resource"),
            ("node", "Node"),
            "resource",
            steps=NONE_LEFT,
            size=(24, 8),
            overrides={"Node": linked(TO_NODE)},
        ),
        bars(
            "Allocated share by resource",
            "podres_node_allocated_devices of podres_node_allocatable_devices. Full is orange: the next pod waits.",
            share(stock(promql.ALLOCATED, "resource"), stock(promql.ALLOCATABLE, "resource")),
            "{{resource}}",
        ),
        bars(
            "Exclusive CPUs granted, by node",
            "podres_node_exclusive_cpus of podres_node_allocatable_cpus. Nodes whose CPU manager is not static are "
            "absent.",
            share(
                total("podres_node_exclusive_cpus", "node", cpus), total("podres_node_allocatable_cpus", "node", cpus)
            ),
            "{{node}}",
        ),
        curves(
            "Free devices over time",
            "podres_node_free_devices by resource. A step down without a step back is a pod that stays.",
            stock(promql.FREE, "resource"),
            "{{resource}}",
            width=24,
        ),
    ]


def _holders() -> list[Panel]:
    held = once("podres_container_devices", f"{CONTAINER_LABELS}, resource", RESOURCE, NAMESPACE)
    hours = (
        f"sum by (namespace, resource) (increase(podres_allocated_device_seconds_total"
        f"{{{promql.NODE}, {NAMESPACE}, {RESOURCE}}}[$__range]))\n/ 3600"
    )
    cpu_seconds = f"podres_exclusive_cpu_seconds_total{{{promql.NODE}, {NAMESPACE}}}"
    cpu_hours = f"sum by (namespace) (increase({cpu_seconds}[$__range]))\n/ 3600"
    return [
        curves(
            "Devices held, by namespace",
            "podres_container_devices, summed by namespace and resource.",
            f"sum by (namespace, resource) ({held})",
            "{{namespace}} {{resource}}",
            stacked=True,
        ),
        rows(
            "Who holds most",
            "The twenty workloads with most devices: podres_container_devices by the workload of podres_pod_info.",
            f"topk(20, {promql.workload_devices(NAMESPACE)})",
            {
                "namespace": "Namespace",
                "workload_kind": "Kind",
                "workload_name": "Workload",
                "resource": "Resource",
            },
            value="Devices",
            size=(12, 8),
            overrides={"Namespace": linked(TO_NAMESPACE)},
        ),
        matrix(
            "Device-hours in the time range, by namespace",
            "Increase of podres_allocated_device_seconds_total over the range on display, in hours; what chargeback "
            "adds up.",
            hours,
            ("namespace", "Namespace"),
            "resource",
            unit="suffix: h",
            size=(24, 8),
            overrides={"Namespace": linked(TO_NAMESPACE)},
        ),
        bars(
            "Exclusive-CPU-hours in the time range, by namespace",
            "Increase of podres_exclusive_cpu_seconds_total over the range on display, in hours.",
            cpu_hours,
            "{{namespace}}",
            unit="suffix: h",
            steps=((None, "blue"),),
            width=24,
        ),
    ]
