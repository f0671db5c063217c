"""Backoff: how long to wait before the next request to the API server. Pure: the random number is an argument."""

from dataclasses import dataclass

from podres_exporter.errors import Reason

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
LONGEST_DENIED_SECONDS = 300.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
QUICK_SECONDS = 1.0
LEAST_SHARE = 1 / 3
EXPIRED_SECONDS = 5.0
RETRY_AFTER_SPREAD = 0.5
UNREACHED_SECONDS = 12.0
LOADING_TRIES = 12


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of *least_seconds* plus up to *spread_seconds*, so that the nodes do not retry all at once."""

    least_seconds: float
    spread_seconds: float

    def seconds(self, uniform: float) -> float:
        """Return the wait; *uniform* is in [0, 1)."""
        return self.least_seconds + self.spread_seconds * uniform


LOADING_PAUSE = Pause(1.0, 1.0)
"""A starting server loads its roles within seconds; a refusal that lasts longer means a missing permission."""


def pause_unreached(failures: int) -> Pause:
    """
    Return the wait after the n-th consecutive failed connection attempt: as `pause`, but at most 12 s.

    A failed connection costs the server nothing, and once it listens again all nodes are back within 12 s, which is no
    more load than after an outage of 12 s.
    """
    ceiling = min(UNREACHED_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 16))
    return Pause(ceiling * LEAST_SHARE, ceiling * (1 - LEAST_SHARE))


def pause(failures: int, reason: Reason | None = None, retry_after_seconds: float | None = None) -> Pause:
    """
    Return the wait after the n-th consecutive failure: a random part of 1 s, 2 s, 4 s and so on, up to a minute.

    It is never less than a third of that: with full jitter a node could send five requests within a minute, while a
    third bounds the requests of every minute but the first to single digits, whatever the random numbers. If the server
    refuses access, the wait grows up to five minutes, because a missing permission rarely appears by itself.
    Retry-After is a minimum (capped at five minutes), plus a random half of it, so that nodes refused together do not
    retry together. Without a failure the wait is up to a second, to reconnect after a regular end, or up to five if a
    version has expired: a restarted API server expires the versions of all nodes at once, and each needs a list.

    Source: client-go's backoff manager of reflectors, whose ceiling is 30 s; API Priority and Fairness for Retry-After.
    """
    asked = min(retry_after_seconds or 0.0, LONGEST_RETRY_AFTER_SECONDS)
    spread = asked * RETRY_AFTER_SPREAD
    if failures <= 0:
        quick = EXPIRED_SECONDS if reason is Reason.GONE else QUICK_SECONDS
        return Pause(asked, max(quick, spread))
    longest = LONGEST_DENIED_SECONDS if reason is Reason.DENIED else LONGEST_SECONDS
    ceiling = min(longest, FIRST_SECONDS * 2.0 ** min(failures - 1, 16))
    return Pause(max(asked, ceiling * LEAST_SHARE), max(ceiling * (1 - LEAST_SHARE), spread))
