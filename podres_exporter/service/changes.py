"""The pods that the API server says have changed, on their way from the thread that watches to the one that polls."""

import threading
from collections.abc import Callable, Collection

from podres_exporter.model import PodKey


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
