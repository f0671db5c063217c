"""The answer of a node, and the ranking of several nodes' answers."""

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
    """Whether a pod would be admitted; UNKNOWN if the kubelet does not report enough."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container would be placed, and how well; without nodes if nothing restricts it."""

    container: str
    numa_nodes: NumaNodes
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The result for the pod under one *policy*.

    *places* are empty under policy none, where every manager chooses for itself. For NO, *rejection* is the kubelet's
    message, *hurdles* are the obstacles, *nearest* is the NUMA node that comes closest to fitting the pod (None:
    nothing has a node, or the whole machine lacks it), *holders* are who holds what is short there, and *freeing* are
    the pods whose removal alone would make it fit. *slack* is the fraction of the free amount that would remain.
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
        """The NUMA nodes on which the pod would be placed."""
        return frozenset[int]().union(*(place.numa_nodes for place in self.places))


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer of one *node*: an outcome for each policy, and what is free of each resource.

    *rooms* are for the whole pod, before it is placed. *fitting_nodes* are the NUMA nodes that alone have room for all
    of it, None if no requested resource has NUMA nodes, or if CPUs are requested and their nodes are unknown.
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
        """Yes under every policy, no under none of them, else unknown: it depends on the policy."""
        verdicts = {outcome.fits for outcome in self.outcomes}
        return verdicts.pop() if len(verdicts) == 1 else Fits.UNKNOWN


def rank(answers: Mapping[str, Answer]) -> tuple[tuple[str, Answer], ...]:
    """
    Return the answers by node, best first: yes under most policies, then the tightest fit, then the name.

    The tightest fit comes first because its remainder is least useful to others. Unknown comes before no, except if it
    is only uncertain whether there is an obstacle.
    """
    return tuple(sorted(answers.items(), key=lambda row: (*_preference(row[1]), row[0])))


def _preference(answer: Answer) -> tuple[int, int, float]:
    verdicts = [Fits.NO if outcome.hurdles else outcome.fits for outcome in answer.outcomes]
    slack = [outcome.slack for outcome in answer.outcomes if outcome.fits is Fits.YES]
    return -verdicts.count(Fits.YES), verdicts.count(Fits.NO), sum(slack) / len(slack) if slack else 0.0
