"""The exporters themselves: whether they can be believed, and what they cost."""

from grafana_foundation_sdk.models import dashboard

from boards import frame
from boards.parts import ANY_IS_BAD, Panel, Steps, bars, curves, number, texts
from boards.promql import CLUSTER, RATE, or_zero
from boards.tables import matrix, rows

OURS = "and on (job, instance) podres_exporter_build_info"
JOB = f'{CLUSTER}, job=~"$job"'
AGE: Steps = ((None, "green"), (30, "yellow"), (120, "red"))
"""Seconds: three missed polls, and the default of --snapshot.max-age."""
SHARE_UP: Steps = ((None, "red"), (1, "green"))


def board(*, several_clusters: bool) -> dashboard.Dashboard:
    """Return the dashboard."""
    return frame.board(
        "Podres / Exporter",
        frame.EXPORTER_BOARD,
        "Whether the exporters are up and believe their kubelets, how old their data is, and what they cost.",
        [
            frame.cluster(several=several_clusters),
            frame.job(),
        ],
        [
            frame.row("Can they be believed", _trust()),
            frame.row("Kubelet", _kubelet()),
            frame.row("API server", _metadata()),
            frame.row("Cost", _cost()),
        ],
    )


def _trust() -> list[Panel]:
    return [
        number(
            "Exporters up",
            "Share of the exporters that Prometheus can scrape: up.",
            f"avg(up{{{JOB}}})",
            unit="percentunit",
            steps=SHARE_UP,
        ),
        number(
            "Oldest answer of a kubelet",
            "Now minus the smallest podres_source_last_success_timestamp_seconds of the source kubelet. After "
            "--snapshot.max-age (2 minutes) the allocation disappears.",
            f'max(time() - podres_source_last_success_timestamp_seconds{{{JOB}, source="kubelet"}})',
            unit="s",
            steps=AGE,
        ),
        number(
            "Stale snapshots",
            "Exporters that show an older answer, because the kubelet does not answer: podres_snapshot_stale.",
            or_zero(f"max by (cluster, instance) (podres_snapshot_stale{{{JOB}}})"),
            steps=ANY_IS_BAD,
        ),
        number(
            "Held snapshots",
            "Exporters that hold back the answers of a kubelet that has just started: podres_snapshot_held.",
            or_zero(f"max by (cluster, instance) (podres_snapshot_held{{{JOB}}})"),
            steps=ANY_IS_BAD,
        ),
        number(
            "Without metadata",
            "Exporters that do not follow the API server though they should: podres_metadata_synced is 0.",
            or_zero(f"1 - podres_metadata_synced{{{JOB}}}"),
            steps=ANY_IS_BAD,
        ),
        number(
            "Finished pods listed",
            "Finished pods that kubelets list and the exporters leave out: podres_pods_skipped, reason terminal.",
            or_zero(f'podres_pods_skipped{{{JOB}, reason="terminal"}}'),
        ),
        matrix(
            "Sources",
            "podres_source_up of each exporter: the kubelet, the API server (metadata) and sysfs (topology).",
            f"max by (instance, source) (podres_source_up{{{JOB}}})",
            ("instance", "Instance"),
            "source",
            steps=((None, "red"), (1, "green")),
            overrides={
                name: {"mappings": texts({"0": ("down", "red"), "1": ("up", "green")})}
                for name in ("kubelet", "metadata", "topology")
            },
        ),
        rows(
            "Versions",
            "podres_exporter_build_info: more than one version for long is a rollout that hangs.",
            f"count by (version, python, grpc) (podres_exporter_build_info{{{JOB}}})",
            {"version": "Version", "python": "Python", "grpc": "grpcio"},
            value="Exporters",
            size=(12, 8),
        ),
        curves(
            "Age of the data",
            "Now minus podres_source_last_success_timestamp_seconds of the source kubelet, the five oldest.",
            f'topk(5, time() - podres_source_last_success_timestamp_seconds{{{JOB}, source="kubelet"}})',
            "{{instance}}",
            unit="s",
            width=24,
        ),
    ]


def _kubelet() -> list[Panel]:
    return [
        curves(
            "Failed calls, by reason",
            "Rate of podres_kubelet_rpc_errors_total, a line at 0 for each call that is made. disabled and "
            "unimplemented are answers of a kubelet without the call.",
            f"sum by (rpc, reason) (rate(podres_kubelet_rpc_errors_total{{{JOB}}}[{RATE}])) "
            f"or sum by (rpc) (0 * rate(podres_kubelet_rpcs_total{{{JOB}}}[{RATE}]))",
            "{{rpc}} {{reason}}",
            unit="cps",
        ),
        curves(
            "Latency of calls, 99th percentile",
            "podres_kubelet_rpc_duration_seconds over all exporters, failed calls included.",
            f"histogram_quantile(0.99, sum by (rpc, le) "
            f"(rate(podres_kubelet_rpc_duration_seconds_bucket{{{JOB}}}[{RATE}]))) >= 0",
            "{{rpc}}",
            unit="s",
        ),
        curves(
            "Calls",
            "Rate of podres_kubelet_rpcs_total per exporter, the mean. The kubelet's limit is 100 per second for all "
            "its clients.",
            f"avg by (rpc) (sum by (rpc, instance) (rate(podres_kubelet_rpcs_total{{{JOB}}}[{RATE}])))",
            "{{rpc}}",
            unit="cps",
        ),
        matrix(
            "Calls that the kubelets serve",
            "podres_kubelet_rpc_supported: no means that this kubelet does not know the call or has it switched off.",
            f"max by (instance, rpc) (podres_kubelet_rpc_supported{{{JOB}}})",
            ("instance", "Instance"),
            "rpc",
            overrides={
                name: {"mappings": texts({"0": ("no", "orange"), "1": ("yes", "green")})}
                for name in ("List", "GetAllocatableResources", "Get")
            },
        ),
        curves(
            "Restarts of kubelets in an hour",
            "Increase of podres_kubelet_restarts_total over the hour before each point.",
            f"sum by (instance) (increase(podres_kubelet_restarts_total{{{JOB}}}[1h]))",
            "{{instance}}",
        ),
        curves(
            "Unusable items of good answers",
            "Rate of podres_malformed_items_total. The exporter's log names them.",
            f"sum by (rpc) (rate(podres_malformed_items_total{{{JOB}}}[{RATE}]))",
            "{{rpc}}",
            unit="cps",
        ),
    ]


def _metadata() -> list[Panel]:
    return [
        curves(
            "Failed requests, by reason",
            "Rate of podres_metadata_errors_total, a line at 0 for each request that is made. denied is RBAC.",
            f"sum by (verb, reason) (rate(podres_metadata_errors_total{{{JOB}}}[{RATE}])) "
            f"or sum by (verb) (0 * rate(podres_metadata_requests_total{{{JOB}}}[{RATE}]))",
            "{{verb}} {{reason}}",
            unit="reqps",
            width=8,
        ),
        curves(
            "Requests",
            "Rate of podres_metadata_requests_total of all exporters together. It should be close to nothing.",
            f"sum by (verb) (rate(podres_metadata_requests_total{{{JOB}}}[{RATE}]))",
            "{{verb}}",
            unit="reqps",
            width=8,
        ),
        curves(
            "Received",
            "Rate of podres_metadata_received_bytes_total of all exporters together.",
            f"sum(rate(podres_metadata_received_bytes_total{{{JOB}}}[{RATE}]))",
            "received",
            unit="Bps",
            width=8,
        ),
    ]


def _cost() -> list[Panel]:
    return [
        curves(
            "Memory",
            "process_resident_memory_bytes, the ten largest.",
            f"topk(10, process_resident_memory_bytes{{{JOB}}} {OURS})",
            "{{instance}}",
            unit="bytes",
            width=8,
        ),
        curves(
            "CPU",
            "Rate of process_cpu_seconds_total, the ten largest, in cores.",
            f"topk(10, rate(process_cpu_seconds_total{{{JOB}}}[{RATE}]) {OURS})",
            "{{instance}}",
            width=8,
        ),
        bars(
            "Series per scrape",
            "scrape_samples_scraped, the ten largest. podres_cpu_info is the collector that adds most.",
            f"topk(10, scrape_samples_scraped{{{JOB}}} {OURS})",
            "{{instance}}",
            unit="short",
            steps=((None, "blue"),),
            width=8,
        ),
    ]
