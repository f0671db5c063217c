"""Threads for conversations: as many as there are, and a few to spare, so that a new client need not wait for one."""

import itertools
import threading
from collections.abc import Callable
from queue import SimpleQueue

from podres_exporter.clock import Clock
from podres_exporter.web.connections import Connection

# To start a thread takes as long as to answer a scrape. An idle one costs some ten KiB; more than so many clients that
# connect anew for each request, and all at once, are no usual sight on one node.
_SPARE = 4


class Workers:
    """
    Speak with one client at a time, each; safe to use from any thread.

    They are named web-1 and so on, and web-spare while there is nobody to speak with.
    """

    def __init__(self, converse: Callable[[Connection], None], clock: Clock) -> None:
        """Start none yet; *converse* speaks with a client until the end, closes the connection and never raises."""
        self._converse = converse
        self._clock = clock
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._spare = 0
        self._is_stopping = False
        self._handed_over: SimpleQueue[Connection | None] = SimpleQueue()

    def take(self, connection: Connection) -> None:
        """Give the connection to one that is free or new; raises RuntimeError where there may be no more threads."""
        with self._lock:
            if self._spare:
                self._spare -= 1
                self._handed_over.put(connection)
                return
            name = f"web-{next(self._numbers)}"
            thread = threading.Thread(target=self._work, args=(connection,), name=name, daemon=True)
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            raise

    def begin_stopping(self) -> None:
        """Let everyone end who has nothing to do; the others follow when they have done it."""
        with self._lock:
            self._is_stopping = True
            for _ in range(self._spare):
                self._handed_over.put(None)
            self._spare = 0

    def join(self, at_most_seconds: float) -> None:
        """Wait until all have ended or the time is over."""
        deadline = self._clock.monotonic_seconds() + at_most_seconds
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock.monotonic_seconds()))

    def _work(self, first: Connection) -> None:
        """Speak with one client after another."""
        thread = threading.current_thread()
        name = thread.name
        connection: Connection | None = first
        while connection:
            self._converse(connection)
            with self._lock:
                if self._is_stopping or self._spare >= _SPARE:
                    break
                self._spare += 1
            thread.name = "web-spare"
            connection = self._handed_over.get()
            thread.name = name
        with self._lock:
            self._threads.discard(thread)
