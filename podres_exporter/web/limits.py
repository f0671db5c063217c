"""What a connection may be doing, and for how long."""

from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """What a connection is doing."""

    WAITING = "for the first byte of a request"
    READING = "an unfinished request head or TLS handshake"
    ANSWERING = "finding the answer and sending it"
    LEAVING = "the last answer is out, the client has yet to close"


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How many connections there are and how long each stage of one may last, in seconds.

    *connections*: each costs a thread; 64 is far more than the few scrapers, probes and people that one node has.
    *newcomers*: those beside them that have asked nothing yet; each costs a few KiB in the kernel and no thread.
    *idle_seconds*: longer than the usual scrape intervals, so that a scraper keeps its connection.
    *head_seconds*: a request head is one packet; this is for the worst of networks. It counts from the first byte.
    *answer_seconds*: a page of 10 MiB at 3 Mbit/s; scrapers give up after 10 s by default.
    *patience_seconds*: how long an answer may take before it is given up where a new client needs the place.
    *leave_seconds*: how long to wait for the client to read a last answer and close (RFC 9112, 9.6).
    """

    connections: int = 64
    newcomers: int = 256
    idle_seconds: float = 75.0
    head_seconds: float = 5.0
    answer_seconds: float = 30.0
    patience_seconds: float = 2.0
    leave_seconds: float = 2.0

    def of(self, stage: Stage) -> float:
        """Return how long the stage may last."""
        return {
            Stage.WAITING: self.idle_seconds,
            Stage.READING: self.head_seconds,
            Stage.ANSWERING: self.answer_seconds,
            Stage.LEAVING: self.leave_seconds,
        }[stage]

    @property
    def check_seconds(self) -> float:
        """How often to look for connections that are overdue: what a limit may be exceeded by."""
        return min(1.0, min(self.of(stage) for stage in Stage) / 4)

    @property
    def calm_seconds(self) -> float:
        """
        How often to look while everybody only waits for a next request, as scrapers do nearly all the time.

        Twice a second would be a fifth of all that the exporter of a small node costs. A request that begins meanwhile
        and is never finished is cut that much later.
        """
        return max(self.check_seconds, min(self.head_seconds, self.idle_seconds / 4))
