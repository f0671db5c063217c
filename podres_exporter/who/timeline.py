"""
Turn scrapes into periods: who held a device from when to when, when it was free, and when that is unknown.

A scrape of an exporter either names holders, or shows that all holders of the resource are known (the allocated count
is present) and that this device is free, or is inconclusive: it failed, or the exporter itself did not know. A scrape
is valid until the next one of the same target, but for at most one and a half scrape intervals: after that, scrapes are
missing. Of several targets of one node, the latest conclusive one counts. A pod keeps its devices for as long as it
lives, so a pod that is present before and after a gap, by its UID, held them in between.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from statistics import median

from podres_exporter.who.series import Place, TargetKey

REACH_INTERVALS = 1.5
_LOOKBACK_SECONDS = 300.0
"""How long Prometheus considers a sample current; used if there are too few scrapes to know their interval."""


class State(StrEnum):
    """The state during a period."""

    HELD = "held"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Holder:
    """
    A container that held a device, or a share of it. *uid*, *started_seconds* and *workload* are those of the pod,
    empty or None where Prometheus has no metadata of it. *claim* is that of a DRA device; *is_watching*: for admin
    access only.
    """

    namespace: str
    pod: str
    container: str
    resource: str
    device: str
    claim: str = ""
    is_watching: bool = False
    uid: str = ""
    workload: str = ""
    started_seconds: float | None = None


class Unknown(StrEnum):
    """Why it is unknown who held a device; the values are used in sentences."""

    DOWN = "the exporter could not be scraped"
    ABSENT = "Prometheus has no scrape of the exporter"
    UNSURE = "the exporter did not know everything that was held"


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape of a target: who held the device, and why other holders are possible, None if they would be known."""

    holders: frozenset[Holder] = frozenset()
    unknown: Unknown | None = Unknown.ABSENT

    @property
    def tells(self) -> bool:
        """Whether the scrape is conclusive."""
        return self.unknown is None or bool(self.holders)


@dataclass(frozen=True, slots=True)
class Period:
    """
    One holder, free, or unknown, from *begin* to *end* in Unix seconds.

    *begin* is the first scrape with this state, *end* the first with another. *has_earlier*, *has_later*: the state
    reaches the edge of the data, and may have begun before, or continue.
    """

    place: Place
    state: State
    begin: float
    end: float
    holder: Holder | None = None
    unknown: Unknown | None = None
    has_earlier: bool = False
    has_later: bool = False


Scrapes = Mapping[TargetKey, Mapping[float, Scrape]]


def scrape_interval(scrapes: Scrapes) -> float | None:
    """Return the scrape interval of a target in seconds, None if there are too few scrapes."""
    gaps = [after - before for each in scrapes.values() if len(each) > 2 for before, after in pairwise(sorted(each))]
    return median(gaps) if gaps else None


def periods(place: Place, scrapes: Scrapes, begin: float, end: float) -> list[Period]:
    """Return the periods of a node between two points in time, in order; overlapping ones have several holders."""
    interval = scrape_interval(scrapes)
    reach = _LOOKBACK_SECONDS if interval is None else REACH_INTERVALS * interval
    found: list[Period] = []
    running: dict[Holder | Unknown | None, Period] = {}
    for span_begin, span_end, scrape in _bridged(_merged(_spans(scrapes, reach, begin, end))):
        keys: list[Holder | Unknown | None] = list(scrape.holders)
        if all(each.is_watching for each in scrape.holders):
            keys.append(scrape.unknown)
        found += [running.pop(key) for key in list(running) if key not in keys]
        for key in keys:
            known = running.get(key) or _period(place, key, span_begin, has_earlier=span_begin <= begin)
            running[key] = replace(known, end=span_end, has_later=span_end >= end)
    found += running.values()
    return sorted(found, key=lambda each: (each.begin, _order(each.holder), each.end))


def _period(place: Place, key: Holder | Unknown | None, begin: float, *, has_earlier: bool) -> Period:
    """Return a period that has just begun: of a holder, unknown, or free."""
    if isinstance(key, Holder):
        return Period(place, State.HELD, begin, begin, holder=key, has_earlier=has_earlier)
    state = State.NOBODY if key is None else State.UNKNOWN
    return Period(place, state, begin, begin, unknown=key, has_earlier=has_earlier)


def _order(holder: Holder | None) -> tuple[str, ...]:
    return () if holder is None else (holder.namespace, holder.pod, holder.container, holder.device, holder.uid)


Span = tuple[float, float, Scrape]


def _spans(scrapes: Scrapes, reach: float, begin: float, end: float) -> Iterable[Span]:
    """Yield stretches of time, each with the latest conclusive scrape of any target."""
    times = {target: sorted(each) for target, each in scrapes.items()}
    edges = {begin, end}
    for each in times.values():
        edges |= set(each) | {moment + reach for moment in each}
    for first, second in pairwise(sorted(edge for edge in edges if begin <= edge <= end)):
        current: list[tuple[float, Scrape]] = []
        for target, moments in times.items():
            place = bisect_right(moments, first)
            if place and first < moments[place - 1] + reach:
                current.append((moments[place - 1], scrapes[target][moments[place - 1]]))
        telling = [each for each in current if each[1].tells] or [
            each for each in current if each[1].unknown is Unknown.UNSURE
        ]
        yield first, second, max(telling or current, key=lambda each: each[0], default=(first, Scrape()))[1]


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the stretches with equal neighbours merged."""
    found: list[Span] = []
    for begin, end, scrape in spans:
        if found and found[-1][2] == scrape:
            found[-1] = (found[-1][0], end, scrape)
        else:
            found.append((begin, end, scrape))
    return found


def _bridged(spans: Sequence[Span]) -> Iterable[Span]:
    """Yield the stretches; unknown ones are filled with the pods that held the device before and after."""
    for place, (begin, end, scrape) in enumerate(spans):
        if scrape.tells:
            yield begin, end, scrape
            continue
        before = next((each[2] for each in reversed(spans[:place]) if each[2].tells), Scrape())
        after = next((each[2] for each in spans[place + 1 :] if each[2].tells), Scrape())
        lasting = frozenset(each for each in before.holders & after.holders if each.uid)
        yield begin, end, replace(scrape, holders=lasting)
