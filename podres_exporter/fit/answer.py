"""The answer of a node, and the order of several nodes' answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.admission import Policy, Rejection, Scope
from podres_exporter.fit.ask import Ask
from podres_exporter.fit.holders import Holder
from podres_exporter.fit.hurdles import Hurdle
from podres_exporter.fit.notes import Note
from podres_exporter.fit.room import Room
from podres_exporter.model import PodKey, Verdict
from podres_exporter.model.allocation import NumaNodes


class Fits(StrEnum):
    """Whether a pod would be admitted; UNKNOWN where the kubelet does not tell enough."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container would sit, and how well; no nodes where nothing ties it to any."""

    container: str
    numa_nodes: NumaNodes
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What becomes of the pod under one *policy*.

    *places* are empty under policy none, where every manager chooses for itself. For NO, *rejection* is what the
    kubelet would say, *hurdles* what is in the way, *nearest* the NUMA node that comes nearest to serving the pod
    (None: nothing has a node, or it is short on the whole machine), *holders* who holds what is short there, and
    *freeing* the pods each of whose leaving alone would let it in. *slack* is the share of what is free that a pod that
    fits would leave over.
    """

    policy: Policy
    fits: Fits
    places: tuple[Place, ...] = ()
    slack: float = 0.0
    rejection: Rejection | None = None
    hurdles: tuple[Hurdle, ...] = ()
    nearest: int | None = None
    holders: tuple[Holder, ...] = ()
    freeing: tuple[PodKey, ...] = ()

    @property
    def numa_nodes(self) -> NumaNodes:
        """The NUMA nodes that the pod would sit on."""
        return frozenset[int]().union(*(place.numa_nodes for place in self.places))


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer of one *node*: an outcome for each policy that was asked about, and what of each resource is free.

    *rooms* are those of the whole pod, before it came. *fitting_nodes* are the NUMA nodes that alone have room for all
    of it, None where nothing that is asked has a NUMA node, or CPUs are asked for and their nodes are not known.
    """

    node: str
    ask: Ask
    scope: Scope
    outcomes: tuple[Outcome, ...]
    rooms: tuple[Room, ...] = ()
    fitting_nodes: NumaNodes | None = None
    notes: tuple[Note, ...] = ()

    @property
    def fits(self) -> Fits:
        """Yes under every policy asked about, no under none of them, else unknown: it depends on the policy."""
        verdicts = {outcome.fits for outcome in self.outcomes}
        return verdicts.pop() if len(verdicts) == 1 else Fits.UNKNOWN


def rank(answers: Mapping[str, Answer]) -> tuple[tuple[str, Answer], ...]:
    """
    Return the answers by node, best first: who says yes under most policies, then the tightest fit, then the name.

    Tight goes first because what it leaves over is of least use to others. A node that
    does not know comes before one that says no, unless it only may not be so that something is in the way.
    """
    return tuple(sorted(answers.items(), key=lambda row: (*_preference(row[1]), row[0])))


def _preference(answer: Answer) -> tuple[int, int, float]:
    verdicts = [Fits.NO if outcome.hurdles else outcome.fits for outcome in answer.outcomes]
    slack = [outcome.slack for outcome in answer.outcomes if outcome.fits is Fits.YES]
    return -verdicts.count(Fits.YES), verdicts.count(Fits.NO), sum(slack) / len(slack) if slack else 0.0
