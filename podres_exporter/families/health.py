"""Metrics of the sources' health and the snapshot's freshness."""

from collections.abc import Collection

from podres_exporter.families.spec import ExporterFamily, Kind, Row
from podres_exporter.model import Mark, Snapshot, Support


def _up(snapshot: Snapshot) -> Collection[Row]:
    return [(health.source, int(health.up)) for health in snapshot.sources]


def _last_success(snapshot: Snapshot) -> Collection[Row]:
    return [(h.source, h.last_success_seconds) for h in snapshot.sources if h.last_success_seconds is not None]


def _supported(snapshot: Snapshot) -> Collection[Row]:
    return [
        (rpc.rpc, int(rpc.support is Support.SUPPORTED)) for rpc in snapshot.rpcs if rpc.support is not Support.UNKNOWN
    ]


def _stale(snapshot: Snapshot) -> Collection[Row]:
    return [(part.part, int(part.stale)) for part in snapshot.parts]


def _retained(snapshot: Snapshot) -> Collection[Row]:
    if snapshot.allocation is None:
        return ()
    return [(sum(view.mark is Mark.RETAINED for view in snapshot.allocation.pods),)]


def _held(snapshot: Snapshot) -> Collection[Row]:
    return [(part.part, int(part.held)) for part in snapshot.parts]


def _skipped(snapshot: Snapshot) -> Collection[Row]:
    return sorted(snapshot.allocation.skipped_pods.items()) if snapshot.allocation else ()


def _synced(snapshot: Snapshot) -> Collection[Row]:
    return [(int(snapshot.metadata.synced),)] if snapshot.metadata else ()


def _known_pods(snapshot: Snapshot) -> Collection[Row]:
    return [(len(snapshot.metadata.pods),)] if snapshot.metadata else ()


FAMILIES = (
    ExporterFamily(
        name="podres_source_up",
        kind=Kind.GAUGE,
        help="1 if the source (kubelet, topology, metadata) answered when last asked; metadata is the API server, or "
        "the kubelet's Pods API.",
        labels=("source",),
        collector="exporter",
        rows=_up,
    ),
    ExporterFamily(
        name="podres_source_last_success_timestamp_seconds",
        kind=Kind.GAUGE,
        help="When the source last answered; absent until it does.",
        labels=("source",),
        collector="exporter",
        rows=_last_success,
    ),
    ExporterFamily(
        name="podres_kubelet_rpc_supported",
        kind=Kind.GAUGE,
        help="1 if the running kubelet serves the RPC, 0 if it lacks it or has it disabled; absent until it "
        "was called.",
        labels=("rpc",),
        collector="exporter",
        rows=_supported,
    ),
    ExporterFamily(
        name="podres_snapshot_stale",
        kind=Kind.GAUGE,
        help="1 while the part of the snapshot (pods, allocatable) is older than the last poll, because the "
        "kubelet did not answer.",
        labels=("part",),
        collector="exporter",
        rows=_stale,
    ),
    ExporterFamily(
        name="podres_snapshot_held",
        kind=Kind.GAUGE,
        help="1 while pods or resources are shown that the kubelet reported before its restart and has not "
        "reported since, by part (pods, allocatable). What retained pods hold counts as held.",
        labels=("part",),
        collector="exporter",
        rows=_held,
    ),
    ExporterFamily(
        name="podres_pods_retained",
        kind=Kind.GAUGE,
        help="Pods shown because the kubelet listed them before its restart, though it has not listed them "
        "since; each stays until it is known to have ended.",
        labels=(),
        collector="exporter",
        rows=_retained,
    ),
    ExporterFamily(
        name="podres_pods_skipped",
        kind=Kind.GAUGE,
        help="Pods of the last answer that are not shown as pods of their own, by reason: duplicate_name "
        "(merged with another pod of that name), terminal (finished according to the API server; "
        "kubelets up to 1.33 still list it; absent while that is not known).",
        labels=("reason",),
        collector="exporter",
        rows=_skipped,
    ),
    ExporterFamily(
        name="podres_metadata_synced",
        kind=Kind.GAUGE,
        help="1 while all pods are known by their metadata and followed; 0 once that has not been so for a "
        "poll interval: the last known metadata is still used then.",
        labels=(),
        collector="exporter",
        rows=_synced,
    ),
    ExporterFamily(
        name="podres_metadata_pods",
        kind=Kind.GAUGE,
        help="Pods of this node that the source of metadata has reported.",
        labels=(),
        collector="exporter",
        rows=_known_pods,
    ),
)
