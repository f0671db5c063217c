"""
The witness: the pod by which a kubelet shows that it has had the pods of its API server.

A kubelet that has just started knows its static pods at once, and all others as one set after its first list; until
then, however long that lasts, what it does not list says nothing. In a pod the witness is the exporter's own pod: a
kubelet that does not know who is asking has not had the set. Outside a pod it is any listed pod that is not static.

Source: kubelet HandlePodAdditions, pkg/kubelet/kubelet.go; measured on 1.36.3.
"""

from collections.abc import Collection
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Site:
    """
    Where the exporter runs: its own pod, None outside a pod, and the node's name, which may be guessed from the host.
    """

    node: str = ""
    own: PodKey | None = None
    node_is_guessed: bool = False

    def is_static(self, key: PodKey, metadata: Metadata | None) -> bool:
        """
        Tell whether the pod is a static one, as far as that can be known.

        Source: a static pod is listed as NAME-NODENAME, and its mirror pod has the annotation config.mirror.
        """
        meta = metadata.pods.get(key) if metadata else None
        return (meta is not None and meta.is_mirror) or bool(self.node and key[1].endswith(f"-{self.node}"))

    def has_others(self, keys: Collection[PodKey], metadata: Metadata | None) -> bool:
        """
        Tell whether a pod that is not static is among those that are listed.

        Where the node's name is only guessed: the names of all static pods of a node end alike, with a dash and its
        name, so pods that do not end alike are not all static.
        """
        has_candidates = any(not self.is_static(key, metadata) for key in keys)
        if not self.node_is_guessed or not has_candidates:
            return has_candidates
        return len(keys) > 1 and "-" not in _common_end([name for _, name in keys])


def own_pod(namespace: str, name: str, node: str) -> PodKey | None:
    """Return the own pod where it is known and can be a witness, which a static pod is not."""
    return (namespace, name) if namespace and name and not (node and name.endswith(f"-{node}")) else None


def _common_end(names: Collection[str]) -> str:
    """Return how all the names end."""
    turned = [name[::-1] for name in names]
    first, last = min(turned), max(turned)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same][::-1]


@dataclass(slots=True)
class Witness:
    """
    What the running kubelet has said, and since when it can be taken at its word. Times are monotonic seconds.

    *number* counts the starts of the kubelet; *is_young*: it was younger than the hold-down when it was first seen.
    *seen_at*: when it first said the witness. *listed_at*: its last whole answer to List. *is_known*: a witness was
    listed, and waited for, once in the exporter's life: from then on the entries keep what is known over each restart.
    *own_is_wrong*: pods that are not static are listed, and the own one is not, so that its name must be wrong.
    """

    site: Site
    hold_down: float
    number: int = 0
    is_young: bool = False
    first_answer_at: float | None = None
    listed_at: float | None = None
    seen_at: float | None = None
    others_at: float | None = None
    is_known: bool = False
    own_is_wrong: bool = False
    _has_seen_others: bool = False

    def begin(self, *, is_young: bool) -> None:
        """Take that another kubelet has started."""
        self.number, self.is_young = self.number + 1, is_young
        self.first_answer_at = self.listed_at = self.seen_at = self.others_at = None

    def said(self, keys: Collection[PodKey], now: float, metadata: Metadata | None) -> None:
        """Take which pods the running kubelet has said, all in all."""
        if self.others_at is None and self.site.has_others(keys, metadata):
            self.others_at, self._has_seen_others = now, True
        if self.site.own in keys:
            self.own_is_wrong = False
        if self.seen_at is None:
            self.seen_at = now if self.site.own in keys else self.others_at if self._is_outside else None

    def settle(self, now: float, metadata: Metadata | None, *, all_are_said: bool = False) -> None:
        """Take what time has passed; *all_are_said*: the kubelet has said each pod that followed metadata says runs."""
        waits_for_own = self.site.own is not None and self.seen_at is None and self.others_at is not None
        if waits_for_own and self.others_at is not None and now - self.others_at >= WRONG_NAME_SECONDS:
            self.own_is_wrong, self.seen_at = True, self.others_at
        known_at = self.known_at(metadata)
        if all_are_said and self.seen_at is not None:
            known_at = self.seen_at
        if known_at is not None and now >= known_at:
            self.is_known = True

    def known_at(self, metadata: Metadata | None) -> float | None:
        """Return from when on all that holds something is known, as far as it depends on the time."""
        since = self.since(metadata)
        return None if since is None else since + self._wait

    def since(self, metadata: Metadata | None) -> float | None:
        """
        Return when the running kubelet was first seen to have its pods; None while that is not so.

        Outside a pod there is none to wait for where followed metadata says that nothing but static pods runs here. A
        node on which only static pods were ever seen, asked without metadata, is taken for one without an API server.
        """
        if self.seen_at is not None:
            return self.seen_at
        return self.first_answer_at if self._needs_none(metadata) else None

    def missing_seconds(self, now: float, metadata: Metadata | None) -> float | None:
        """Return for how long a pod that the kubelet has not said can be said to be missing; None: it cannot."""
        since = self.since(metadata)
        if since is None or self.listed_at is None:
            return None
        return now - since if self.listed_at >= since + min(SETTLING_SECONDS, self.hold_down) else None

    @property
    def _is_outside(self) -> bool:
        return self.site.own is None or self.own_is_wrong

    @property
    def _wait(self) -> float:
        """How long what an answer lacks may still come; for the hold-down where there is no witness to tell."""
        if not self.is_young:
            return 0.0
        return self.hold_down if self.seen_at is None else min(YOUNG_SECONDS, self.hold_down)

    def _needs_none(self, metadata: Metadata | None) -> bool:
        if not self._is_outside:
            return False
        return not self._has_seen_others if metadata is None else self._has_only_static_pods(metadata)

    def _has_only_static_pods(self, metadata: Metadata) -> bool:
        """Return whether followed metadata says that none but static pods run here."""
        return metadata.synced and not any(
            meta.runs and not self.site.is_static(key, metadata) for key, meta in metadata.pods.items()
        )
