"""The workload dashboard: what namespaces and workloads hold and requested, and their health."""

from grafana_foundation_sdk.models import dashboard

from boards import frame, promql, vendor
from boards.node import held_devices_table
from boards.parts import ANY_IS_A_PITY, ANY_IS_BAD, Panel, curves, number
from boards.promql import CONTAINER_LABELS, POD, RESOURCE, named, once, or_zero
from boards.tables import coloured, link, linked, matrix, narrow, rows

TO_NODE = link("Node ${__value.text}", frame.NODE_BOARD, node="${__value.text}")


def board(*, several_clusters: bool) -> dashboard.Dashboard:
    """Return the dashboard."""
    return frame.board(
        "Podres / Namespace and workload",
        frame.WORKLOAD_BOARD,
        "Who holds which device, CPU and memory block, against what was asked for, and how healthy it is.",
        [
            frame.cluster(several=several_clusters),
            frame.node(),
            frame.one_namespace(),
            frame.pod(),
            frame.resource(),
            *vendor.variables(),
        ],
        [
            frame.row("At a glance", _glance()),
            frame.row("Who holds what", _held()),
            frame.row("Asked for and held", _asked()),
            *vendor.all_rows(POD),
        ],
    )


def _glance() -> list[Panel]:
    claimed = "node, namespace, pod, claim, driver, pool, device"
    return [
        number(
            "Devices held",
            "Devices of device plugins: podres_container_devices.",
            or_zero(once("podres_container_devices", f"{CONTAINER_LABELS}, resource", RESOURCE, POD)),
        ),
        number(
            "Claim devices held",
            "Devices of DRA claims: podres_container_claim_device_info, each device of a claim counted once per pod.",
            or_zero(f"count({once('podres_container_claim_device_info', claimed, POD)})"),
        ),
        number(
            "Exclusive CPUs held",
            "podres_pod_exclusive_cpus, each CPU of a pod counted once.",
            or_zero(once("podres_pod_exclusive_cpus", "node, namespace, pod, numa_node", POD)),
        ),
        number(
            "Misaligned containers",
            "Containers that no one NUMA node serves though one could have: podres_container_numa_aligned is 0.",
            or_zero(f"1 - {once('podres_container_numa_aligned', CONTAINER_LABELS, POD)}"),
            steps=ANY_IS_A_PITY,
        ),
        number(
            "Unhealthy devices",
            "Devices that the pod's status calls Unhealthy: podres_container_device_health (kubelets from 1.36).",
            or_zero(
                once(
                    "podres_container_device_health",
                    f"{CONTAINER_LABELS}, resource, device, pool, claim",
                    RESOURCE_OR_DRIVER,
                    POD,
                    'health="Unhealthy"',
                )
            ),
            steps=ANY_IS_BAD,
        ),
        number(
            "Missing devices",
            "Devices asked for that the kubelet does not list, and unexplained: podres_container_missing_devices.",
            or_zero(
                once(
                    "podres_container_missing_devices",
                    f"{CONTAINER_LABELS}, resource",
                    RESOURCE,
                    POD,
                    UNEXPLAINED,
                )
            ),
            steps=ANY_IS_BAD,
        ),
    ]


ASKED, DUE = "Namespace · pod · container · resource", "Namespace · pod · container"
MISSING = {**coloured(), "color": {"mode": "fixed", "fixedColor": "orange"}}
UNEXPLAINED = 'explanation="unexplained"'
"""What init containers, claims and old kubelets explain is missing nowhere."""
RESOURCE_OR_DRIVER = 'resource!=""'
"""The health of a claim's device has its driver as resource, which the variable does not offer."""


def _held() -> list[Panel]:
    info = "node, namespace, pod, workload_kind, workload_name, qos_class, priority_class"
    memory = once("podres_pod_memory_bytes", "node, namespace, pod, memory_type, numa_nodes", POD)
    return [
        held_devices_table(
            {"namespace": "Namespace", "pod": "Pod", "container": "Container", "node": "Node", "numa_nodes": "NUMA"},
            POD,
        ),
        curves(
            "Devices held, by workload",
            "Devices by workload of the chosen namespaces, as a mean of five minutes: "
            "namespace_workload:podres_workload_devices:rate5m. The choice of pods does not count here.",
            promql.recorded(
                "namespace_workload:podres_workload_devices:rate5m",
                "namespace, workload_kind, workload_name, resource",
                promql.NAMESPACE,
                RESOURCE,
            )
            + " > 0",
            "{{namespace}}/{{workload_name}} {{resource}}",
            stacked=True,
        ),
        matrix(
            "Memory and huge pages granted, by pod",
            "podres_pod_memory_bytes by memory type. Only the static memory manager grants any.",
            f'label_join(sum by (namespace, pod, memory_type) ({memory}), "who", "/", "namespace", "pod")',
            ("who", "Pod"),
            "memory_type",
            unit="bytes",
            overrides={"Pod": narrow(260)},
        ),
        rows(
            "Pods",
            "podres_pod_info: pods that the kubelet lists and the API server knows, with their workload.",
            once("podres_pod_info", info, POD),
            {
                "namespace": "Namespace",
                "pod": "Pod",
                "node": "Node",
                "workload_kind": "Kind",
                "workload_name": "Workload",
                "qos_class": "QoS class",
                "priority_class": "Priority class",
            },
            size=(24, 9),
            overrides={"Node": linked(TO_NODE)},
        ),
    ]


def _asked() -> list[Panel]:
    by = f"{CONTAINER_LABELS}, resource"
    parts = {
        "Asked for": once("podres_container_requested_devices", by, RESOURCE, POD),
        "Held": once("podres_container_devices", by, RESOURCE, POD),
        "Missing": once("podres_container_missing_devices", by, RESOURCE, POD, UNEXPLAINED),
    }
    devices = "\nor ".join(named(expression, "what", what) for what, expression in parts.items())
    cpu_parts = {
        "Due": once("podres_container_requested_exclusive_cpus", CONTAINER_LABELS, POD),
        "Held": f"sum by (cluster, {CONTAINER_LABELS}) "
        f"({once('podres_container_exclusive_cpus', f'{CONTAINER_LABELS}, numa_node', POD)})",
        "Missing": once("podres_container_missing_exclusive_cpus", CONTAINER_LABELS, POD, UNEXPLAINED),
    }
    cpus = "\nor ".join(named(expression, "what", what) for what, expression in cpu_parts.items())
    return [
        matrix(
            "Devices asked for and held",
            "podres_container_requested_devices, podres_container_devices and podres_container_missing_devices side "
            "by side.",
            f'label_join(\n{devices},\n"who", " · ", "namespace", "pod", "container", "resource")',
            ("who", ASKED),
            "what",
            size=(12, 10),
            overrides={ASKED: narrow(330), "Missing": MISSING},
        ),
        matrix(
            "Exclusive CPUs due and held",
            "podres_container_requested_exclusive_cpus, podres_container_exclusive_cpus and "
            "podres_container_missing_exclusive_cpus side by side. Due: whole CPUs of a Guaranteed pod.",
            f'label_join(\n{cpus},\n"who", " · ", "namespace", "pod", "container")',
            ("who", DUE),
            "what",
            size=(12, 10),
            overrides={DUE: narrow(330), "Missing": MISSING},
        ),
    ]
