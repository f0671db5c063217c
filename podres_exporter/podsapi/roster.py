"""
The pods of the node according to the kubelet, and which of them a sync removes. Pure: no clock, no I/O.

A kubelet that has just started sends the pods it knows by then: none at first, then static ones, finally all. So a pod
that it does not send is gone only if the same kubelet process had sent it before, or if the kubelet has known its API
server's pods for the hold-down. It knows them once it sends the *witness*: the exporter's own pod, or any pod that is
not static if the exporter runs outside a pod.

    received                                  result
    ----------------------------------------  -----------------------------------------------------------------------
    a pod                                     it is replaced, unless its status is of an older generation
    DELETED of a pod that has finished and    it stays, finished, until a sync lacks it: it may still exist
    was not being deleted
    DELETED of any other pod                  it is gone
    a sync, without a pod that this kubelet   it is gone
    had sent
    a sync, without a pod that only a kubelet it stays, until the witness has been listed for the hold-down
    before had sent

Source: kubelet apis/pods/server.go WatchPods; kubelet.go HandlePodAdditions; measured on 1.36.3.
"""

from collections.abc import Collection
from dataclasses import dataclass

from podres_exporter.allocation.witness import WRONG_NAME_SECONDS, YOUNG_SECONDS
from podres_exporter.model import PodKey, PodMeta
from podres_exporter.podsapi.pod_bytes import ReceivedPod


@dataclass(frozen=True, slots=True)
class _Known:
    """A pod, the generation that its status refers to, and the kubelet start that last sent it."""

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
        Note that a stream was opened, to a kubelet that *has_restarted* since the last one, or was not seen before.

        *is_young*: it is younger than the hold-down.
        """
        self._named = set()
        if has_restarted:
            self._start += 1
            self._is_young = is_young
            self._own_at = self._others_at = None

    def said(self, pod: ReceivedPod, now: float) -> PodMeta | None:
        """
        Store a received pod and return it; None if it is older than what is known.

        The stream is registered before the pods are listed, so an older event may follow the sync.
        """
        meta = pod.decoded.meta
        known = self._known.get(meta.key)
        if self._named is not None:
            # Two instances of one name: keep the one that still runs.
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
        """Note that a pod has ended, and return whether it is gone; a finished one may still exist, as a Job's does."""
        known = self._known.get(key)
        if known is None or uid not in {"", known.meta.uid} or (known.meta.is_terminal and not known.meta.is_deleting):
            return False
        del self._known[key]
        return True

    def synced(self, now: float, unreadable: Collection[PodKey] = ()) -> tuple[PodMeta, ...]:
        """
        Note that every pod of the kubelet was sent, and return the pods.

        *unreadable* pods were sent too, but in an unknown state; if an unreadable pod could not be identified, all pods
        stay.
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
        Return whether these are all pods of the node, so that a missing pod does not exist.

        This remains true over a kubelet restart, because pods it has not sent yet are kept; initially, a young
        kubelet's pods are waited for (see `allocation.witness`).
        """
        if self._was_complete:
            return True
        witness = self._witness_seconds(now)
        return witness is not None and (not self._is_young or witness >= YOUNG_SECONDS)

    def next_sync_seconds(self, now: float, longest: float) -> float:
        """Return in how many seconds (at most *longest*) another sync could bring new information."""
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
        """Return the pods that only an earlier kubelet process has sent."""
        return [key for key, each in self._known.items() if each.start != self._start]

    def _witness_seconds(self, now: float) -> float | None:
        """
        Return how long the running kubelet has known its API server's pods, None if it has not shown that it does.

        If other pods are sent but not the own pod, the own pod's name must be misconfigured.
        """
        if self._own is None:
            return None if self._others_at is None else now - self._others_at
        if self._own_at is not None:
            return now - self._own_at
        if self._others_at is None or now - self._others_at < WRONG_NAME_SECONDS:
            return None
        return now - self._others_at - WRONG_NAME_SECONDS
