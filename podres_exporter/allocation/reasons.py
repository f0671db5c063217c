"""
When List is asked, and why. Pure: what is known comes in, a reason comes out.

List writes in the kubelet: in the middle of an admission it can make it give one device to two pods, on every release
before 1.38. So each List has a reason, and none comes without:

    reason     when
    --------   -------------------------------------------------------------------------------------------------------
    start      the exporter has had no answer to List yet
    restart    another kubelet has started: a second after it first knows the witness. That it does is found out by Get
               of the own pod; where that takes longer than 10 s, one List tells of the static pods, for they have no
               mirror pods yet. Without Get, or an own pod that should be there, or where Get of it fails, Lists find it
               out: each second in these 10 s, then each poll interval. A List before the witness writes nothing: the
               sources are not ready. The same for a kubelet, however old, that was listed before it had the witness
    metadata   metadata is asked for, and has not been followed for a poll interval: at once, each poll interval until
               it is, and once when it is
    poll       nothing tells what changes: each poll interval. No metadata is asked for, or the kubelet does not serve
               GetAllocatableResources, so that nothing else says that it lives
    news       Get is not served, and a pod is new, has changed, has ended or runs unlisted: a poll interval after the
               last List at the earliest
    resync     Get is not served, or the last List had what only another List can put right (two rows under one name,
               an item that could not be read): the resync interval after the last List

Where Get is served and metadata is followed that leaves one List at the start and one for each restart of the kubelet,
two where its pods take longer than 10 s to come.

Source: kubelet devicemanager UpdateAllocatedDevices, which List calls and Get does not, and which returns at once until
the sources of pods are ready; measured up to 1.36.3.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from podres_exporter.model import Metadata

SEARCH_SECONDS = 10.0
"""So long after a kubelet's start the witness is looked for each second."""

SEARCH_PAUSE_SECONDS = 1.0

SETTLED_SECONDS = 1.0
"""So long after it first knew the witness a restarted kubelet is listed."""

_EARLY = 0.9
"""A poll comes up to 5 % before its time, so that the exporters of a cluster do not march in step."""


class ListReason(StrEnum):
    """Why the kubelet is asked for all pods; a label value."""

    START = "start"
    RESTART = "restart"
    RESYNC = "resync"
    NEWS = "news"
    METADATA = "metadata"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What decides whether to list. Times are monotonic seconds; None: never, or not known.

    *tried_at*: when List was last asked. *listed_at*, *start_listed_at*: when it was last answered, and when by this
    start of the kubelet. *started_at*: when this start was first seen; for a kubelet that had long been running, None.
    *has_get*: None while that is not known of this start. *expects_own*: there is an own pod, and followed metadata, if
    any, has it: Get tells when the kubelet does, unless it fails. Else its name may be wrong, which only List tells.
    *came_late*: the running kubelet was listed before it had the witness. *needs_list*: the last answer has what only a
    List mends.
    *metadata_lost*: metadata has not been followed for a poll interval, or not since the last List.
    """

    now: float
    interval: float
    resync_interval: float
    tried_at: float | None
    listed_at: float | None
    start_listed_at: float | None
    started_at: float | None
    witness_at: float | None
    came_late: bool
    has_get: bool | None
    expects_own: bool
    has_allocatable: bool
    wants_metadata: bool
    is_followed: bool
    metadata_lost: bool
    has_news: bool
    needs_list: bool


def list_reason(at: Situation) -> ListReason | None:
    """Return why to list now, None where there is no reason to."""
    if at.listed_at is None or at.tried_at is None:
        return ListReason.START
    if at.witness_at is not None and not _is_listed_since(at, at.witness_at):
        return ListReason.RESTART if at.now >= at.witness_at + SETTLED_SECONDS else None
    age = at.now - at.tried_at
    is_polled = age >= at.interval * _EARLY
    is_sought, has_get = at.witness_at is None, at.expects_own and at.has_get is not False
    is_early = at.started_at is not None and at.now - at.started_at < SEARCH_SECONDS
    pause = min(SEARCH_PAUSE_SECONDS, at.interval) if is_early else at.interval * _EARLY
    table = (
        (ListReason.RESTART, is_sought and not has_get and age >= pause),
        (ListReason.RESTART, is_sought and at.start_listed_at is None and not is_early and is_polled),
        (ListReason.METADATA, at.wants_metadata and at.metadata_lost and (at.is_followed or is_polled)),
        (ListReason.POLL, not (at.wants_metadata and at.has_allocatable) and is_polled),
        (ListReason.NEWS, at.has_news and at.has_get is False and age >= at.interval),
        (ListReason.RESYNC, (at.needs_list or not at.has_get) and age >= at.resync_interval),
    )
    return next((reason for reason, applies in table if applies), None)


def _is_listed_since(at: Situation, witness_at: float) -> bool:
    """
    Return whether the kubelet has been listed since it knew the witness, for a while if its pods have come since it was
    first heard.
    """
    is_settled = at.started_at is None and not at.came_late
    settled_at = witness_at if is_settled else witness_at + SETTLED_SECONDS
    return at.start_listed_at is not None and at.start_listed_at >= settled_at


def next_list_at(at: Situation) -> float | None:
    """Return the second from which there will be a reason to list, if nothing else happens; None: not by time."""
    tried_at = at.now if at.tried_at is None else at.tried_at
    pauses = (SEARCH_PAUSE_SECONDS, at.interval * _EARLY, at.interval, at.resync_interval)
    moments = [at.now, *(tried_at + pause for pause in pauses)]
    moments += [each + SETTLED_SECONDS for each in (at.witness_at,) if each is not None]
    moments += [each + SEARCH_SECONDS for each in (at.started_at,) if each is not None]
    return next((each for each in sorted(moments) if each >= at.now and list_reason(replace(at, now=each))), None)


def admission_is_under_way(metadata: Metadata | None) -> bool:
    """
    Tell whether the kubelet may be admitting a pod that asks for devices or exclusive CPUs, as far as is known.

    Source: such a pod is bound and Pending, without status.startTime, which comes with the kubelet's first status
    right after admission (measured on 1.34 with an Allocate of 5 s).
    """
    if metadata is None or not metadata.synced:
        return False
    return any(
        meta.phase == "Pending"
        and not (meta.has_started or meta.is_deleting)
        and any(spec.devices or spec.whole_cpus for spec in meta.containers)
        for meta in metadata.pods.values()
    )
