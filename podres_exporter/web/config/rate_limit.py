"""The rate limit of a web config file."""

from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.token_bucket import TokenBucket


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate of one request per *interval_seconds*, with a burst of *burst*."""

    interval_seconds: float
    burst: int

    def bucket(self, clock: Clock) -> TokenBucket:
        """Return a full bucket of this limit."""
        return TokenBucket(self.interval_seconds, self.burst, clock.monotonic_seconds)
