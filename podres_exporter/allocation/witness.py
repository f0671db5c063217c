"""
The witness: the pod by which a kubelet shows that it has had the pods of its API server.

A kubelet that has just started knows its static pods at once, and all others as one set after its first list; until
then, however long that lasts, what it does not list says nothing. In a pod the witness is the exporter's own pod: a
kubelet that does not know who is asking has not had the set. Outside a pod it is any listed pod that is not static.

Source: kubelet HandlePodAdditions, pkg/kubelet/kubelet.go; measured on 1.36.3.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from podres_exporter.allocation.site import Site
from podres_exporter.model import Metadata, PodKey

WRONG_NAME_SECONDS = 10.0
"""So long after pods that are not static were first listed without the own one, its name is taken to be wrong."""

YOUNG_SECONDS = 3.0
"""
So long after a young kubelet first listed the witness it has listed all that run.

Measured at 60 Hz after a restart: the whole set within 0.1 s; longer where an Allocate blocks the admission loop.
"""

SETTLING_SECONDS = 1.0
"""So long after the witness was said an answer lacks nothing that was added in the same set."""


@dataclass(slots=True, eq=False)
class Start:
    """
    What one start of the kubelet has said so far, and when; None: not yet.

    *is_young*: it was younger than the hold-down when it was first seen. *listed_at*: its last whole answer to List.
    *seen_at*: when it first said the witness, *others_at*: when it first said pods that are not static. *has_lacked*:
    it has said pods without the witness.
    """

    is_young: bool = False
    first_answer_at: float | None = None
    answered_at: float | None = None
    listed_at: float | None = None
    seen_at: float | None = None
    others_at: float | None = None
    has_lacked: bool = False

    @property
    def came_late(self) -> bool:
        """Whether it said other pods before the witness: however old it is, its API server's are coming only now."""
        return self.has_lacked and self.seen_at is not None

    def answered(self, now: float) -> None:
        """Take that it has answered something."""
        self.first_answer_at = now if self.first_answer_at is None else self.first_answer_at
        self.answered_at = now


@dataclass(slots=True)
class Witness:
    """
    Since when the running kubelet can be taken at its word on what it does not say. Times are monotonic seconds.

    *start* is that of the running kubelet. *is_known*: a witness was listed, and waited for, once in the exporter's
    life: from then on the entries keep what is known over each restart. *own_is_wrong*: pods that are not static are
    listed, and the own one is not, so that its name must be wrong. *waited_since*: when a kubelet without its pods
    first answered since one had them, however often it has restarted. *metadata* is set by whoever has it.
    """

    site: Site
    hold_down: float
    start: Start = field(default_factory=Start)
    metadata: Metadata | None = None
    is_known: bool = False
    own_is_wrong: bool = False
    waited_since: float | None = None
    _has_seen_others: bool = False

    def said(self, keys: Collection[PodKey], now: float) -> None:
        """Take which pods the running kubelet has said, all in all."""
        start = self.start
        if start.others_at is None and self.site.has_others(keys, self.metadata):
            start.others_at, self._has_seen_others = now, True
        self.own_is_wrong = self.own_is_wrong and self.site.own not in keys
        if start.seen_at is None:
            start.seen_at = now if self.site.own in keys else start.others_at if self._is_outside else None
            start.has_lacked = start.has_lacked or start.seen_at is None

    def settle(self, now: float, *, all_are_said: bool = False) -> None:
        """Take what time has passed; *all_are_said*: the kubelet has said each pod that followed metadata says runs."""
        start = self.start
        if start.seen_at is None and start.others_at is not None and now - start.others_at >= WRONG_NAME_SECONDS:
            self.own_is_wrong, start.seen_at = True, start.others_at
        known_at = start.seen_at if all_are_said and start.seen_at is not None else self.known_at()
        self.is_known = self.is_known or (known_at is not None and now >= known_at)
        if self.since() is not None:
            self.waited_since = None
        elif self.waited_since is None:
            self.waited_since = start.first_answer_at

    def sought(self) -> PodKey | None:
        """Return the own pod while the running kubelet is not known to have it."""
        return self.site.own if self.start.seen_at is None and not self.own_is_wrong else None

    def since(self) -> float | None:
        """
        Return when the running kubelet was first seen to have its pods; None while that is not so.

        Outside a pod there is none to wait for where followed metadata says that nothing but static pods runs here. A
        node on which only static pods were ever seen, asked without metadata, is taken for one without an API server.
        """
        return self.start.first_answer_at if self.start.seen_at is None and self._needs_none() else self.start.seen_at

    def known_at(self) -> float | None:
        """Return from when on all that holds something is known, as far as it depends on the time."""
        since = self._since_and_listed()
        if since is None or not (self.start.is_young or self.start.came_late):
            return since
        # Where there is no witness to tell, what an answer lacks may come for the hold-down.
        return since + (self.hold_down if self.start.seen_at is None else min(YOUNG_SECONDS, self.hold_down))

    def missing_seconds(self, now: float) -> float | None:
        """Return for how long a pod that the kubelet has not said can be said to be missing; None: it cannot."""
        since = self._since_and_listed(min(SETTLING_SECONDS, self.hold_down))
        return None if since is None else now - since

    def has_all(self, now: float) -> bool:
        """
        Tell whether what the last List lacked was not there.

        A young kubelet lists the finished pods of its API server later than its static ones.
        """
        return not (self.start.is_young or self.start.came_late) or self.missing_seconds(now) is not None

    def _since_and_listed(self, settling: float = 0.0) -> float | None:
        """Return since when it has its pods; None until a List so long after that: a Get may have found the witness."""
        since, listed_at = self.since(), self.start.listed_at
        return since if since is not None and listed_at is not None and listed_at >= since + settling else None

    @property
    def _is_outside(self) -> bool:
        return self.site.own is None or self.own_is_wrong

    def _needs_none(self) -> bool:
        if not self._is_outside:
            return False
        if self.metadata is None:
            return not self._has_seen_others
        running = [key for key, meta in self.metadata.pods.items() if meta.runs]
        return self.metadata.synced and all(self.site.is_static(key, self.metadata) for key in running)
