"""A log of the requests that clients have sent, for tests and for debugging a client."""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from podres_exporter.sim.api.http.request import Request

_RECENT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and the code of its answer, 0 where it got none; header names are in lower case."""

    verb: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    code: int


class Journal:
    """
    Every request, counted by verb, path and code, the last thousand in full; safe to use from any thread.

    A request is written down when its answer begins, or when it is clear that it will get none.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._recent: deque[Entry] = deque(maxlen=_RECENT)
        self._written = threading.Condition()

    def write(self, request: Request, code: int) -> None:
        """Add a request."""
        entry = Entry(request.verb, request.path, request.query, request.headers, code)
        with self._written:
            self._counts[entry.verb, entry.path, code] += 1
            self._recent.append(entry)
            self._written.notify_all()

    @property
    def counts(self) -> dict[tuple[str, str, int], int]:
        """How many requests there were, by verb, path without query, and code."""
        with self._written:
            return dict(self._counts)

    @property
    def recent(self) -> tuple[Entry, ...]:
        """The last requests, oldest first."""
        with self._written:
            return tuple(self._recent)

    def count(self, verb: str | None = None, path: str | None = None, code: int | None = None) -> int:
        """Return how many requests there were of this verb, path and code; None stands for any."""
        with self._written:
            return self._count(verb, path, code)

    def wait_for(
        self,
        number: int,
        verb: str | None = None,
        path: str | None = None,
        code: int | None = None,
        *,
        timeout_seconds: float = 5.0,
    ) -> bool:
        """Wait, in real time, until there were *number* such requests; False if the time is over first."""
        with self._written:
            return self._written.wait_for(lambda: self._count(verb, path, code) >= number, timeout_seconds)

    def clear(self) -> None:
        """Begin again from nothing."""
        with self._written:
            self._counts.clear()
            self._recent.clear()

    def _count(self, verb: str | None, path: str | None, code: int | None) -> int:
        """Return the sum; the lock is held."""
        wanted = (verb, path, code)
        return sum(
            number
            for key, number in self._counts.items()
            if all(want is None or want == have for want, have in zip(wanted, key, strict=True))
        )
