"""
Definitions of the exporter's own counters. They count events, so their values are in a registry, not in the snapshot.

They are defined here because there is one catalogue: metrics.md, the `metrics` command, dashboards and rules may name
only what it contains.
"""

from podres_exporter.families.spec import Family, Kind

RPCS = Family(
    name="podres_kubelet_rpcs_total",
    kind=Kind.COUNTER,
    help="Calls to the kubelet.",
    labels=("rpc",),
    collector="exporter",
)
RPC_ERRORS = Family(
    name="podres_kubelet_rpc_errors_total",
    kind=Kind.COUNTER,
    help="Calls to the kubelet without a usable answer, by reason: unavailable, timeout, denied, "
    "unimplemented, disabled, not_found, throttled, too_large, malformed, internal.",
    labels=("rpc", "reason"),
    collector="exporter",
)
RPC_DURATION = Family(
    name="podres_kubelet_rpc_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="How long calls to the kubelet took, failed ones included.",
    labels=("rpc",),
    collector="exporter",
)
RESTARTS = Family(
    name="podres_kubelet_restarts_total",
    kind=Kind.COUNTER,
    help="How often the kubelet was seen to recreate its socket.",
    labels=(),
    collector="exporter",
)
MALFORMED = Family(
    name="podres_malformed_items_total",
    kind=Kind.COUNTER,
    help="Items of successful answers that could not be used or had to be corrected, counted at each "
    "poll; the log names them.",
    labels=("rpc",),
    collector="exporter",
)
LOOP_ERRORS = Family(
    name="podres_loop_errors_total",
    kind=Kind.COUNTER,
    help="Polls that ended in an unexpected error; each is a bug, and the log has its traceback.",
    labels=(),
    collector="exporter",
)
LISTS = Family(
    name="podres_kubelet_lists_total",
    kind=Kind.COUNTER,
    help="List calls to the kubelet, by reason: start, restart (of the kubelet), resync, news (a pod has "
    "changed and Get is not served), metadata (metadata is not followed), poll (nothing else reports"
    " changes). A List can make kubelets before 1.38 allocate one device to two pods, so none is "
    "made without a reason.",
    labels=("reason",),
    collector="exporter",
)
LIST_DELAYS = Family(
    name="podres_kubelet_list_delays_total",
    kind=Kind.COUNTER,
    help="How often a List was delayed while the kubelet may have been admitting a pod that requests "
    "devices or exclusive CPUs, by outcome: waited (until that was over), gave_up (after 10 s).",
    labels=("outcome",),
    collector="exporter",
)
RESYNC_DIFFERENCES = Family(
    name="podres_kubelet_resync_differences_total",
    kind=Kind.COUNTER,
    help="How often the kubelet reported a pod differently from what was shown, without an event to "
    "explain it. Each is a bug of the exporter or of the kubelet; the log names the pod.",
    labels=(),
    collector="exporter",
)
METADATA_REQUESTS = Family(
    name="podres_metadata_requests_total",
    kind=Kind.COUNTER,
    help="Requests for pod metadata, by verb: list, watch (a stream, where the kubelet's Pods API is the source).",
    labels=("verb",),
    collector="exporter",
)
METADATA_ERRORS = Family(
    name="podres_metadata_errors_total",
    kind=Kind.COUNTER,
    help="Requests for pod metadata that failed and watches that broke, by reason as for the kubelet, "
    "and gone: the resource version to resume from was too old.",
    labels=("verb", "reason"),
    collector="exporter",
)
METADATA_RESTARTS = Family(
    name="podres_metadata_watch_restarts_total",
    kind=Kind.COUNTER,
    help="Watches that had to be reopened, by cause: ended (as planned), error, expired; of the Pods API also restart "
    "(of the kubelet).",
    labels=("cause",),
    collector="exporter",
)
METADATA_EVENTS = Family(
    name="podres_metadata_events_total",
    kind=Kind.COUNTER,
    help="Events of the watch: changed, foreign (pod of another node), deleted, bookmark, failed, unknown, unusable; "
    "of the Pods API also synced (all pods named) and resync (a pod that differed from what its events said).",
    labels=("event",),
    collector="exporter",
)
METADATA_BYTES = Family(
    name="podres_metadata_received_bytes_total",
    kind=Kind.COUNTER,
    help="Bytes of pod metadata received, from lists and watches.",
    labels=(),
    collector="exporter",
)
METADATA_MALFORMED = Family(
    name="podres_metadata_malformed_items_total",
    kind=Kind.COUNTER,
    help="Pods, or parts of them, in successful answers that could not be used; the log names them.",
    labels=(),
    collector="exporter",
)
METADATA = (
    METADATA_REQUESTS,
    METADATA_ERRORS,
    METADATA_RESTARTS,
    METADATA_EVENTS,
    METADATA_BYTES,
    METADATA_MALFORMED,
)
DRA_REQUESTS = Family(
    name="podres_dra_requests_total",
    kind=Kind.COUNTER,
    help="Requests to the API server for ResourceSlices (list, watch), ResourceClaims and the API's version (get).",
    labels=("verb",),
    collector="exporter",
)
DRA_ERRORS = Family(
    name="podres_dra_errors_total",
    kind=Kind.COUNTER,
    help="Requests for ResourceSlices and ResourceClaims that failed and watches of them that broke, by reason.",
    labels=("verb", "reason"),
    collector="exporter",
)
DRA_MALFORMED = Family(
    name="podres_dra_malformed_items_total",
    kind=Kind.COUNTER,
    help="Slices and devices in successful answers of the API server that could not be used; the log names them.",
    labels=(),
    collector="exporter",
)
DRA = (DRA_REQUESTS, DRA_ERRORS, DRA_MALFORMED)
BUILD_INFO = Family(
    name="podres_exporter_build_info",
    kind=Kind.INFO,
    help="Versions of the exporter, of Python and of grpcio.",
    labels=("version", "python", "grpc"),
    collector="exporter",
)
WEB_CONFIG_SUCCESSFUL = Family(
    name="podres_web_config_last_reload_successful",
    kind=Kind.GAUGE,
    help="1 if the web config file and the files named in it were valid when last read, 0 while the "
    "previous ones are used instead. Absent without --web.config.file.",
    labels=(),
    collector="exporter",
)
WEB_CONFIG_TIMESTAMP = Family(
    name="podres_web_config_last_reload_success_timestamp_seconds",
    kind=Kind.GAUGE,
    help="When the web config file was last read and valid. Absent without --web.config.file.",
    labels=(),
    collector="exporter",
)
FAMILIES = (
    RPCS,
    RPC_ERRORS,
    RPC_DURATION,
    RESTARTS,
    MALFORMED,
    LISTS,
    LIST_DELAYS,
    RESYNC_DIFFERENCES,
    LOOP_ERRORS,
    *METADATA,
    *DRA,
    BUILD_INFO,
    WEB_CONFIG_SUCCESSFUL,
    WEB_CONFIG_TIMESTAMP,
)
