"""When to ask again. Pure: the random number is handed in."""

from podres_exporter.errors import Reason

FIRST_RETRY_SECONDS = 0.5
THROTTLED_CAP_SECONDS = 60.0
HELD_SHARE = 0.2
HELD_LEAST_SECONDS = 2.0


def poll_delay(interval_seconds: float, uniform: float) -> float:
    """Return the wait after a good poll: the interval, 5 % more or less. *uniform* is in [0, 1)."""
    return interval_seconds * (0.95 + 0.1 * uniform)


def held_delay(interval_seconds: float) -> float:
    """
    Return the wait while answers are held back: shorter, to show the first credible one soon, yet gentle.

    Kubelets up to 1.29 can panic when List meets an admission, so even then there are no bursts.

    Source: kubernetes #119560.
    """
    return min(interval_seconds, max(HELD_LEAST_SECONDS, HELD_SHARE * interval_seconds))


def retry_delay(failures: int, reason: Reason, interval_seconds: float, uniform: float) -> float:
    """
    Return the wait after the n-th failure in a row: min(interval, 0.5 s x 2^(n-1)), between half of it and the whole.

    A throttled call waits at least the whole interval, doubling to a minute: the kubelet's limit of 100 calls a second
    is one for all its clients, and a client that tries harder takes from the others.

    Source: kubelet apis/grpc/ratelimit.go; kubernetes #116459.
    """
    doubled = 2.0 ** min(failures - 1, 16)
    if reason is Reason.THROTTLED:
        cap = max(THROTTLED_CAP_SECONDS, interval_seconds)
        return min(cap, interval_seconds * doubled) * (1.0 + 0.5 * uniform)
    return min(interval_seconds, FIRST_RETRY_SECONDS * doubled) * (0.5 + 0.5 * uniform)


def longest_delay(interval_seconds: float) -> float:
    """Return the longest wait that any of these functions returns for the interval."""
    return retry_delay(17, Reason.THROTTLED, interval_seconds, 1.0)
