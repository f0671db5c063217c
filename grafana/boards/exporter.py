"""The dashboard of the exporters themselves: whether their data can be trusted, and what they cost."""

from grafana_foundation_sdk.models import dashboard

from boards import frame
from boards.parts import ANY_IS_BAD, Panel, Steps, bars, curves, number
from boards.promql import CLUSTER, RATE, or_zero, recorded
from boards.tables import matrix, rows

OURS = "and on (job, instance) podres_exporter_build_info"
JOB = f'{CLUSTER}, job=~"$job"'
AGE: Steps = ((None, "green"), (30, "yellow"), (120, "red"))
"""Seconds: three missed polls, and the default of --snapshot.max-age."""
WHO = "node, instance"
NAMED = {"node": "Node", "instance": "Instance"}
"""The chart's monitors name the node of each target; where there is none the address is all that is known."""
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
            "Exporters that show something as before a kubelet's restart: podres_snapshot_held.",
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
        rows(
            "Sources that are down",
            "podres_source_up is 0: the kubelet, the API server (metadata) or sysfs (topology). Fifty of them at most.",
            f"topk(50, max by ({WHO}, source) (podres_source_up{{{JOB}}}) == 0)",
            {**NAMED, "source": "Source"},
            size=(12, 8),
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
            f"topk(5, max by ({WHO}) ("
            f'time() - podres_source_last_success_timestamp_seconds{{{JOB}, source="kubelet"}}))',
            "{{node}} {{instance}}",
            unit="s",
            width=24,
        ),
    ]


def _kubelet() -> list[Panel]:
    errors, calls = "cluster:podres_kubelet_rpc_errors:rate5m", "cluster:podres_kubelet_rpcs:rate5m"
    buckets = "cluster:podres_kubelet_rpc_duration_seconds_bucket:rate5m"
    return [
        curves(
            "Failed calls, by reason",
            f"{errors}, a line at 0 for each call that is made. disabled and unimplemented are answers of a kubelet "
            "without the call.",
            f"{recorded(errors, 'rpc, reason')} or 0 * {recorded(calls, 'rpc')}",
            "{{rpc}} {{reason}}",
            unit="cps",
            reach=0.1,
        ),
        curves(
            "Latency of calls, 99th percentile",
            f"{buckets} over all exporters, failed calls included.",
            f"histogram_quantile(0.99, {recorded(buckets, 'rpc, le')}) >= 0",
            "{{rpc}}",
            unit="s",
        ),
        curves(
            "Calls",
            f"{calls} per exporter (cluster:podres_exporter_up:count), the mean. The kubelet's limit is 100 per second "
            "for all its clients.",
            f"{recorded(calls, 'rpc')} / scalar(sum(cluster:podres_exporter_up:count{{{CLUSTER}}}))",
            "{{rpc}}",
            unit="cps",
        ),
        matrix(
            "Calls that the kubelets serve",
            "How many kubelets serve a call (1) and how many do not know it or have it switched off (0): "
            "podres_kubelet_rpc_supported.",
            f'count_values by (rpc) ("served", podres_kubelet_rpc_supported{{{JOB}}})',
            ("rpc", "Call"),
            "served",
        ),
        curves(
            "Restarts of kubelets in an hour",
            "cluster:podres_kubelet_restarts:increase1h, of all nodes together.",
            f"sum(cluster:podres_kubelet_restarts:increase1h{{{CLUSTER}}})",
            "restarts",
            reach=1,
        ),
        rows(
            "Kubelets that restart most in an hour",
            "Increase of podres_kubelet_restarts_total, the twenty nodes with most.",
            f"topk(20, max by ({WHO}) (increase(podres_kubelet_restarts_total{{{JOB}}}[1h])) > 0.5)",
            NAMED,
            value="Restarts in an hour",
            size=(12, 8),
        ),
        curves(
            "Unusable items of good answers",
            "cluster:podres_malformed_items:rate5m. The exporter's log names them.",
            recorded("cluster:podres_malformed_items:rate5m", "rpc"),
            "{{rpc}}",
            unit="cps",
            width=24,
            reach=0.1,
        ),
    ]


def _metadata() -> list[Panel]:
    errors, requests = "cluster:podres_metadata_errors:rate5m", "cluster:podres_metadata_requests:rate5m"
    return [
        curves(
            "Failed requests, by reason",
            f"{errors}, a line at 0 for each request that is made. denied is RBAC.",
            f"{recorded(errors, 'verb, reason')} or 0 * {recorded(requests, 'verb')}",
            "{{verb}} {{reason}}",
            unit="reqps",
            width=8,
            reach=0.1,
        ),
        curves(
            "Requests",
            f"{requests} of all exporters together. It should be close to nothing.",
            recorded(requests, "verb"),
            "{{verb}}",
            unit="reqps",
            width=8,
            reach=0.1,
        ),
        curves(
            "Received",
            "cluster:podres_metadata_received_bytes:rate5m of all exporters together.",
            f"sum(cluster:podres_metadata_received_bytes:rate5m{{{CLUSTER}}})",
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
            "{{node}} {{instance}}",
            unit="bytes",
            width=8,
        ),
        curves(
            "CPU",
            "Rate of process_cpu_seconds_total, the ten largest, in cores.",
            f"topk(10, rate(process_cpu_seconds_total{{{JOB}}}[{RATE}]) {OURS})",
            "{{node}} {{instance}}",
            width=8,
        ),
        bars(
            "Series per scrape",
            "scrape_samples_scraped, the ten largest. podres_cpu_info is the collector that adds most.",
            f"topk(10, scrape_samples_scraped{{{JOB}}} {OURS})",
            "{{node}} {{instance}}",
            unit="short",
            steps=((None, "blue"),),
            width=8,
        ),
    ]
