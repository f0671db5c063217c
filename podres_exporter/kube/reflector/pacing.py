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
    """A wait of *least_seconds* and up to *spread_seconds* more, so that the nodes do not come back all at once."""

    least_seconds: float
    spread_seconds: float

    def seconds(self, uniform: float) -> float:
        """Return the wait; *uniform* is in [0, 1)."""
        return self.least_seconds + self.spread_seconds * uniform


LOADING_PAUSE = Pause(1.0, 1.0)
"""A server that has just started loads its roles within seconds; what is refused for longer lacks a right."""


def pause_unreached(failures: int) -> Pause:
    """
    Return the wait after the n-th attempt in a row by which no connection came about: as `pause`, but 12 s at most.

    Where nobody listens an attempt costs nothing, and once somebody does, all nodes are back within 12 s, which is no
    more at once than after an outage of 12 s.
    """
    ceiling = min(UNREACHED_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 16))
    return Pause(ceiling * LEAST_SHARE, ceiling * (1 - LEAST_SHARE))


def pause(failures: int, reason: Reason | None = None, retry_after_seconds: float | None = None) -> Pause:
    """
    Return the wait after the n-th failure in a row: a random part of 1 s, 2 s, 4 s and so on, up to a minute.

    It is never less than a third of that: with full jitter a node could ask five times within a minute, and a third
    bounds the requests of every minute but the first to single digits, whatever the random numbers are. Where the
    server refuses us it grows up to five minutes, for a missing right does not come back by itself. Retry-After is a
    minimum, of which five minutes count, and half of it again is spread: the nodes that were refused together must not
    come back together. Without a failure it is up to a second, to reconnect after an orderly end, or up to five where a
    version has expired: an API server that starts anew says so to all nodes at once, and each needs a list.

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
