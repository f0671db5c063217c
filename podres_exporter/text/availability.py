"""Why a snapshot has nothing to show: one reason and one sentence for every output."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from podres_exporter.model import Snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoAllocation(StrEnum):
    """Why a snapshot has no allocation."""

    NOT_ANSWERED = "not_answered"
    HELD_BACK = "held_back"
    TOO_OLD = "too_old"


def no_allocation(snapshot: Snapshot) -> NoAllocation:
    """Return why this snapshot, which has no allocation, has none."""
    if any(part.held for part in snapshot.parts if part.part == "pods"):
        return NoAllocation.HELD_BACK
    return NoAllocation.TOO_OLD if last_answer(snapshot) else NoAllocation.NOT_ANSWERED


def why_nothing(snapshot: Snapshot) -> str:
    """Return why this snapshot has no allocation, as a clause without a full stop."""
    match no_allocation(snapshot):
        case NoAllocation.HELD_BACK:
            return "the kubelet has just started; its answers are held back until they are stable"
        case NoAllocation.TOO_OLD:
            return f"the kubelet's last good answer, of {last_answer(snapshot)}, is older than the maximum age"
        case _:
            return "the kubelet has not answered yet"


def last_answer(snapshot: Snapshot) -> str:
    """Return when the kubelet answered last, in UTC; an empty text if it never has."""
    times = [each.last_success_seconds for each in snapshot.sources if each.source == "kubelet"]
    if not times or times[0] is None:
        return ""
    return moment_text(times[0])


def moment_text(seconds: float) -> str:
    """Return Unix seconds as a time in UTC, such as `2026-11-20T08:00:00Z`."""
    return f"{_EPOCH + timedelta(seconds=int(seconds)):%Y-%m-%dT%H:%M:%SZ}"
