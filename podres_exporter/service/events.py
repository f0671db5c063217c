"""What the service counts, whoever counts it."""

import threading
from collections.abc import Callable, Collection
from typing import Protocol

from podres_exporter.errors import Reason
from podres_exporter.model import PodKey


class Events(Protocol):
    """Told of what happens; `exposition.own.OwnMetrics` is the one that runs."""

    def rpc(self, rpc: str, seconds: float, reason: Reason | None) -> None:
        """One call to the kubelet ended."""
        ...

    def malformed(self, rpc: str, items: int) -> None:
        """One answer had unusable items."""
        ...

    def restarted(self) -> None:
        """The kubelet started anew."""
        ...

    def listed(self, reason: str) -> None:
        """The kubelet is asked for all pods, for a reason."""
        ...

    def list_delayed(self, outcome: str) -> None:
        """A List has waited for an admission: it is over (`waited`), or was waited for long enough (`gave_up`)."""
        ...

    def resync_differed(self) -> None:
        """What the kubelet says of a pod was not what was shown, and no event has told why."""
        ...

    def loop_error(self) -> None:
        """A poll ended in an unexpected error."""
        ...


class Changes:
    """Collects keys, each once and in the order they came; may be used from any thread."""

    def __init__(self, ring: Callable[[], object]) -> None:
        """*ring* is called after each report, to wake whoever takes them."""
        self._ring = ring
        self._lock = threading.Lock()
        self._keys: dict[PodKey, None] = {}

    def report(self, keys: Collection[PodKey]) -> None:
        """Add keys; none at all says that only the state of the source has changed."""
        with self._lock:
            self._keys.update(dict.fromkeys(keys))
        self._ring()

    def take(self) -> list[PodKey]:
        """Return the keys, the oldest first, and forget them."""
        with self._lock:
            taken = list(self._keys)
            self._keys.clear()
        return taken
