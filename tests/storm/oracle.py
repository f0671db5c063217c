"""
The oracle of the storm: judge pages by the node's true state.

The rules hold whatever the exporter goes by: what it says was true not long ago; what it must know by now it shows;
what a living pod holds is never free; two pods hold one thing only where that is so. Dated by the storm's monotonic
clock.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from storm.facts import Fact, Facts, PodKey, Truth, cpus_of, devices_of, pod_of
from storm.page import Page, Series
from storm.violation import Violation

_MEMORY_SECONDS = 450.0
"""A resync interval and a maximum age: the maximum age of what is shown without newer information."""

_CHANCES, _INTERVAL_SECONDS = 2, 10.0
"""Good polls, and how far apart, after which the exporter must know what is true."""


Held = tuple[str, Fact]
"""The UID of a pod, and a thing that it holds: the next pod of its name has to be told anew, even of the same thing."""


@dataclass(frozen=True, slots=True)
class Poll:
    """
    One poll: whether the kubelet was up, answered everything well, and knew all pods; and whether metadata were well.
    """

    is_up: bool
    is_well: bool
    knows_all: bool


class Oracle:
    """Follows one node through every life of the exporter in front of it."""

    def __init__(self, hold_seconds: float, max_age_seconds: float, devices: Mapping[str, int]) -> None:
        """Know how many *devices* there are of each resource, and nothing else."""
        self._devices = devices
        self._forgives = min(hold_seconds, max_age_seconds)
        self._max_age = max_age_seconds
        self._truths: list[tuple[float, Truth]] = []
        self._age: dict[Held, int] = {}
        self._aged_at = float("-inf")
        self.begin_life()

    def begin_life(self) -> None:
        """Take that a new exporter process knows nothing."""
        self._chances: dict[Held, int] = {}
        self._told_at = self._counted_at = float("-inf")
        self._answered_at = float("-inf")
        self._counters: dict[tuple[str, bool], Mapping[Series, float]] = {}

    def is_true(self, truth: Truth, now: float) -> None:
        """Take what is true from now on."""
        if not self._truths or self._truths[-1][1] != truth:
            self._truths.append((now, truth))
        held = _held(truth)
        self._chances = {each: count for each, count in self._chances.items() if each in held}
        self._age = {each: count for each, count in self._age.items() if each in held}

    @property
    def listed(self) -> Facts:
        """What living pods hold, and what a List would say of others."""
        return self._truths[-1][1].facts | self._truths[-1][1].finished

    def was_up(self, now: float) -> None:
        """Take that the exporter has had reason to ask a kubelet that was there."""
        self._answered_at = now

    def judge(self, page: Page, now: float, *, poll: Poll | None, excused: Collection[str]) -> None:
        """
        Raise Violation where a page is wrong.

        *poll* is the poll that came just before, if any; *excused* are the pods, by UID, of which the API server may
        have said that they have ended, or nothing yet. What such a pod holds is to be known anew once it was told of.
        """
        self._chances, self._age = (
            {each: count for each, count in counts.items() if each[0] not in excused}
            for counts in (self._chances, self._age)
        )
        if poll is not None:
            self._count(poll, now, excused)
            self._judge_honesty(page, poll)
        known, old = (
            frozenset(fact for (uid, fact), count in counts.items() if count >= _CHANCES and uid not in excused)
            for counts in (self._chances, self._age)
        )
        self._judge_counters(page)
        self._judge_age(page, now)
        self._judge_invented(page, now)
        self._judge_lost(page, known, now)
        self._judge_free(page, old)
        self._judge_twice(page, now)
        self.judge_itself(page)

    def judge_passing(self, page: Page) -> None:
        """Raise Violation where a page that was got while a poll went on is wrong in itself, or invents."""
        self._judge_invented(page, self._truths[-1][0])
        self.judge_itself(page)

    def is_calm(self, page: Page, is_over: Callable[[PodKey], bool]) -> str:
        """Return what keeps the page from being the truth, nothing where it is."""
        truth = self._truths[-1][1]
        wanted = truth.facts | frozenset(fact for fact in truth.finished if not is_over(pod_of(fact)))
        most = _free(truth, wanted)
        # What init containers have left, and sidecars hold on old kubelets, is not listed: then it may be less.
        left = {resource for resource, _ in devices_of(truth.unlisted).keys() - devices_of(wanted).keys()}
        least = {each: 0 if each in left else most[each] for each in most}
        shown = {resource: int(count) for resource, count in page.by_resource("free").items()}
        is_right = all(least.get(each, 0) <= shown.get(each, 0) <= most[each] for each in most.keys() | shown.keys())
        twice = Counter(device[0] for device, count in _holders(wanted, "device").items() if count > 1)
        doubles = {labels["resource"]: int(v) for labels, v in page.rows("podres_node_double_held_devices") if v}
        problems = {
            "kubelet is down": page.value("podres_source_up", source="kubelet") != 1,
            "stale": any(value for _, value in page.rows("podres_snapshot_stale")),
            "held": any(value for _, value in page.rows("podres_snapshot_held")),
            f"lacks {sorted(wanted - page.facts)}": bool(wanted - page.facts),
            f"has {sorted(page.facts - wanted)}": bool(page.facts - wanted),
            f"free are {shown} and should be {least} to {dict(most)}": not is_right,
            f"held twice are {doubles} and should be {dict(twice)}": page.judges_doubles and doubles != dict(twice),
        }
        return ", ".join(name for name, is_so in problems.items() if is_so)

    def _count(self, poll: Poll, now: float, excused: Collection[str]) -> None:
        """Count the good polls since each thing became true, an interval apart: the exporter could hear of it."""
        if poll.is_well and poll.knows_all:
            self._told_at = now
        held = [each for each in _held(self._truths[-1][1]) if each[0] not in excused]
        if poll.is_well and now - self._aged_at >= _INTERVAL_SECONDS:
            self._aged_at = now
            self._age |= {each: self._age.get(each, 0) + 1 for each in held}
        if poll.is_well and poll.knows_all and now - self._counted_at >= _INTERVAL_SECONDS:
            self._counted_at = now
            self._chances |= {each: self._chances.get(each, 0) + 1 for each in held}

    def _judge_honesty(self, page: Page, poll: Poll) -> None:
        up = page.value("podres_source_up", source="kubelet")
        if not poll.is_up and up != 0:
            raise Violation("honest", "the kubelet is not there and its source is up")
        if poll.is_well and poll.knows_all and up != 1:
            raise Violation("honest", "the kubelet answers everything and its source is not up")
        if not poll.is_up and page.has_allocation and page.value("podres_snapshot_stale", part="pods") != 1:
            raise Violation("honest", "the kubelet is not there and the pods are not stale")

    def _judge_age(self, page: Page, now: float) -> None:
        if page.has_allocation and now - self._answered_at >= self._max_age + 1:
            seconds = now - self._answered_at
            raise Violation("aged", f"the page has an allocation, and the kubelet was up {seconds} s ago")

    def _judge_invented(self, page: Page, now: float) -> None:
        true = self._true_since(now - _MEMORY_SECONDS)
        if page.facts - true:
            raise Violation("invented", f"not true for a long time, if ever: {sorted(page.facts - true)}")

    def _judge_lost(self, page: Page, known: Facts, now: float) -> None:
        """What the exporter must know is on its page, until the kubelet has not been able to say it for long."""
        if now - self._told_at < self._forgives - 1 and page.has_allocation and known - page.facts:
            raise Violation("lost", f"true, told and not on the page: {sorted(known - page.facts)}")

    def _judge_free(self, page: Page, old: Facts) -> None:
        """
        What a living pod has held for a while is never free, whether its row is shown or not.

        An exporter that has just started, beside a kubelet that does not know its pods yet, must not say so either.
        """
        held = Counter(resource for resource, _ in devices_of(old))
        for resource, free in page.by_resource("free").items():
            most = self._devices.get(resource, 0) - held[resource]
            if free > most and resource in self._devices:
                raise Violation("free", f"{free} {resource} are free, of which at most {most} can be")
        wrong = (page.pool("shared") or frozenset()) & cpus_of(old)
        if wrong:
            raise Violation("free", f"CPUs {sorted(wrong)} are held and stand in the shared pool")

    def _judge_twice(self, page: Page, now: float) -> None:
        """Two pods hold one thing on the page only where they have done so not long ago."""
        for kind in ("device", "cpu"):
            twice = {thing for thing, count in _holders(page.facts, kind).items() if count > 1}
            truths = list(self._truths_since(now - _MEMORY_SECONDS))
            so = {thing for truth in truths for thing, count in _holders(truth.facts, kind).items() if count > 1}
            if twice - so:
                raise Violation("twice", f"{sorted(twice - so)} in two hands on the page alone")
            counted = sum(value for _, value in page.rows(f"podres_node_double_held_{kind}s"))
            if counted > len(so):
                raise Violation("twice", f"{counted} {kind}s are counted as held twice, and {len(so)} may be")

    def judge_itself(self, page: Page) -> None:
        """Raise Violation where a page contradicts itself."""
        for (name, labels), value in page.samples.items():
            if name.startswith("podres_") and not value >= 0:
                raise Violation("sums", f"{name}{dict(labels)} is {value}")
        if not page.has_allocation:
            return
        held = Counter(resource for resource, _ in devices_of(page.facts))
        allocatable, free = page.by_resource("allocatable"), page.by_resource("free")
        for resource, count in page.by_resource("allocated").items():
            if count != held[resource]:
                raise Violation("sums", f"{count} {resource} are allocated, and {held[resource]} stand on the page")
            if resource in free and free[resource] + count > allocatable[resource]:
                raise Violation("sums", f"more {resource} are free and allocated than there are")
        shared, cpus = page.pool("shared"), cpus_of(page.facts)
        if shared is not None and (shared & cpus or not shared <= (page.pool("allocatable") or frozenset())):
            raise Violation("sums", f"the shared pool {sorted(shared)} has CPUs of containers, or that are not there")

    def _judge_counters(self, page: Page) -> None:
        # By format and encoding: each is written at most once a second, so that one may be a second behind another.
        for series, value in self._counters.get(page.variant, {}).items():
            if series not in page.counters:
                raise Violation("counters", f"{series[0]}{dict(series[1])} is gone")
            if page.counters[series] < value:
                raise Violation("counters", f"{series[0]}{dict(series[1])}: {value}, then {page.counters[series]}")
        self._counters[page.variant] = page.counters

    def _true_since(self, since: float) -> Facts:
        """Return all that was true, or listed, at some moment from then on."""
        return frozenset().union(*(truth.facts | truth.finished for truth in self._truths_since(since)))

    def _truths_since(self, since: float) -> Iterator[Truth]:
        """Yield what was true at some moment from then on, the newest first."""
        for began, truth in reversed(self._truths):
            yield truth
            if began < since:  # of one moment there may be several truths, one after the other
                return


def _held(truth: Truth) -> frozenset[Held]:
    return frozenset((uid, fact) for uid, facts in truth.held.items() for fact in facts)


def _free(truth: Truth, held: Facts) -> Counter[str]:
    """Return how many devices of each resource may be handed out and are not held."""
    taken = devices_of(held)
    return Counter(resource for resource, device in truth.stock.devices if (resource, device) not in taken)


def _holders(facts: Facts, kind: str) -> Counter[tuple[str, ...]]:
    """Return how many pods hold each device or CPU."""
    width = 6 if kind == "device" else 5
    return Counter(thing for _, thing in {(pod_of(fact), fact[4:width]) for fact in facts if fact[0] == kind})
