"""
Collapsed rows that join podres with other exporters (DCGM, node_exporter); the title shows their number of series.

A collapsed row asks nothing. COOKBOOK.md of the rules explains each join.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build

from boards.frame import found, row
from boards.parts import Panel, curves
from boards.promql import CLUSTER, CONTAINER_LABELS, NODE, RATE, by_container, by_id, on_node
from boards.tables import matrix, rows

HOLDER = "{{namespace}}/{{pod}} {{container}}"


def variables() -> list[build.QueryVariable]:
    """Return the hidden variables behind the titles."""
    return [
        found("dcgm", "DCGM_FI_DEV_GPU_UTIL"),
        found("sriov", "sriov_vf_rx_bytes"),
        found("amd", "gpu_gfx_activity"),
        found("node_exporter", "node_cpu_seconds_total"),
    ]


def cluster_variables() -> list[build.QueryVariable]:
    """Return the one behind the title of `demand`."""
    return [found("kube_state_metrics", "kube_node_info")]


def demand() -> tuple[build.Row, Sequence[Panel]]:
    """Return the row of kube-state-metrics: who waits for what, and where nobody looks."""
    pending = 'max by (cluster, namespace, pod) (kube_pod_status_phase{phase="Pending"} == 1)'
    asked = f'kube_pod_container_resource_requests{{{CLUSTER}, resource!~"cpu|memory|ephemeral_storage|pods"}}'
    waiting = f"{asked}\n  * on (cluster, namespace, pod) group_left ()\n  {pending})"
    ready = f'kube_node_status_condition{{{CLUSTER}, condition="Ready", status="true"}} == 1'
    panels: list[Panel] = [
        matrix(
            "Pending pods, by how many devices they ask for",
            "kube_pod_container_resource_requests of pending pods: how many pods want 1, 2, 4 or more of a resource, "
            "to be compared with podres_node_largest_aligned_devices above. kube-state-metrics writes the names of "
            "resources with underscores.",
            f'count_values by (resource) ("devices",\nsum by (cluster, namespace, pod, resource) (\n  {waiting})',
            ("resource", "Resource"),
            "devices",
        ),
        rows(
            "Wanted by pending pods",
            "kube_pod_container_resource_requests of pending pods, by resource and namespace. kube-state-metrics "
            "writes the names of resources with underscores; compare them with podres_node_free_devices.",
            f"sum by (namespace, resource) (\n  {waiting}",
            {"namespace": "Namespace", "resource": "Resource"},
            value="Wanted",
            size=(12, 8),
        ),
        rows(
            "Nodes without an exporter",
            "kube_node_info of nodes that are ready and have no podres_source_up: nothing is known of what they hold.",
            f"max by (node) (\n  kube_node_info{{{CLUSTER}}}\n  and on (cluster, node) {ready}\n"
            "  unless on (cluster, node) podres_source_up)",
            {"node": "Node"},
            size=(12, 8),
        ),
    ]
    return row("Demand and coverage by kube-state-metrics ($kube_state_metrics series)", panels, collapsed=True)


def all_rows(who: str) -> list[tuple[build.Row, Sequence[Panel]]]:
    """Return the rows of every exporter that podres is joined with here, for the pods *who* (matchers)."""
    return [dcgm(who), _sriov(who), _amd(who), _node_exporter(who)]


def dcgm(who: str) -> tuple[build.Row, Sequence[Panel]]:
    """Return the row of NVIDIA's exporter."""
    panels: list[Panel] = [
        curves(
            "GPU utilisation by holder",
            "DCGM_FI_DEV_GPU_UTIL of each held GPU, joined on its UUID with podres_container_device_info. Each holder "
            "of a time-sliced GPU shows the whole GPU: nothing tells the shares apart.",
            by_id("max by (cluster, UUID) (DCGM_FI_DEV_GPU_UTIL)", "UUID", who) + "\n/ 100",
            f"{HOLDER} {{{{UUID}}}}",
            unit="percentunit",
            width=24,
        ),
        curves(
            "GPU memory in use by holder",
            "DCGM_FI_DEV_FB_USED of each held GPU, joined on its UUID with podres_container_device_info.",
            by_id("max by (cluster, UUID) (DCGM_FI_DEV_FB_USED)", "UUID", who) + "\n* 1048576",
            f"{HOLDER} {{{{UUID}}}}",
            unit="bytes",
            width=24,
        ),
        rows(
            "Held but idle for 30 minutes",
            "Containers whose GPU did nothing for half an hour (DCGM_FI_DEV_GPU_UTIL below 1 %), joined with "
            "podres_container_device_info. The alert PodresGpuAllocatedButIdle watches the same for longer.",
            by_id("max by (cluster, UUID) (max_over_time(DCGM_FI_DEV_GPU_UTIL[30m]))", "UUID", who) + "\n< 1",
            {"namespace": "Namespace", "pod": "Pod", "container": "Container", "node": "Node", "UUID": "GPU"},
            size=(12, 8),
        ),
        curves(
            "MIG instances: engine activity by holder",
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE of MIG instances. DCGM does not know the ids by which the kubelet hands "
            "them out, so they are joined on namespace, pod and container with podres_container_devices.",
            by_container('DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_ID!=""}', "nvidia.com/mig-.*", who),
            f"{HOLDER} {{{{resource}}}}",
            unit="percentunit",
        ),
    ]
    return row("NVIDIA GPUs by DCGM ($dcgm series)", panels, collapsed=True)


def _sriov(who: str) -> tuple[build.Row, Sequence[Panel]]:
    panels: list[Panel] = [
        curves(
            f"{word} through virtual functions, by holder",
            f"Rate of sriov_vf_{direction}_bytes, joined on PCI address and node with "
            f"podres_container_device_info. The "
            "addresses repeat from node to node; where the series lack the label node, the host of their instance is "
            "it.",
            by_id(
                f"max by (cluster, node, pciAddr) (\n  "
                f"{on_node(f'sriov_vf_{direction}_bytes', wrap=f'rate({{}}[{RATE}])')})",
                "pciAddr",
                who,
                source="device",
                per_node=True,
            ),
            f"{HOLDER} {{{{pciAddr}}}}",
            unit="Bps",
            width=12,
        )
        for direction, word in (("rx", "Received"), ("tx", "Sent"))
    ]
    return row("SR-IOV virtual functions ($sriov series)", panels, collapsed=True)


def _amd(who: str) -> tuple[build.Row, Sequence[Panel]]:
    panel = curves(
        "GPU activity by holder",
        "Mean gpu_gfx_activity of the container's GPUs. AMD's exporter names the container and no id of the kubelet, "
        "so it is joined on namespace, pod and container with podres_container_devices.",
        by_container("gpu_gfx_activity", "amd.com/.*", who) + "\n/ 100",
        f"{HOLDER} {{{{resource}}}}",
        unit="percentunit",
        width=24,
    )
    return row("AMD GPUs ($amd series)", [panel], collapsed=True)


def _node_exporter(who: str) -> tuple[build.Row, Sequence[Panel]]:
    idle = on_node("node_cpu_seconds_total", 'mode=~"idle|iowait"', f"rate({{}}[{RATE}])")
    held = f"group by (cluster, {CONTAINER_LABELS}, cpu) (podres_cpu_info{{{NODE}, {who}}})"
    panel = curves(
        "How busy exclusive CPUs are, by holder",
        "1 - idle and iowait of node_cpu_seconds_total, mean over the container's exclusive CPUs, joined on cpu and "
        "node with podres_cpu_info (--collector.cpu-info, off by default). Low: CPUs are held and not used.",
        f"avg by (cluster, {CONTAINER_LABELS}) (\n{held}\n* on (cluster, node, cpu) group_left ()\n"
        f"(1 - sum by (cluster, node, cpu) (\n  {idle})))",
        HOLDER,
        unit="percentunit",
        width=24,
    )
    return row("Exclusive CPUs by node_exporter ($node_exporter series)", [panel], collapsed=True)
