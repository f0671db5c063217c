"""The cache of the node's pods and of the API server's health; logs when the health changes."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, PodsApiError, Reason
from podres_exporter.kube.errors import missing_right
from podres_exporter.kube.interfaces import WATCH_VERB
from podres_exporter.kube.reflector.state import RESUMABLE
from podres_exporter.model import Metadata, MetadataOrigin, PodKey, PodMeta

log = logging.getLogger(__name__)

Pods = Mapping[PodKey, PodMeta]

SYNCED_SECONDS = 150.0
"""How long after its last message a server is trusted to report every change: bookmarks arrive once a minute."""

GRACE_SECONDS = 10.0
"""Default grace for interruptions: the default poll interval."""

BACKLOG_SECONDS = 1.0
"""How long events may still be in transit after a watch was resumed from an old version."""

LOADING_SECONDS = 20.0
"""How long after an outage a server may refuse everything because it has not loaded its roles yet."""

_AWAY = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT})


@dataclass(frozen=True, slots=True)
class _Known:
    """
    The published metadata, and when the server was last heard; *metadata* is synced and up as far as its contents go.

    *broken_at_seconds* is when following was interrupted, *resumed_at_seconds* when a watch was resumed;
    *has_lost_events*: a new list is needed. *reason* is why the last request failed, for when it is not followed.
    """

    metadata: Metadata
    heard_at_seconds: float
    broken_at_seconds: float | None = None
    resumed_at_seconds: float | None = None
    has_lost_events: bool = False
    reason: Reason | None = None

    def is_followed(self, now: float, grace_seconds: float, synced_seconds: float) -> bool:
        """Return whether the server was heard recently, and any interruption is shorter than the grace period."""
        if now - self.heard_at_seconds >= synced_seconds:
            return False
        if self.resumed_at_seconds is not None and now - self.resumed_at_seconds >= BACKLOG_SECONDS:
            return True
        return self.broken_at_seconds is None or now - self.broken_at_seconds < grace_seconds


class PodCache:
    """Written by one thread, read by any. Published mappings are frozen and replaced as a whole."""

    def __init__(
        self,
        clock: Clock,
        grace_seconds: float = GRACE_SECONDS,
        *,
        origin: MetadataOrigin = MetadataOrigin.APISERVER,
        synced_seconds: float = SYNCED_SECONDS,
        resumable: AbstractSet[Reason] = RESUMABLE,
    ) -> None:
        """
        *grace_seconds*: shorter interruptions change nothing. *synced_seconds*: how long after its last message the
        source is trusted to report every change. *resumable* are the failures that lose no event.

        `changed` is called with the keys of new, changed or deleted pods; without keys if only the source's state has
        changed.
        """
        self._clock, self._grace_seconds = clock, grace_seconds
        self.changed: Callable[[Collection[PodKey]], None] = _no_listener
        self._origin, self._synced_seconds, self._resumable = origin, synced_seconds, resumable
        self._known = _Known(Metadata(origin=origin), clock.monotonic_seconds())
        self._down_since_seconds: float | None = None
        self._is_right_missing = False
        self._refused_at_seconds: float | None = None
        self._away_at_seconds: float | None = None

    def metadata(self) -> Metadata:
        """Return the current metadata; synced and up only while it is followed."""
        known, now = self._known, self._clock.monotonic_seconds()  # another thread may replace it
        is_followed = known.is_followed(now, self._grace_seconds, self._synced_seconds)
        return (
            known.metadata if is_followed else replace(known.metadata, synced=False, is_up=False, reason=known.reason)
        )

    def listed(self, pods: Collection[PodMeta], *, is_complete: bool) -> None:
        """
        Replace all pods by those of a list; if some could not be read, a missing pod may still exist.

        The first list is reported without keys: the kubelet has just listed these pods.
        """
        before = self._known.metadata
        new, keys = replaced(before.pods, pods)
        if before.last_success_seconds is None:
            keys = ()
        self._known = replace(self._known, has_lost_events=False)
        self._write(new, keys, synced=is_complete)

    def added(self, meta: PodMeta) -> None:
        """Add or replace a pod."""
        pods = self._known.metadata.pods
        self._write(added(pods, meta), () if pods.get(meta.key) == meta else (meta.key,))

    def removed(self, key: PodKey, uid: str) -> None:
        """Remove a pod."""
        pods = self._known.metadata.pods
        new = removed(pods, key, uid)
        self._write(new, () if new is pods else (key,))

    def heard(self) -> None:
        """Note a message that concerns no pod."""
        self._write(self._known.metadata.pods, ())

    def opened(self) -> None:
        """
        Note that the server has opened a watch; it has not sent anything yet.

        After an interruption longer than the grace period, the missed events come first; until then the data is old.
        """
        known, now = self._known, self._clock.monotonic_seconds()
        was_down = self._down_since_seconds is not None or not known.metadata.is_up
        self._recovered()
        metadata = replace(known.metadata, is_up=True, is_away=False)
        is_short = known.broken_at_seconds is not None and now - known.broken_at_seconds < self._grace_seconds
        if known.has_lost_events or known.broken_at_seconds is None:
            self._known = replace(known, metadata=metadata)
        elif is_short:
            self._known = replace(known, metadata=metadata, broken_at_seconds=None, resumed_at_seconds=None)
        else:
            self._known = replace(known, metadata=metadata, resumed_at_seconds=now)
        if was_down:
            self.changed(())

    def failed(self, error: ApiServerError | PodsApiError) -> None:
        """
        Record a failed request or watch; relist if events may have been lost.

        An expired watch is not a failure of the server: versions expire in healthy clusters too.
        """
        known, now = self._known, self._clock.monotonic_seconds()
        is_expired = error.verb == WATCH_VERB and error.reason is Reason.GONE
        if not is_expired:
            self._complain(error)
        is_away = known.metadata.is_away if is_expired else error.reason in _AWAY
        had_resumed = known.resumed_at_seconds is not None and now - known.resumed_at_seconds >= BACKLOG_SECONDS
        self._known = replace(
            known,
            metadata=replace(known.metadata, is_away=is_away),
            broken_at_seconds=now if had_resumed or known.broken_at_seconds is None else known.broken_at_seconds,
            resumed_at_seconds=None,
            has_lost_events=known.has_lost_events or error.reason not in self._resumable,
            reason=known.reason if is_expired else error.reason,
        )
        if self._known.metadata != known.metadata:
            self.changed(())

    def _complain(self, error: ApiServerError | PodsApiError) -> None:
        """Log that the source is down, if it was up, and once which permission is missing."""
        if self._down_since_seconds is None:
            self._down_since_seconds = self._clock.monotonic_seconds()
            log.warning(
                "source.down", extra={"source": error.source, "reason": error.reason.value, "detail": error.detail}
            )
        now = self._clock.monotonic_seconds()
        if error.reason in _AWAY:
            self._away_at_seconds = now
        right = missing_right(error.detail) if isinstance(error, ApiServerError) else ""
        if not right or self._is_right_missing:
            return
        if self._away_at_seconds is not None and self._refused_at_seconds is None:
            self._refused_at_seconds = now
            log.warning("metadata.roles_not_loaded", extra={"detail": error.detail})
        since = self._refused_at_seconds
        if since is None or now - since >= LOADING_SECONDS:
            self._is_right_missing = True
            log.error("metadata.forbidden", extra={"missing": right, "otherwise": "--metadata.source=none"})

    def _write(self, pods: Pods, keys: Collection[PodKey], *, synced: bool | None = None) -> None:
        """Publish new contents and notify the listener if they differ."""
        self._recovered()
        before = self._known.metadata
        is_synced = before.synced if synced is None else synced
        now = self._clock.wall_seconds()
        after = replace(before, pods=pods, synced=is_synced, is_up=True, is_away=False, last_success_seconds=now)
        lost = self._known.has_lost_events
        broken_at = self._known.broken_at_seconds if lost else None
        self._known = _Known(after, self._clock.monotonic_seconds(), broken_at, has_lost_events=lost)
        if keys or (before.is_up, before.is_away, before.synced) != (True, False, is_synced):
            self.changed(keys)

    def _recovered(self) -> None:
        """Log that the source is up, if it was down."""
        if self._known.metadata.is_up and self._down_since_seconds is None:
            return
        since = self._down_since_seconds
        outage = {} if since is None else {"outage_seconds": round(self._clock.monotonic_seconds() - since, 1)}
        log.info("source.up", extra={"source": "metadata", **outage})
        self._down_since_seconds, self._is_right_missing = None, False
        self._away_at_seconds = self._refused_at_seconds = None


def _no_listener(keys: Collection[PodKey]) -> None:
    """Placeholder until a listener is set."""


def replaced(pods: Pods, listed: Iterable[PodMeta]) -> tuple[Pods, tuple[PodKey, ...]]:
    """
    Return the pods of a list, and the keys of the deleted, changed and new ones, in this order.

    In this order, a consumer learns of released devices before it learns who holds them now.
    """
    new = {meta.key: meta for meta in listed}
    gone = sorted(pods.keys() - new.keys())
    other = sorted(key for key in pods.keys() & new.keys() if pods[key] != new[key])
    return new, (*gone, *other, *sorted(new.keys() - pods.keys()))


def added(pods: Pods, meta: PodMeta) -> Pods:
    """Return the pods with this one; the same mapping if nothing kept of it has changed, as for most events."""
    known = pods.get(meta.key)
    is_same = known is not None and known == meta and known.running_ids == meta.running_ids
    return pods if is_same else {**pods, meta.key: meta}


def removed(pods: Pods, key: PodKey, uid: str) -> Pods:
    """
    Return the pods without this one; the same mapping if there is none with that uid.

    A StatefulSet pod is recreated under its old name, and the deletion of the old one may be reported afterwards.
    """
    known = pods.get(key)
    if known is None or uid not in {"", known.uid}:
        return pods
    return {each: meta for each, meta in pods.items() if each != key}
