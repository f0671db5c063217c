"""List on standard error what is missing from a snapshot; loads no gRPC, for snapshots of files and exporters."""

from podres_exporter.cli.look.origin import Observation
from podres_exporter.errors import Reason, SnapshotError
from podres_exporter.model import Snapshot
from podres_exporter.text.availability import origin_name, why_down, why_nothing

_SLICES = "the API server, for ResourceSlices,"
_NO_SLICES = "UUIDs and NUMA nodes of DRA devices, and what is left of them, are missing or old"
_NO_METADATA = "labels, owners and phases are missing, and pods that have finished may be shown"


def missing(observation: Observation) -> list[str]:
    """Return one sentence for each thing that is missing; none if everything is there."""
    snapshot, failures, found = observation.snapshot, observation.failures, []
    if "metadata" in failures or (snapshot.metadata is not None and not snapshot.metadata.is_up):
        cause = failures.get("metadata", f"the exporter cannot reach {origin_name(snapshot.metadata)}; see its log")
        found.append(f"without metadata: {_NO_METADATA}: {cause}")
    elif snapshot.metadata is not None and not snapshot.metadata.synced:
        found.append(f"metadata may be incomplete: {origin_name(snapshot.metadata)} has not sent everything yet")
    if "topology" in failures or _is_down(snapshot, "topology"):
        cause = failures.get("topology", "see the exporter's log")
        found.append(f"the NUMA nodes of CPUs are not known: {cause}; see --topology.sysfs")
    slices = next((each for each in snapshot.sources if each.source == "dra"), None)
    if slices is not None and not slices.up and _has_claims(snapshot):
        remedy = "; podres-exporter check names the missing right" if slices.reason is Reason.DENIED else ""
        found.append(f"{_NO_SLICES}: {why_down(slices, _SLICES)}{remedy}")
    if "allocatable" in failures:
        found.append(f"free amounts are not known: {failures['allocatable']}")
    if any(part.stale for part in snapshot.parts if part.part == "pods"):
        found.append("this is the kubelet's last good answer: it is not answering now, or has just restarted")
    if "malformed" in failures:
        found.append(f"{failures['malformed']}; --record saves the answers for a bug report")
    return found


def nothing_to_show(where: str, snapshot: Snapshot) -> SnapshotError:
    """Return the error for a snapshot without an allocation; *where* is the file or exporter it came from."""
    return SnapshotError(f"{where}: nothing to show: {why_nothing(snapshot)}; see the exporter's log")


def _has_claims(snapshot: Snapshot) -> bool:
    views = snapshot.allocation.pods if snapshot.allocation else ()
    return any(each.claims for view in views for each in view.pod.containers)


def _is_down(snapshot: Snapshot, source: str) -> bool:
    return any(not each.up for each in snapshot.sources if each.source == source)
