"""Backoff between streams of the Pods API. Pure: the random number is an argument."""

from podres_exporter.errors import Reason

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
NOBODY_SECONDS = 2.0
PERMANENT = frozenset({Reason.DISABLED, Reason.UNIMPLEMENTED, Reason.DENIED})
"""Failures that persist while the same kubelet runs."""

PERMANENT_SECONDS = 300.0
STABLE_SECONDS = 30.0
"""A stream that lasted this long was healthy: the next failure counts as the first."""


def pause_seconds(failures: int, reason: Reason, uniform: float) -> float:
    """
    Return the wait after the n-th consecutive failure; *uniform* is in [0, 1).

    A stream that the kubelet closed because it was read too slowly is reopened at once the first time. If nothing
    listens, or the kubelet is not ready, the wait is at most two seconds: a quick reconnect after a restart costs
    nothing. Otherwise it is 1 s, 2 s, 4 s and so on, up to a minute, and at least a third of that. Persistent failures
    are retried every five minutes, and after a kubelet restart.
    """
    if reason in PERMANENT:
        return PERMANENT_SECONDS
    if reason is Reason.THROTTLED and failures <= 1:
        return 0.0
    longest = NOBODY_SECONDS if reason is Reason.UNAVAILABLE else LONGEST_SECONDS
    first = FIRST_SECONDS / 4 if reason is Reason.UNAVAILABLE else FIRST_SECONDS
    ceiling = float(min(longest, first * 2.0 ** min(failures - 1, 16)))
    return ceiling * (1 + 2 * uniform) / 3
