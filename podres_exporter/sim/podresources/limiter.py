"""The kubelet's limit on calls to its pod-resources endpoint."""

from podres_exporter.clock import Clock
from podres_exporter.token_bucket import TokenBucket

QUERIES_PER_SECOND = 100.0
BURST = 10.0


def kubelet_limit(clock: Clock) -> TokenBucket:
    """
    Return a full bucket of 10 tokens that refills at 100 a second; one bucket for all clients and methods.

    Source: kubelet podresources grpc limiter, DefaultQPS and DefaultBurstTokens (#116459, since 1.27).
    """
    return TokenBucket(1 / QUERIES_PER_SECOND, BURST, clock.monotonic_seconds)
