"""Start and stop: servers as context managers, and worker threads that are joined at the end."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self


class Startable(ABC):
    """Starts when a `with` block is entered, and stops when it is left or cannot be entered."""

    def __enter__(self) -> Self:
        """Start; if that fails, stop what has been started."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start; nothing happens if it has been started."""

    @abstractmethod
    def stop(self) -> None:
        """Stop and release everything; may be called again, and without a start."""


class WorkerThreads:
    """Starts named daemon threads; `join` waits for those still running."""

    def __init__(self, name: str) -> None:
        """*name* is the prefix of each thread's name."""
        self._name = name
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self, what: str, target: Callable[[], None]) -> None:
        """Run *target* in a new thread."""
        thread = threading.Thread(target=target, name=f"{self._name}-{what}", daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            thread.start()
            self._threads.append(thread)

    def join(self, timeout_seconds: float) -> None:
        """Wait for each thread up to the timeout; they must have been told to end."""
        with self._lock:
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(timeout_seconds)
