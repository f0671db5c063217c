"""What a snapshot lacks, in sentences for whoever asked for it."""

from collections.abc import Mapping

from podres_exporter.errors import Reason, SnapshotError, SourceError
from podres_exporter.model import Snapshot, SourceHealth

Causes = Mapping[str, str]
"""Why a source gave nothing, by source, as far as that is known here."""

_METADATA_REMEDIES = {
    Reason.DENIED: "grant list and watch of pods to whoever asks",
    Reason.UNAVAILABLE: "see that the API server can be reached",
    Reason.TIMEOUT: "see that the API server can be reached",
}
_UNTOLD = "labels, owners and phases are missing, and pods that have finished may be shown"


def shortfalls(snapshot: Snapshot, causes: Causes) -> list[str]:
    """Return one sentence for each thing that is missing though it was wanted; none where all is there."""
    found = []
    if "metadata" in causes or (snapshot.metadata is not None and not snapshot.metadata.is_up):
        cause = causes.get("metadata", "the exporter cannot reach the API server; see its log")
        found.append(f"without metadata: {_UNTOLD}: {cause}")
    elif snapshot.metadata is not None and not snapshot.metadata.synced:
        found.append("metadata may be incomplete: the API server did not tell everything")
    if "topology" in causes or _is_down(snapshot, "topology"):
        cause = causes.get("topology", "see the exporter's log")
        found.append(f"the NUMA nodes of CPUs are not known: {cause}; see --topology.sysfs")
    if "allocatable" in causes:
        found.append(f"what is free is not known: {causes['allocatable']}")
    if any(part.stale for part in snapshot.parts if part.part == "pods"):
        found.append("this is the kubelet's last good answer; it does not answer now, or is not believed yet")
    if "malformed" in causes:
        found.append(f"{causes['malformed']}; --record keeps the answers for a bug report")
    return found


def _is_down(snapshot: Snapshot, source: str) -> bool:
    health = next((each for each in snapshot.sources if each.source == source), SourceHealth(source, True, None))
    return not health.up


def metadata_cause(error: SourceError) -> str:
    """Return why the API server told nothing, with the remedy."""
    remedy = _METADATA_REMEDIES.get(error.reason, "see podres-exporter check")
    return f"{error.detail}; {remedy}, or give --metadata.source=none"


def without_allocation(where: str, snapshot: Snapshot) -> SnapshotError:
    """Return the error for a snapshot of an exporter that has nothing to show."""
    if any(part.held for part in snapshot.parts if part.part == "pods"):
        why = "the kubelet has just started, and its answers are held back until they are stable; try again in a minute"
    else:
        why = "the kubelet does not answer the exporter, or has not for too long; see the exporter's log"
    return SnapshotError(f"{where}: the snapshot has no allocation: {why}")
