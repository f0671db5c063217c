"""Explain why a source failed when a node was read once, with a remedy."""

import stat
from pathlib import Path

from podres_exporter.errors import Reason, SnapshotError, SourceError, TopologyError
from podres_exporter.model import MetadataOrigin
from podres_exporter.recording import Refusal
from podres_exporter.service.oneshot import Look
from podres_exporter.sources.interfaces import ALLOCATABLE
from podres_exporter.text.availability import remedy_of

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
