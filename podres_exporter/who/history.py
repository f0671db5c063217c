"""Query Prometheus for who held a device: find the device, and read the samples of its holders."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from podres_exporter.errors import SelectionError, SnapshotError
from podres_exporter.printable import printable
from podres_exporter.text.words import some
from podres_exporter.who.device import Device, choose, selectors, unknown
from podres_exporter.who.pods import PodHistory
from podres_exporter.who.series import (
    ALLOCATED_DEVICES,
    CLAIM_DEVICE_INFO,
    DEVICE_INFO,
    DRA_DEVICES,
    POD_FAMILIES,
    Labels,
    Place,
    TargetKey,
    own,
    own_name,
    place,
    selector,
    target,
)
from podres_exporter.who.timeline import Period, Scrape, Unknown, periods, scrape_interval

BEFORE_SECONDS, AFTER_SECONDS = 3600.0, 600.0
"""How far around a point in time to search for the beginning and end of a holding."""
EDGE_SECONDS = 300.0
"""How far before a range to read, because its first state was scraped earlier."""
KNOWN_DAYS = 30
"""How far back to search for a device that was not held in the requested time."""
MOST_PLACES = 20

Sample = tuple[float, float]
"""Unix seconds and value."""
Samples = Sequence[tuple[Labels, Sequence[Sample]]]


class Prometheus(Protocol):
    """The interface of the Prometheus client. Its methods raise SourceError."""

    def series(self, selectors: Sequence[str], begin: float, end: float) -> list[Labels]:
        """Return the labels of every series with samples in that time."""
        ...

    def samples(self, selector: str, begin: float, end: float) -> Samples:
        """Return the samples of that time, as scraped."""
        ...

    @property
    def warnings(self) -> Collection[str]:
        """Warnings in its answers, for example that a part of its stores did not answer."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """
    The device and the time: *begin* to *end* in Unix seconds, a single point if they are equal.

    *nodes* and *clusters* restrict the search; empty: all.
    """

    text: str
    begin: float
    end: float
    now: float
    nodes: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()

    @property
    def is_moment(self) -> bool:
        """Whether it is about a single point in time."""
        return self.begin == self.end


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The result. *periods* are within the requested time; *around* also has those before and after a single point in
    time.
    """

    question: Question
    devices: tuple[Device, ...]
    periods: tuple[Period, ...]
    around: tuple[Period, ...]
    interval_seconds: float | None
    warnings: tuple[str, ...] = ()


def ask(prometheus: Prometheus, question: Question) -> Answer:
    """Return who held the device. Raises SelectionError if there is no such device, or if it is ambiguous."""
    begin, end = question.begin - EDGE_SECONDS, question.end
    if question.is_moment:
        begin, end = question.begin - BEFORE_SECONDS, min(question.end + AFTER_SECONDS, max(question.now, question.end))
    series = prometheus.series(selectors(question.text), begin, end)
    if not series:
        series = prometheus.series(selectors(question.text), question.now - KNOWN_DAYS * 86400, question.now)
    if not series:
        raise _unknown(prometheus, question)
    devices = choose(series, question.text)
    wanted = _wanted({each for device in devices for each in device.places}, question)
    around: list[Period] = []
    intervals: list[float] = []
    for device in devices:
        nodes = _node_matchers(series, wanted & device.places)
        for where, scrapes in _scrapes(prometheus, device, nodes, wanted & device.places, (begin, end)).items():
            edge = begin if question.is_moment else question.begin
            around += periods(where, scrapes, edge, end)
            interval = scrape_interval(scrapes)
            intervals += [] if interval is None else [interval]
    around.sort(key=lambda each: (each.place, each.begin))
    shown = [each for each in around if not question.is_moment or _contains(each, question.begin)]
    longest = max(intervals) if intervals else None
    return Answer(question, tuple(devices), tuple(shown), tuple(around), longest, tuple(prometheus.warnings))


def _contains(period: Period, moment: float) -> bool:
    return period.begin <= moment < period.end or (period.has_later and moment == period.end)


def _wanted(places: Collection[Place], question: Question) -> frozenset[Place]:
    """Return the nodes to query. Raises SelectionError if none is selected, or if there are too many."""
    found = frozenset(
        each
        for each in places
        if (not question.nodes or each.node in question.nodes)
        and (not question.clusters or each.cluster in question.clusters)
    )
    names = sorted({printable(each.node) for each in found or places})
    if not found:
        raise SelectionError(f"device '{printable(question.text)}' was not there; it was on", names[:MOST_PLACES])
    if len(found) > MOST_PLACES:
        raise SelectionError(
            f"device '{printable(question.text)}' is on {len(found)} nodes: {some(names)}; choose one with --node"
        )
    return found


def _unknown(prometheus: Prometheus, question: Question) -> Exception:
    """Return the error for a device without any series."""
    known = prometheus.series([DEVICE_INFO, CLAIM_DEVICE_INFO], question.now - 86400, question.now)
    if known:
        names = {each.get("device_base") or each.get("device", "") for each in known}
        return unknown(question.text, names, KNOWN_DAYS)
    return SnapshotError(
        f"Prometheus has no {DEVICE_INFO} of the last day: it does not scrape podres-exporter, or no pod holds a device"
    )


def _node_matchers(series: Iterable[Labels], wanted: Collection[Place]) -> Mapping[str, set[str]]:
    """Return the labels that identify the nodes in other series: `node`, or the target if there is no such label."""
    found: dict[str, set[str]] = {}
    for labels in series:
        if place(labels) in wanted:
            name = own_name(labels, "node") if own(labels, "node") else "instance"
            found.setdefault(name, set()).add(place(labels).node)
    return found


def _scrapes(
    prometheus: Prometheus,
    device: Device,
    nodes: Mapping[str, set[str]],
    wanted: Collection[Place],
    time: tuple[float, float],
) -> dict[Place, dict[TargetKey, dict[float, Scrape]]]:
    """Return every scrape of the exporters of some nodes, with what it shows of the device."""
    held, figures, stated = _series_of(device)
    holders = [each for each in prometheus.samples(held, *time) if place(each[0]) in wanted]
    known = [
        each
        for label, names in nodes.items()
        for each in prometheus.samples(selector(figures, {**stated, label: names}), *time)
        if place(each[0]) in wanted
    ]
    pods = PodHistory(_pods(prometheus, [labels for labels, _ in holders], time))
    found: dict[Place, dict[TargetKey, dict[float, Scrape]]] = {each: {} for each in wanted}
    for key, where in {target(labels): place(labels) for labels, _ in [*known, *holders]}.items():
        found[where][key] = {}
    ups = _ups(prometheus, [key for each in found.values() for key in each], time)
    for where, targets in found.items():
        for key, scrapes in targets.items():
            for seconds, value in ups.get(key, ()):
                scrapes[seconds] = Scrape(unknown=Unknown.UNSURE if value else Unknown.DOWN)
            for seconds in (at for labels, each in known if target(labels) == key for at, _ in each):
                scrapes[seconds] = Scrape(unknown=None)
            for labels, seconds in (
                (labels, at) for labels, each in holders if target(labels) == key for at, _ in each
            ):
                before = scrapes.get(seconds, Scrape(unknown=Unknown.UNSURE))
                holder = pods.holder(labels, seconds, where)
                scrapes[seconds] = Scrape(before.holders | {holder}, before.unknown)
    return found


def _series_of(device: Device) -> tuple[str, str, dict[str, str]]:
    """
    Return the selector of the device's holders, and the family and labels whose presence shows that all holders are
    known.
    """
    if device.pool is None:
        held = {"resource": device.resource, "device_base": device.name}
        return selector(DEVICE_INFO, held), ALLOCATED_DEVICES, {"resource": device.resource}
    held = {"driver": device.resource, "pool": device.pool, "device": device.name}
    return selector(CLAIM_DEVICE_INFO, held), DRA_DEVICES, {"driver": device.resource, "state": "allocated"}


def _ups(
    prometheus: Prometheus, targets: Sequence[TargetKey], time: tuple[float, float]
) -> dict[TargetKey, Sequence[Sample]]:
    """Return whether each scrape succeeded: a failed one has no other samples."""
    if not targets:
        return {}
    jobs, instances = {each.job for each in targets}, {each.instance for each in targets}
    return {
        target(labels): each
        for labels, each in prometheus.samples(selector("up", {"job": jobs, "instance": instances}), *time)
    }


def _pods(prometheus: Prometheus, holders: Sequence[Labels], time: tuple[float, float]) -> Samples:
    """Return the metadata of the pods that held the device, under either name that their labels may have."""
    found: list[tuple[Labels, Sequence[Sample]]] = []
    for names in sorted({(own_name(each, "namespace"), own_name(each, "pod")) for each in holders}):
        values = [{own(each, label) for each in holders} for label in ("namespace", "pod")]
        found += prometheus.samples(selector(POD_FAMILIES, dict(zip(names, values, strict=True))), *time)
    return found
