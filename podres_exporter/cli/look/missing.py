"""What a snapshot lacks although it was wanted, in sentences for standard error."""

from podres_exporter.cli.look.origin import Observation
from podres_exporter.errors import SnapshotError
from podres_exporter.model import Snapshot
from podres_exporter.text.availability import why_nothing
from podres_exporter.text.origin import origin_name

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
    if "allocatable" in failures:
        found.append(f"what is free is not known: {failures['allocatable']}")
    if any(part.stale for part in snapshot.parts if part.part == "pods"):
        found.append("this is the kubelet's last good answer: it does not answer now, or has just restarted")
    if "malformed" in failures:
        found.append(f"{failures['malformed']}; --record keeps the answers for a bug report")
    return found


def nothing_to_show(where: str, snapshot: Snapshot) -> SnapshotError:
    """Return the error for a snapshot without an allocation; *where* is the file or exporter it came from."""
    return SnapshotError(f"{where}: nothing to show: {why_nothing(snapshot)}; see the exporter's log")


def _is_down(snapshot: Snapshot, source: str) -> bool:
    return any(not each.up for each in snapshot.sources if each.source == source)
