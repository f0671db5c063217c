"""Explain on standard error what is missing from a snapshot and why, with a remedy."""

import stat
from pathlib import Path

from podres_exporter.cli.look.origin import Observation
from podres_exporter.errors import Reason, SnapshotError, SourceError, TopologyError
from podres_exporter.model import MetadataOrigin, Snapshot
from podres_exporter.recording import Refusal
from podres_exporter.service.oneshot import Look
from podres_exporter.sources.interfaces import ALLOCATABLE
from podres_exporter.text.availability import origin_name, remedy_of, why_down, why_nothing

_ABSENT = frozenset({Reason.UNIMPLEMENTED, Reason.DISABLED})
"""A kubelet without the method is not an outage."""
_ELSEWHERE = "--url queries a running exporter, --from reads a recording"
_MORE_DETAIL = "see podres-exporter check; --record saves the answer for a bug report"


def failures_of(look: Look, metadata: Refusal | None) -> dict[str, str]:
    """Return the failures by source; *metadata* is that of the metadata source."""
    failures = {}
    if metadata is not None:
        failures["metadata"] = metadata.detail or metadata.reason.value
    if isinstance(look.topology, TopologyError):
        failures["topology"] = look.topology.detail
    failure = look.failures.get(ALLOCATABLE)
    if failure is not None and failure.reason not in _ABSENT:
        failures["allocatable"] = str(failure)
    if look.malformed:
        failures["malformed"] = f"{look.malformed} items of the kubelet's answers cannot be read and are left out"
    return failures


def metadata_failure(error: SourceError, origin: MetadataOrigin = MetadataOrigin.APISERVER) -> str:
    """Return why the metadata source failed, with the remedy."""
    return f"{error.detail}; {remedy_of(origin, error.reason)}, or use --metadata.source=none"


def unreachable(error: SourceError, socket: Path) -> SnapshotError:
    """Return the error for a kubelet that did not list its pods; gRPC's own text only if nothing better is known."""
    match error.reason:
        case Reason.UNAVAILABLE:
            why, remedy = _absent(socket)
        case Reason.DENIED:
            why, remedy = f"no permission for {socket}", "only root may open the socket: run this as root"
        case Reason.TIMEOUT:
            why = f"no answer at {socket} in time"
            remedy = "check that the kubelet is healthy, or allow more time with --kubelet.timeout"
        case Reason.UNIMPLEMENTED:
            why, remedy = f"{socket} is not its pod-resources API", "set the right socket with --kubelet.socket"
        case Reason.THROTTLED:
            why, remedy = f"its rate limit rejects the call ({error.detail})", "try again, and find its other clients"
        case _:
            why, remedy = error.detail, _MORE_DETAIL
    return SnapshotError(f"cannot query the kubelet: {why}; {remedy}")


def _absent(socket: Path) -> tuple[str, str]:
    """Return what is wrong with the path, and the remedy."""
    here = "run this on a node, mount the socket's directory into the pod, or set --kubelet.socket"
    try:
        is_socket = stat.S_ISSOCK(socket.stat().st_mode)
    except OSError as error:
        return f"{socket}: {(error.strerror or str(error)).lower()}", f"{here}; {_ELSEWHERE}"
    if not is_socket:
        return f"{socket} is not a socket", f"{here}; {_ELSEWHERE}"
    return (
        f"no process listens at {socket}",
        "check that the kubelet is running, and that the directory is mounted, not the socket",
    )


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
