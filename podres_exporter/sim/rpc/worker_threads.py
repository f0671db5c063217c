"""Threads that come and go, and that somebody waits for in the end."""

import threading
from collections.abc import Callable


class WorkerThreads:
    """Starts named daemon threads; `join` waits for those that still run."""

    def __init__(self, name: str) -> None:
        """*name* begins the name of each thread."""
        self._name = name
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self, what: str, target: Callable[[], None]) -> None:
        """Run *target* in a thread of its own."""
        thread = threading.Thread(target=target, name=f"{self._name}-{what}", daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            thread.start()
            self._threads.append(thread)

    def join(self, timeout_seconds: float) -> None:
        """Wait for every thread, for so long each; they must have been told to end."""
        with self._lock:
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(timeout_seconds)
