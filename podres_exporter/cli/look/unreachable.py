"""Why a kubelet did not say which pods there are, and what to do about it."""

import stat
from pathlib import Path

from podres_exporter.errors import Reason, SnapshotError, SourceError

_ELSEWHERE = "--url asks a running exporter, --from reads a recording"
_MAY_SAY_MORE = "podres-exporter check may say more, and --record keeps the answer for a bug report"


def unreachable(error: SourceError, socket: Path) -> SnapshotError:
    """Return the error for people; of gRPC's own words only those that nothing else replaces."""
    match error.reason:
        case Reason.UNAVAILABLE:
            why, remedy = _absent(socket)
        case Reason.DENIED:
            why, remedy = f"{socket} does not let us in", "the socket is root's alone: run this as root"
        case Reason.TIMEOUT:
            why = f"no answer at {socket} in time"
            remedy = "see that the kubelet is well, or give it longer by --kubelet.timeout"
        case Reason.UNIMPLEMENTED:
            why, remedy = f"{socket} is not its pod-resources API", "name the right socket by --kubelet.socket"
        case Reason.THROTTLED:
            why, remedy = f"its rate limit rejects us ({error.detail})", "try again, and see who else asks it"
        case _:
            why, remedy = error.detail, _MAY_SAY_MORE
    return SnapshotError(f"cannot ask the kubelet: {why}; {remedy}")


def _absent(socket: Path) -> tuple[str, str]:
    """Return what is wrong with the path, and what to do."""
    here = "run this on a node, mount the socket's directory into the pod, or name the socket by --kubelet.socket"
    try:
        is_socket = stat.S_ISSOCK(socket.stat().st_mode)
    except OSError as error:
        return f"{socket}: {(error.strerror or str(error)).lower()}", f"{here}; {_ELSEWHERE}"
    if not is_socket:
        return f"{socket} is no socket", f"{here}; {_ELSEWHERE}"
    return f"nobody answers at {socket}", "see that the kubelet runs, and that its directory is mounted, not the socket"
