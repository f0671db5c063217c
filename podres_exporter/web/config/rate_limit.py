"""A token bucket: how many requests may come at once, and how fast after that."""

import re
import threading
from dataclasses import dataclass

from podres_exporter.clock import Clock

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)"

_MOST_SECONDS = (2**63 - 1) / 1e9
"""An int64 of nanoseconds, as Go's time.Duration is."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request more every *interval_seconds*, and at most *burst* saved up."""

    interval_seconds: float
    burst: int


class TokenBucket:
    """Starts full; safe to use from any thread."""

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        """Fill it."""
        self._limit, self._clock = limit, clock
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._filled_at_seconds = clock.monotonic_seconds()

    @property
    def interval_seconds(self) -> float:
        """After how long an empty bucket has one again."""
        return self._limit.interval_seconds

    def take(self) -> bool:
        """Return whether another request may be answered now, and count it if so."""
        with self._lock:
            now = self._clock.monotonic_seconds()
            gained = (now - self._filled_at_seconds) / self._limit.interval_seconds
            self._tokens = min(self._limit.burst, self._tokens + gained)
            self._filled_at_seconds = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def parse_interval(text: str) -> float:
    """
    Return seconds of a duration as Go writes it: `1s`, `1.5s`, `1m30s`, `100ms`, and `0`, which switches the limit off.

    Raises ValueError.

    Source: Go's time.ParseDuration.
    """
    if text != "0" and not re.fullmatch(f"(?:{_PART})+", text):
        raise ValueError(f"{text!r} is not a duration; write for example 1s, 100ms or 1m30s")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
    if seconds > _MOST_SECONDS:
        raise ValueError("is beyond all bounds; Go's durations end at 292 years; write for example 1s, 100ms or 1m30s")
    return seconds
