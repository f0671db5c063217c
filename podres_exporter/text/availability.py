"""Explain why a snapshot has no allocation, or shows retained or incomplete data, in the words of its source."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from podres_exporter.errors import Reason
from podres_exporter.model import Mark, Metadata, MetadataOrigin, Snapshot, SourceHealth
from podres_exporter.printable import printable

_MOST_NAMES = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoAllocation(StrEnum):
    """Why a snapshot has no allocation. HELD_BACK is only sent by exporters before 0.2."""

    NOT_ANSWERED = "not_answered"
    HELD_BACK = "held_back"
    TOO_OLD = "too_old"


def no_allocation(snapshot: Snapshot) -> NoAllocation:
    """Return why this snapshot has no allocation."""
    return NoAllocation.TOO_OLD if last_answer(snapshot) else NoAllocation.NOT_ANSWERED


def why_nothing(snapshot: Snapshot) -> str:
    """Return why this snapshot has no allocation, as a clause without a full stop."""
    match no_allocation(snapshot):
        case NoAllocation.TOO_OLD:
            return f"the kubelet's last good answer, of {last_answer(snapshot)}, is older than the maximum age"
        case _:
            return "the kubelet has not answered yet"


def what_is_retained(snapshot: Snapshot) -> str:
    """Return which data is retained from before the kubelet's restart, as a clause; empty if none is."""
    views = snapshot.allocation.pods if snapshot.allocation else ()
    names = [f"{view.pod.namespace}/{view.pod.name}" for view in views if view.mark is Mark.RETAINED]
    found = []
    if names:
        found.append(f"{_named(names)} as the kubelet listed {_it_or_them(names)} before its restart")
    if any(part.held for part in snapshot.parts if part.part == "allocatable"):
        found.append("what is allocatable, as the kubelet reported it before its restart")
    return " and ".join(found)


def what_is_unknown(snapshot: Snapshot) -> str:
    """Return which resources have an unknown free amount, and why if that is known, as a clause; else empty."""
    allocation = snapshot.allocation
    if allocation is None:
        return ""
    names = {each.resource for each in allocation.devices if not each.is_complete}
    names |= {each.memory_type for each in allocation.memory if not each.is_complete}
    names |= set() if allocation.cpus.is_complete else {"cpu"}
    if not names:
        return ""
    unlisted = [f"{namespace}/{name}" for namespace, name in allocation.unlisted_pods]
    why = (
        f"; according to {origin_name(snapshot.metadata)}, {_named(unlisted)} "
        f"{'runs' if len(unlisted) == 1 else 'run'} "
        "here, "
        if unlisted
        else ""
    )
    why += f"and the kubelet has not listed {_it_or_them(unlisted)}" if unlisted else ""
    return f"how much is free of {_named(sorted(names))}{why}"


def what_is_given_up(snapshot: Snapshot) -> str:
    """Return which pods run although the kubelet does not have them, as a clause; empty if there are none."""
    keys = snapshot.allocation.given_up_pods if snapshot.allocation else ()
    names = [f"{namespace}/{name}" for namespace, name in keys]
    return (
        f"according to {origin_name(snapshot.metadata)}, {_named(names)} {'runs' if len(names) == 1 else 'run'} here, "
        f"and the kubelet does not list {_it_or_them(names)}: nothing is counted as held for {_it_or_them(names)}"
        if names
        else ""
    )


def why_down(source: SourceHealth, name: str) -> str:
    """Return what is wrong with a source that is down, as a clause; *name* is what to call it."""
    match source.reason:
        case Reason.DENIED:
            return f"{name} refused the last request"
        case None | Reason.UNAVAILABLE | Reason.TIMEOUT:
            return f"{name} did not answer the last request"
        case reason:
            return f"{name} gave no usable answer to the last request ({reason.value})"


def _named(names: Sequence[str]) -> str:
    """Return the names; if there are many, the first few and a count of the rest."""
    shown = [printable(name) for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _it_or_them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def last_answer(snapshot: Snapshot) -> str:
    """Return when the kubelet last answered, in UTC; an empty text if it never has."""
    times = [each.last_success_seconds for each in snapshot.sources if each.source == "kubelet"]
    if not times or times[0] is None:
        return ""
    return moment_text(times[0])


def moment_text(seconds: float) -> str:
    """Return Unix seconds as a time in UTC, such as `2026-11-20T08:00:00Z`."""
    return f"{_EPOCH + timedelta(seconds=int(seconds)):%Y-%m-%dT%H:%M:%SZ}"


NAMES = {MetadataOrigin.APISERVER: "the API server", MetadataOrigin.PODSAPI: "the kubelet's Pods API"}
TITLES = {MetadataOrigin.APISERVER: "API server", MetadataOrigin.PODSAPI: "Pods API"}

_REACH = "check that the API server can be reached"
_GATE = "set the kubelet's feature gate PodsAPI (from 1.36 on; on by default from 1.37)"
_REMEDIES = {
    MetadataOrigin.APISERVER: {
        Reason.DENIED: "grant list and watch of pods to the user of this command",
        Reason.UNAVAILABLE: _REACH,
        Reason.TIMEOUT: _REACH,
    },
    MetadataOrigin.PODSAPI: {
        Reason.DENIED: "only root may open the socket: run this as root",
        Reason.UNAVAILABLE: (
            "mount the kubelet's pods-api directory, or set --metadata.podsapi-socket; if there is no such socket, "
            f"{_GATE}"
        ),
        Reason.TIMEOUT: "check whether the kubelet answers at all",
        Reason.UNIMPLEMENTED: f"the process listening there does not serve the Pods API; {_GATE}",
        Reason.DISABLED: _GATE,
        Reason.THROTTLED: "the kubelet closed a stream that was read too slowly, or has too many clients: try again",
    },
}


def origin_of(metadata: Metadata | None) -> MetadataOrigin:
    """Return the source of the pod metadata, configured or actual."""
    return MetadataOrigin.APISERVER if metadata is None else metadata.origin


def origin_name(metadata: Metadata | None) -> str:
    """Return the source's name as used within a sentence, such as `the API server`."""
    return NAMES[origin_of(metadata)]


def remedy_of(origin: MetadataOrigin, reason: Reason) -> str:
    """Return what to do if the source fails."""
    return _REMEDIES[origin].get(reason, "see podres-exporter check")


def capital(text: str) -> str:
    """Return the text with its first letter capitalised."""
    return text[:1].upper() + text[1:]
