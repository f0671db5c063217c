"""When a watch gets bookmarks, and when it ends."""

_HEARTBEAT_SECONDS = 60.0
_BEFORE_END_SECONDS = (2.0, 1.0)

DEFAULT_TIMEOUT_SECONDS = 1800.0
"""How long a watch lasts that names no time; the real server adds up to as much again at random."""


class Schedule:
    """
    The moments of one watch, in seconds of the monotonic clock.

    A bookmark comes every minute and twice just before the end.
    Source: cacheWatcher.nextBookmarkTime in storage/cacher; measured on 1.36.3.
    """

    def __init__(self, started_at: float, timeout_seconds: float) -> None:
        """Plan a watch of that length."""
        self._next_heartbeat = started_at + _HEARTBEAT_SECONDS
        self._ends_at = started_at + timeout_seconds
        self._last = [self._ends_at - before for before in _BEFORE_END_SECONDS if before < timeout_seconds]

    def is_over(self, now: float) -> bool:
        """Return whether the watch has lasted its time."""
        return now >= self._ends_at

    def due_bookmarks(self, now: float) -> int:
        """Return how many bookmarks are due now; those of minutes slept through come as one."""
        due = len([moment for moment in self._last if moment <= now])
        self._last = [moment for moment in self._last if moment > now]
        if self._next_heartbeat <= now and self._next_heartbeat < self._ends_at - _BEFORE_END_SECONDS[0]:
            due += 1
        while self._next_heartbeat <= now:
            self._next_heartbeat += _HEARTBEAT_SECONDS
        return due
