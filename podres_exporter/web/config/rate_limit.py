"""The rate limit of a web config file, and durations as Go writes them."""

import re
from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.token_bucket import TokenBucket

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)"

_MOST_SECONDS = (2**63 - 1) / 1e9
"""An int64 of nanoseconds, as Go's time.Duration is."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate of one request per *interval_seconds*, with a burst of *burst*."""

    interval_seconds: float
    burst: int

    def bucket(self, clock: Clock) -> TokenBucket:
        """Return a full bucket of this limit."""
        return TokenBucket(self.interval_seconds, self.burst, clock.monotonic_seconds)


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
