"""What is known of the node's pods and of the API server's health, and a log line when the latter changes."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.errors import missing_right
from podres_exporter.kube.podstore import Pods, added, removed, replaced
from podres_exporter.kube.ports import WATCH_VERB
from podres_exporter.kube.reflection import RESUMABLE
from podres_exporter.model import Metadata, PodKey, PodMeta

log = logging.getLogger(__name__)

SYNCED_SECONDS = 150.0
"""So long after its last word a server is still believed to tell everything: it sends a bookmark every minute."""

RELIST_SECONDS = 30.0
"""So long after events were lost a list is waited for; what is known is not much older until then."""

_AWAY = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT})


@dataclass(frozen=True, slots=True)
class _Known:
    """
    What is published, and when the server was last heard; *metadata* is synced as far as the contents go.

    *lost_at_seconds* is when events were lost; None after a list.
    """

    metadata: Metadata
    heard_at_seconds: float
    lost_at_seconds: float | None = None


class PodBook:
    """Written by one thread; `metadata` is for any. What is published is frozen, and replaced as a whole."""

    def __init__(self, clock: Clock) -> None:
        """`changed` is told which pods are new, other or gone; no pods where only the source's state has changed."""
        self._clock = clock
        self.changed: Callable[[Collection[PodKey]], None] = _tell_nobody
        self._known = _Known(Metadata(), clock.monotonic_seconds())
        self._down_since_seconds: float | None = None
        self._is_right_missing = False

    def metadata(self) -> Metadata:
        """Return what is known; synced for only as long as the server has been heard lately, and no event was lost."""
        known, now = self._known, self._clock.monotonic_seconds()  # another thread replaces the one
        is_heard = now - known.heard_at_seconds < SYNCED_SECONDS
        is_whole = known.lost_at_seconds is None or now - known.lost_at_seconds < RELIST_SECONDS
        return known.metadata if is_heard and is_whole else replace(known.metadata, synced=False)

    def listed(self, pods: Collection[PodMeta], *, is_complete: bool) -> None:
        """
        Take all pods of a list at once; where some of them could not be read, a missing pod may not be gone.

        The first list is told without its pods: they are no news to a kubelet that has just listed them.
        """
        before = self._known.metadata
        new, keys = replaced(before.pods, pods)
        if before.last_success_seconds is None:
            keys = ()
        self._known = replace(self._known, lost_at_seconds=None)
        self._write(new, keys, synced=is_complete)

    def added(self, meta: PodMeta) -> None:
        """Take a pod that is new or other."""
        pods = self._known.metadata.pods
        new = added(pods, meta)
        self._write(new, () if new is pods else (meta.key,))

    def removed(self, key: PodKey, uid: str) -> None:
        """Take that a pod is gone."""
        pods = self._known.metadata.pods
        new = removed(pods, key, uid)
        self._write(new, () if new is pods else (key,))

    def heard(self) -> None:
        """Take that the server has said something that concerns no pod."""
        self._write(self._known.metadata.pods, ())

    def opened(self) -> None:
        """Take that the server has begun a watch; it has not said anything yet."""
        before = self._known.metadata
        if not before.is_up:
            self._recovered()
            self._known = replace(self._known, metadata=replace(before, is_up=True, is_away=False))
            self.changed(())

    def failed(self, error: ApiServerError) -> None:
        """
        Take that a request, or a watch, has failed; where that has cost events, a list must come soon.

        An expired watch is no failure of the server's: versions expire in the best of clusters.
        """
        is_expired = error.verb == WATCH_VERB and error.reason is Reason.GONE
        if not is_expired:
            self._complain(error)
        before = self._known.metadata
        is_up, is_away = (before.is_up, before.is_away) if is_expired else (False, error.reason in _AWAY)
        after = replace(before, is_up=is_up, is_away=is_away)
        lost_at = self._known.lost_at_seconds
        if lost_at is None and error.reason not in RESUMABLE:
            lost_at = self._clock.monotonic_seconds()
        self._known = replace(self._known, metadata=after, lost_at_seconds=lost_at)
        if after != before:
            self.changed(())

    def _complain(self, error: ApiServerError) -> None:
        """Say that the source is down, if it was not, and which right is missing, once."""
        if self._down_since_seconds is None:
            self._down_since_seconds = self._clock.monotonic_seconds()
            log.warning(
                "source.down", extra={"source": error.source, "reason": error.reason.value, "detail": error.detail}
            )
        right = missing_right(error.detail)
        if right and not self._is_right_missing:
            self._is_right_missing = True
            log.error("metadata.forbidden", extra={"missing": right, "otherwise": "--metadata.source=none"})

    def _write(self, pods: Pods, keys: Collection[PodKey], *, synced: bool | None = None) -> None:
        """Publish what the server has just said, and tell of it if it is news."""
        self._recovered()
        before = self._known.metadata
        is_synced = before.synced if synced is None else synced
        now = self._clock.wall_seconds()
        after = Metadata(pods, synced=is_synced, is_up=True, is_away=False, last_success_seconds=now)
        self._known = _Known(after, self._clock.monotonic_seconds(), self._known.lost_at_seconds)
        if keys or (before.is_up, before.is_away, before.synced) != (True, False, is_synced):
            self.changed(keys)

    def _recovered(self) -> None:
        """Say that the source is up, if it was not."""
        if self._known.metadata.is_up:
            return
        since = self._down_since_seconds
        outage = {} if since is None else {"outage_seconds": round(self._clock.monotonic_seconds() - since, 1)}
        log.info("source.up", extra={"source": "metadata", **outage})
        self._down_since_seconds, self._is_right_missing = None, False


def _tell_nobody(keys: Collection[PodKey]) -> None:
    """Stand in for the listener until there is one."""
