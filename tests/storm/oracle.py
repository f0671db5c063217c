"""
Judges pages by what the node's own books say, and by what its kubelet has told; knows nothing of our join.

Everything is dated by the storm's monotonic clock.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from storm.facts import DeviceKey, Fact, Facts, PodKey, Stock, Truth, pod_of
from storm.page import Page, Series, cpus_of, devices_of
from storm.violation import Violation

K = TypeVar("K")
_NONE: Facts = frozenset()
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll: what the kubelet answered meanwhile, and whether it could answer well."""

    lists: tuple[Facts, ...]
    stocks: tuple[Stock, ...]
    pods: int
    lists_well: bool
    stock_well: bool
    stock_absent: bool


class Oracle:
    """Follows one node through every life of the exporter in front of it."""

    def __init__(self, hold_seconds: float, max_age_seconds: float) -> None:
        """Know nothing."""
        self._hold, self._max_age = hold_seconds, max_age_seconds
        self._truths: list[tuple[float, Truth]] = []
        self._silent = dict[Fact, float]()
        self._silent_stock = dict[DeviceKey | int, float]()
        self.begin_life(young=False, now=0.0)

    def begin_life(self, *, young: bool, now: float) -> None:
        """Take that a new exporter process knows nothing; *young*: its kubelet has visibly just started."""
        self._shown = _NONE
        self._fresh_at: float | None = None
        self._young_since: float | None = now if young else None
        self._stock: Stock | None = None
        self._stock_at = 0.0
        self._counters: dict[tuple[str, bool], Mapping[Series, float]] = {}

    def is_true(self, truth: Truth, now: float) -> None:
        """Take what is true from now on."""
        if not self._truths or self._truths[-1][1] != truth:
            self._truths.append((now, truth))

    def judge(
        self, page: Page, now: float, *, poll: Poll | None, published: bool, excused: Callable[[PodKey], bool]
    ) -> None:
        """
        Raise Violation where a page is wrong.

        *poll* is the poll that came just before, if any; *published* whether the poll loop had the word just before.
        *excused* tells of which pods the API server may have said that they have ended, or do not exist.
        """
        self._judge_counters(page)
        if poll is not None:
            self._listen(poll, now)
            self._judge_honesty(page, poll)
            self._judge_told(page, poll, now, excused)
            self._take_stock(page, poll, now)
        self._judge_age(page, now)
        self._judge_invented(page, now)
        self._judge_lost(page, now, excused)
        self._judge_twice(page)
        self._judge_sums(page, now, published=published)
        self._shown = page.facts

    def judge_got(self, page: Page, got: Mapping[PodKey, Facts]) -> None:
        """Raise Violation where a pod that Get has just told is neither shown as told nor as before."""
        for key, told in got.items():
            shown = {fact for fact in page.facts if pod_of(fact) == key}
            before = {fact for fact in self._shown if pod_of(fact) == key}
            if shown and shown not in (told, before):
                raise Violation("told", f"Get says {sorted(told)} and the page {sorted(shown)}")

    def judge_passing(self, page: Page) -> None:
        """Raise Violation where a page that was got while a poll went on is wrong in itself, or invents."""
        if page.facts - self._true_since(self._truths[-1][0] - self._max_age):
            raise Violation("invented", f"on a page in passing: {sorted(page.facts)}")
        self._judge_negative(page)

    def is_calm(self, page: Page, excused: Callable[[PodKey], bool]) -> str:
        """Return what keeps the page from being the truth, nothing where it is."""
        truth = self._truths[-1][1]
        wanted = {fact for fact in truth.facts if not excused(pod_of(fact))}
        flags = {
            "kubelet is down": page.value("podres_source_up", source="kubelet") != 1,
            "stale": any(value for _, value in page.rows("podres_snapshot_stale")),
            "held": any(value for _, value in page.rows("podres_snapshot_held")),
            f"lacks {sorted(wanted - page.facts)}": bool(wanted - page.facts),
            f"has {sorted(page.facts - wanted)}": bool(page.facts - wanted),
            "stock": self._stock is None or dict(self._stock.devices) != dict(truth.stock.devices),
        }
        return ", ".join(name for name, is_so in flags.items() if is_so)

    def _listen(self, poll: Poll, now: float) -> None:
        """Note since when the kubelet has left out what is true."""
        truth = self._truths[-1][1]
        for told in poll.lists[-1:]:
            _note(self._silent, truth.facts, told, now)
        for stock in poll.stocks[-1:]:
            _note(self._silent_stock, _items(truth.stock), _items(stock), now)

    def _judge_honesty(self, page: Page, poll: Poll) -> None:
        up, stale = page.value("podres_source_up", source="kubelet"), page.value("podres_snapshot_stale", part="pods")
        if up != float(poll.lists_well):
            raise Violation("honest", f"source_up of the kubelet is {up} though List answers: {poll.lists_well}")
        if not poll.lists_well and stale != 1:
            raise Violation("honest", f"List is not answered well and snapshot_stale of the pods is {stale}")
        if page.value("podres_snapshot_held", part="pods") == 1 and stale != 1:
            raise Violation("honest", "the pods are held back but not stale")
        stale = page.value("podres_snapshot_stale", part="allocatable")
        if poll.lists_well and not poll.stock_well and not poll.stock_absent and stale != 1:
            raise Violation("honest", "GetAllocatableResources is not answered well and its part is not stale")

    def _judge_told(self, page: Page, poll: Poll, now: float, excused: Callable[[PodKey], bool]) -> None:
        """A fresh page is what the kubelet told, but for pods that the API server says have ended."""
        if page.value("podres_snapshot_stale", part="pods") != 0:
            return
        if not any(
            page.facts <= told and all(_is_excused(page, fact, excused) for fact in told - page.facts)
            for told in poll.lists
        ):
            told = poll.lists[-1] if poll.lists else _NONE
            detail = f"it has {sorted(page.facts - told)} besides, and lacks {sorted(told - page.facts)}"
            raise Violation("told", detail)
        is_first = self._fresh_at is None and self._young_since is not None
        is_early = self._young_since is not None and now - self._young_since < self._hold - _EPSILON
        # Nothing is known to compare with: an empty first answer must have stood for as long as any other doubt.
        if is_first and is_early and not poll.pods and self._truths[-1][1].facts:
            raise Violation("lost", "the empty first answer of a kubelet that has just started is believed")
        self._fresh_at = now

    def _take_stock(self, page: Page, poll: Poll, now: float) -> None:
        """Remember the last answer about what may be handed out that the page rests on."""
        if page.value("podres_snapshot_stale", part="allocatable") != 0:
            return
        if not poll.stocks:
            self._stock = None
            return
        if self._stock is not None and now - self._stock_at < self._max_age:
            still = _items(self._stock) & _items(self._truths[-1][1].stock) - _items(poll.stocks[-1])
            early = [each for each in still if now - self._silent_stock.get(each, now) < self._hold - _EPSILON]
            if early:
                raise Violation("stock", f"{sorted(map(str, early))} can be handed out and are not shown")
        self._stock, self._stock_at = poll.stocks[-1], now

    def _judge_age(self, page: Page, now: float) -> None:
        if page.has_allocation and (self._fresh_at is None or now - self._fresh_at >= self._max_age + _EPSILON):
            since = "never" if self._fresh_at is None else f"{now - self._fresh_at} s ago"
            raise Violation("aged", f"the page has an allocation, and an answer was last believed {since}")

    def _judge_invented(self, page: Page, now: float) -> None:
        true = self._true_since(now if self._fresh_at is None else self._fresh_at)
        if page.facts - true:
            raise Violation("invented", f"never in that time: {sorted(page.facts - true)}")

    def _judge_lost(self, page: Page, now: float, excused: Callable[[PodKey], bool]) -> None:
        if self._fresh_at is None or now - self._fresh_at >= self._max_age - _EPSILON:
            return
        missing = self._shown & self._truths[-1][1].facts - page.facts
        early = [
            fact
            for fact in missing
            if now - self._silent.get(fact, now) < self._hold - _EPSILON and not _is_excused(page, fact, excused)
        ]
        if early:
            raise Violation("lost", f"gone from the page: {sorted(early)}")

    def _judge_twice(self, page: Page) -> None:
        for kind, width in (("device", 6), ("cpu", 5)):
            holders = Counter(fact[4:width] for fact in page.facts if fact[0] == kind)
            twice = {thing for thing, count in holders.items() if count > 1}
            if twice:
                raise Violation("twice", f"{sorted(fact for fact in page.facts if fact[4:width] in twice)}")

    def _judge_negative(self, page: Page) -> None:
        for (name, labels), value in page.samples.items():
            if name.startswith("podres_") and not value >= 0:
                raise Violation("sums", f"{name}{dict(labels)} is {value}")

    def _judge_sums(self, page: Page, now: float, *, published: bool) -> None:
        self._judge_negative(page)
        if not page.has_allocation:
            return
        held, cpus, stock = devices_of(page.facts), cpus_of(page.facts), self._stock
        families = {"allocated": set(held)}
        pools = {"exclusive": cpus}
        shows_stock = page.pool("allocatable") is not None or any(page.rows("podres_node_free_devices"))
        is_old = stock is not None and now - self._stock_at >= self._max_age - _EPSILON
        if stock is not None and is_old and shows_stock and published:
            raise Violation("aged", f"what may be handed out was told {now - self._stock_at} s ago")
        if stock is not None and (shows_stock or not is_old):
            reported = set(stock.devices)
            families |= {
                "allocatable": reported | set(held),
                "free": reported - set(held),
                "unallocatable_held": set(held) - reported,
            }
            pools |= {"allocatable": stock.cpus | cpus, "shared": stock.cpus - cpus}
        for kind in ("allocatable", "allocated", "free", "unallocatable_held"):
            places = Counter(
                (key[0], (stock.devices.get(key) if stock else None) or held.get(key) or "")
                for key in families.get(kind, ())
            )
            shown = page.by_place(f"podres_node_{kind}_devices")
            if dict(places) != {place: value for place, value in shown.items() if value}:
                raise Violation("sums", f"{kind} devices should be {dict(places)} and are {shown}")
        for pool in ("allocatable", "exclusive", "shared"):
            if pools.get(pool, frozenset()) != (page.pool(pool) or frozenset()):
                raise Violation("sums", f"{pool} CPUs should be {pools.get(pool)} and are {page.pool(pool)}")

    def _judge_counters(self, page: Page) -> None:
        # By format and encoding: each is written at most once a second, so that one may be a second behind another.
        for series, value in self._counters.get(page.variant, {}).items():
            if series not in page.counters:
                raise Violation("counters", f"{series[0]}{dict(series[1])} is gone")
            if page.counters[series] < value:
                raise Violation("counters", f"{series[0]}{dict(series[1])}: {value}, then {page.counters[series]}")
        self._counters[page.variant] = page.counters

    def _true_since(self, since: float) -> Facts:
        """Return all that was true at some moment from then on."""
        found: set[Fact] = set()
        for began, truth in reversed(self._truths):
            found |= truth.facts
            if began < since:  # of one moment there may be several truths, one after the other
                break
        return frozenset(found)


def _items(stock: Stock) -> frozenset[DeviceKey | int]:
    return frozenset(stock.devices) | stock.cpus


def _note(silent: dict[K, float], true: frozenset[K], told: frozenset[K], now: float) -> None:
    """Keep what is true and was not told, with when that began."""
    for each in told:
        silent.pop(each, None)
    for each in true - told:
        silent.setdefault(each, now)


def _is_excused(page: Page, fact: Fact, excused: Callable[[PodKey], bool]) -> bool:
    """Return whether the exporter may go by the API server's word on the pod, as the page says that it does."""
    return page.value("podres_metadata_synced") == 1 and excused(pod_of(fact))
