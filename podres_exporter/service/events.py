"""The interface by which the service reports events to be counted, and the queue of changed pods."""

import threading
from collections.abc import Callable, Collection
from typing import Protocol

from podres_exporter.errors import Reason
from podres_exporter.model import PodKey


class Events(Protocol):
    """Receives the service's events; `exposition.own.OwnMetrics` is the real one."""

    def rpc(self, rpc: str, seconds: float, reason: Reason | None) -> None:
        """One call to the kubelet ended."""
        ...

    def malformed(self, rpc: str, items: int) -> None:
        """One answer had unusable items."""
        ...

    def restarted(self) -> None:
        """The kubelet has restarted."""
        ...

    def listed(self, reason: str) -> None:
        """List was called, for this reason."""
        ...

    def list_delayed(self, outcome: str) -> None:
        """A List has waited for a pod admission: it is over (`waited`), or took too long (`gave_up`)."""
        ...

    def resync_differed(self) -> None:
        """The kubelet reported a pod differently from what was shown, and no event explains it."""
        ...

    def loop_error(self) -> None:
        """A poll ended in an unexpected error."""
        ...


class Changes:
    """Collects changed keys without duplicates, in order; thread-safe."""

    def __init__(self, ring: Callable[[], object]) -> None:
        """*ring* is called after each report, to wake the consumer."""
        self._ring = ring
        self._lock = threading.Lock()
        self._keys: dict[PodKey, None] = {}

    def report(self, keys: Collection[PodKey]) -> None:
        """Add keys; a call without keys means that only the state of the source has changed."""
        with self._lock:
            self._keys.update(dict.fromkeys(keys))
        self._ring()

    def take(self) -> list[PodKey]:
        """Return the keys, oldest first, and clear them."""
        with self._lock:
            taken = list(self._keys)
            self._keys.clear()
        return taken
