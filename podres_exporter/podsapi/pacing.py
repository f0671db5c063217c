"""How long to leave the Pods API alone. Pure: the random number is handed in."""

from podres_exporter.errors import Reason

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
NOBODY_SECONDS = 2.0
PERMANENT = frozenset({Reason.DISABLED, Reason.UNIMPLEMENTED, Reason.DENIED})
"""What does not pass by itself while the same kubelet runs."""

PERMANENT_SECONDS = 300.0
STABLE_SECONDS = 30.0
"""A stream that has lasted this long has worked: what happens then is the first failure again."""


def pause_seconds(failures: int, reason: Reason, uniform: float) -> float:
    """
    Return the wait after the n-th failure in a row; *uniform* is in [0, 1).

    A stream that the kubelet has cut because it was too slow is opened again at once, the first time. Where nobody
    listens, or the kubelet says that it is not ready, two seconds at most: to be back soon after its restart costs it
    nothing. Otherwise 1 s, 2 s, 4 s and so on, up to a minute, and a third of that at least. What does not pass by
    itself is asked every five minutes, and when another kubelet has started.
    """
    if reason in PERMANENT:
        return PERMANENT_SECONDS
    if reason is Reason.THROTTLED and failures <= 1:
        return 0.0
    longest = NOBODY_SECONDS if reason is Reason.UNAVAILABLE else LONGEST_SECONDS
    first = FIRST_SECONDS / 4 if reason is Reason.UNAVAILABLE else FIRST_SECONDS
    ceiling = float(min(longest, first * 2.0 ** min(failures - 1, 16)))
    return ceiling * (1 + 2 * uniform) / 3
