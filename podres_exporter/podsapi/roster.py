"""
The pods of the node by the kubelet's own word, and what may be concluded from its silence. Pure: no clock, no I/O.

A kubelet that has just started names the pods that it has by then: none at first, static ones, in the end all. So what
it does not name is gone only if the same start of it had named it before, or if it has known its API server's pods for
the hold-down. It has them once it names the *witness*: the exporter's own pod, or any pod that is not static where the
exporter runs outside a pod.

    what is said                              what follows
    ----------------------------------------  -----------------------------------------------------------------------
    a pod                                     it is as it is said, unless its status is of an older generation
    DELETED of a pod that has finished and    it stays, finished, until a sync does not name it: it may still exist
    was not being deleted
    DELETED of any other                      it is gone
    a sync, without a pod that this kubelet   it is gone
    had named
    a sync, without a pod that only a kubelet it stays, until the witness has been named for the hold-down
    before had named

Source: kubelet apis/pods/server.go WatchPods; kubelet.go HandlePodAdditions; measured on 1.36.3.
"""

from collections.abc import Collection
from dataclasses import dataclass

from podres_exporter.allocation.witness import WRONG_NAME_SECONDS, YOUNG_SECONDS
from podres_exporter.model import PodKey, PodMeta
from podres_exporter.podsapi.pod_bytes import SaidPod


@dataclass(frozen=True, slots=True)
class _Known:
    """A pod, the generation that its status speaks of, and the start of the kubelet that named it last."""

    meta: PodMeta
    generation: int
    start: int


class Roster:
    """Owned by one thread. Seconds are monotonic."""

    def __init__(self, own: PodKey | None, hold_down_seconds: float) -> None:
        """*own* is the exporter's own pod, None outside a pod or in a static one."""
        self._own, self._hold_down = own, hold_down_seconds
        self._known: dict[PodKey, _Known] = {}
        self._named: set[PodKey] | None = None
        self._start = 0
        self._is_young = False
        self._own_at: float | None = None
        self._others_at: float | None = None
        self._was_complete = False

    def opened(self, *, has_restarted: bool, is_young: bool) -> None:
        """
        Take that a stream begins, from a kubelet that *has_restarted* since the last one, or has not been seen before;
        *is_young*: it is younger than the hold-down.
        """
        self._named = set()
        if has_restarted:
            self._start += 1
            self._is_young = is_young
            self._own_at = self._others_at = None

    def said(self, pod: SaidPod, now: float) -> PodMeta | None:
        """
        Take what is said of a pod; return it, None where that is older than what is known.

        The stream is registered before the pods are listed, so an older event may follow the sync.
        """
        meta = pod.decoded.meta
        known = self._known.get(meta.key)
        if self._named is not None:
            # Two instances under one name: the one that still runs is told of.
            if meta.key in self._named and meta.is_terminal:
                return None
            self._named.add(meta.key)
        elif (
            known is not None
            and known.start == self._start
            and known.meta.uid == meta.uid
            and 0 < pod.generation < known.generation
        ):
            return None
        self._known[meta.key] = _Known(meta, pod.generation, self._start)
        if meta.key == self._own and self._own_at is None:
            self._own_at = now
        if not meta.is_mirror and self._others_at is None:
            self._others_at = now
        return meta

    def ended(self, key: PodKey, uid: str) -> bool:
        """Take that a pod has ended, and return whether it is gone; a finished one may still exist, as a Job's does."""
        known = self._known.get(key)
        if known is None or uid not in {"", known.meta.uid} or (known.meta.is_terminal and not known.meta.is_deleting):
            return False
        del self._known[key]
        return True

    def synced(self, now: float, unreadable: Collection[PodKey] = ()) -> tuple[PodMeta, ...]:
        """
        Take that every pod that the kubelet has was named, and return what there is.

        *unreadable* are named, too, but not how they are now; where it could not be read which one it was, all stay.
        """
        named = {*(self._named or ()), *unreadable}
        if any(not all(key) for key in unreadable):
            named |= self._known.keys()
        witness = self._witness_seconds(now)
        may_drop_older = witness is not None and witness >= self._hold_down
        self._known = {
            key: each
            for key, each in self._known.items()
            if key in named or (each.start != self._start and not may_drop_older)
        }
        self._named = None
        self._was_complete = self._was_complete or self.is_complete(now)
        return tuple(each.meta for each in self._known.values())

    def is_complete(self, now: float) -> bool:
        """
        Return whether these are the pods of the node, so that what is missing is not there.

        They stay so over a restart of the kubelet, for what it has not named yet stays; before the first time a young
        kubelet's pods are waited for, as `allocation.witness` has it.
        """
        if self._was_complete:
            return True
        witness = self._witness_seconds(now)
        return witness is not None and (not self._is_young or witness >= YOUNG_SECONDS)

    def next_sync_seconds(self, now: float, longest: float) -> float:
        """Return in how many seconds, at most *longest*, another sync would tell more than this one."""
        witness = self._witness_seconds(now)
        if witness is None:
            has_others = self._others_at is not None
            return min(longest, WRONG_NAME_SECONDS) if has_others else longest
        moments = [longest]
        if not self.is_complete(now):
            moments.append(YOUNG_SECONDS - witness)
        if any(each.start != self._start for each in self._known.values()):
            moments.append(self._hold_down - witness)
        return max(0.0, min(moments))

    def unnamed(self) -> Collection[PodKey]:
        """Return the pods that only an earlier start of the kubelet has named."""
        return [key for key, each in self._known.items() if each.start != self._start]

    def _witness_seconds(self, now: float) -> float | None:
        """
        Return for how long the running kubelet has known its API server's pods, None where it has not shown it.

        Where others are named and the own pod is not, its name must be wrong.
        """
        if self._own is None:
            return None if self._others_at is None else now - self._others_at
        if self._own_at is not None:
            return now - self._own_at
        if self._others_at is None or now - self._others_at < WRONG_NAME_SECONDS:
            return None
        return now - self._others_at - WRONG_NAME_SECONDS
