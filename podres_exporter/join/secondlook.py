"""Confirm doubly held items by a second observation of their pods before they are reported."""

from collections.abc import Iterable, Mapping

from podres_exporter.model import DoubleHeld, PodKey

SECOND_LOOK_SECONDS = 2.0
"""A transient state between two pods may be reported once; one that lasts this long is not transient."""


class SecondLook:
    """Confirms doubles. Owned by one thread. Times are monotonic seconds of the kubelet's last report of a pod."""

    def __init__(self, seconds: float = SECOND_LOOK_SECONDS) -> None:
        """Start empty; *seconds* must lie between the two observations of each pod."""
        self._seconds = seconds
        self._first_seen: dict[DoubleHeld, float] = {}
        self._confirmed: frozenset[DoubleHeld] = frozenset()
        self._due: dict[PodKey, float] = {}

    def confirmed(self, found: Iterable[DoubleHeld], said_at: Mapping[PodKey, float]) -> tuple[DoubleHeld, ...]:
        """Return those of the *found* doubles whose pods have been observed again since they were first seen."""
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
        """Return which pods must be observed again, and from which time on."""
        return self._due
