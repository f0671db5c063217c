"""A bounded pool of worker threads, each of which serves one connection at a time."""

import itertools
import threading
from collections.abc import Callable
from queue import SimpleQueue

from podres_exporter.clock import Clock
from podres_exporter.web.connections import Connection

# Starting a thread takes as long as answering a scrape. An idle one costs some ten KiB; more concurrent clients that
# open a new connection for each request are unusual on one node.
_SPARE = 4


class Workers:
    """
    The worker threads; thread-safe.

    They are named web-1 and so on, and web-spare while idle.
    """

    def __init__(
        self, serve: Callable[[Connection], None], clock: Clock, *, most: int, on_free: Callable[[], None]
    ) -> None:
        """
        Start none yet; *serve* serves a connection to its end, closes it and never raises.

        There are at most *most* threads and a few idle ones. *on_free* is called by a worker that has finished.
        """
        self._serve = serve
        self._clock = clock
        self._most = most + _SPARE
        self._on_free = on_free
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._spare = 0
        self._is_stopping = False
        self._handed_over: SimpleQueue[Connection | None] = SimpleQueue()

    @property
    def has_room(self) -> bool:
        """Whether take() would find or may start a free worker."""
        return self._spare > 0 or len(self._threads) < self._most

    def take(self, connection: Connection) -> None:
        """Give the connection to an idle or new worker; raises RuntimeError if no thread can be started."""
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
        """End the idle workers; the others follow when they have finished."""
        with self._lock:
            self._is_stopping = True
            for _ in range(self._spare):
                self._handed_over.put(None)
            self._spare = 0

    def join(self, at_most_seconds: float) -> None:
        """Wait until all have ended or the timeout expires."""
        deadline = self._clock.monotonic_seconds() + at_most_seconds
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - self._clock.monotonic_seconds()))

    def _work(self, first: Connection) -> None:
        """Serve one connection after another."""
        thread = threading.current_thread()
        name = thread.name
        connection: Connection | None = first
        while connection:
            self._serve(connection)
            with self._lock:
                if self._is_stopping or self._spare >= _SPARE:
                    break
                self._spare += 1
            thread.name = "web-spare"
            self._on_free()
            connection = self._handed_over.get()
            thread.name = name
        with self._lock:
            self._threads.discard(thread)
        self._on_free()
