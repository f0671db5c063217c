"""What is held twice is believed when a second look at its pods has shown it again."""

from collections.abc import Iterable, Mapping

from podres_exporter.model import DoubleHeld, PodKey

SECOND_LOOK_SECONDS = 2.0
"""An answer may be of a moment between two pods; what is still so after this time is no such moment."""


class SecondLook:
    """Owned by one thread. Times are monotonic seconds: when the kubelet last said a pod."""

    def __init__(self, seconds: float = SECOND_LOOK_SECONDS) -> None:
        """Know of nothing yet; *seconds* must lie between the two looks at each pod."""
        self._seconds = seconds
        self._first_seen: dict[DoubleHeld, float] = {}
        self._confirmed: frozenset[DoubleHeld] = frozenset()
        self._due: dict[PodKey, float] = {}

    def confirmed(self, found: Iterable[DoubleHeld], said_at: Mapping[PodKey, float]) -> tuple[DoubleHeld, ...]:
        """Return those of the doubles *found* whose pods have been looked at once more since they were first seen."""
        suspects = tuple(found)
        self._first_seen = {
            each: self._first_seen.get(each, max(said_at.get(pod, 0.0) for pod in each.pods)) for each in suspects
        }
        self._confirmed = frozenset(
            each
            for each, first in self._first_seen.items()
            if each in self._confirmed or all(said_at.get(pod, first) >= first + self._seconds for pod in each.pods)
        )
        self._due = {
            pod: first + self._seconds
            for each, first in self._first_seen.items()
            if each not in self._confirmed
            for pod in each.pods
            if said_at.get(pod, first) < first + self._seconds
        }
        return tuple(each for each in suspects if each in self._confirmed)

    def due(self) -> dict[PodKey, float]:
        """Return which pods are to be looked at once more, and not before which second."""
        return self._due
