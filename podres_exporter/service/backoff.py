"""Poll interval jitter and backoff after failed polls. Pure: the random number is an argument."""

from dataclasses import dataclass, replace

from podres_exporter.errors import KubeletError, Reason

FIRST_RETRY_SECONDS = 0.5
THROTTLED_CAP_SECONDS = 10.0
THROTTLED_SPREAD = 0.5


def poll_delay(interval_seconds: float, uniform: float) -> float:
    """Return the wait after a successful poll: the interval plus or minus 5 %. *uniform* is in [0, 1)."""
    return interval_seconds * (0.95 + 0.1 * uniform)


@dataclass(frozen=True, slots=True)
class Failures:
    """
    Consecutive failures: throttled ones and all others, counted separately.

    All agents of a node call a kubelet that comes back, and its burst is 10. A throttled answer after an outage counts
    as the first one, however long the outage was.
    """

    throttled: int = 0
    other: int = 0

    def after(self, error: KubeletError | None) -> "Failures":
        """Return the counts after one more poll; *error* is None on success."""
        if error is None:
            return Failures()
        if error.reason is Reason.THROTTLED:
            return replace(self, throttled=self.throttled + 1)
        return replace(self, throttled=0, other=self.other + 1)


def retry_delay(failures: Failures, interval_seconds: float, uniform: float) -> float:
    """
    Return the wait after a failed poll.

    If the last answer was throttled: min(interval, 10 s), doubled with each of them up to 10 s, plus up to half of
    that. The kubelet's limit of 100 calls a second is shared by all its clients, and a client that retries faster takes
    from the others; a longer wait would leave the page stale for no benefit. Otherwise a random time between half and
    all of min(interval, 0.5 s x 2^(n-1)).

    Source: kubelet apis/grpc/ratelimit.go; kubernetes #116459.
    """
    if failures.throttled:
        least = min(THROTTLED_CAP_SECONDS, interval_seconds * _doubled(failures.throttled))
        return least * (1.0 + THROTTLED_SPREAD * uniform)
    return min(interval_seconds, FIRST_RETRY_SECONDS * _doubled(failures.other)) * (0.5 + 0.5 * uniform)


def _doubled(failures: int) -> float:
    return float(2.0 ** min(failures - 1, 16))


def longest_delay(interval_seconds: float) -> float:
    """Return the longest wait that these functions can return for the interval."""
    return max(poll_delay(interval_seconds, 1.0), THROTTLED_CAP_SECONDS * (1.0 + THROTTLED_SPREAD))
