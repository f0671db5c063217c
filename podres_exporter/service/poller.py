"""One poll, socket to published snapshot, and between polls the news of single pods."""

import logging
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.join import (
    Joiner,
    RunningTotals,
    amend,
    blank_shared_pool,
    claim_users,
)
from podres_exporter.model import (
    Allocation,
    Dra,
    Listing,
    Metadata,
    Pod,
    PodKey,
    Snapshot,
    SourceHealth,
    Topology,
    Usage,
)
from podres_exporter.service.backoff import held_delay, poll_delay, retry_delay
from podres_exporter.service.believed import Believed
from podres_exporter.service.changes import Changes
from podres_exporter.service.events import Events
from podres_exporter.service.health import HealthBook
from podres_exporter.service.questions import Questions, Round
from podres_exporter.sources.fixed_dra import FixedDra
from podres_exporter.sources.ports import ALLOCATABLE, GET, DraSource, KubeletSource, PodMetaSource, TopologySource

log = logging.getLogger(__name__)

GETS_AT_ONCE = 4
"""Calls to Get between two polls, at least half a second apart: far under the kubelet's 100 a second and burst of 10.

Source: kubelet apis/grpc/ratelimit.go; its bucket is one for all clients of the node.
"""


@dataclass(frozen=True, slots=True)
class PollSettings:
    """The node's name; seconds between polls, until an old answer disappears, that a doubted one must be stable."""

    node: str
    interval_seconds: float
    max_age_seconds: float
    hold_seconds: float


@dataclass(frozen=True, slots=True)
class Sources:
    """Where everything comes from."""

    kubelet: KubeletSource
    topology: TopologySource
    metadata: PodMetaSource
    dra: DraSource = field(default_factory=FixedDra)


class Poller:
    """
    Owned by one thread: `tick` polls once, `refresh` follows single pods.

    What it learns leaves it as a frozen Snapshot through *publish*.
    """

    def __init__(
        self,
        settings: PollSettings,
        sources: Sources,
        *,
        publish: Callable[[Snapshot, float], None],
        changes: Changes,
        events: Events,
        clock: Clock,
        scraped_at: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """
        Ask nothing yet.

        *publish* takes a snapshot and the monotonic second from which its allocation must not be shown; *changes* are
        the pods that the API server says have changed. *scraped_at* returns the monotonic second of the last scrape.
        """
        self._settings, self._sources, self._clock, self._publish = settings, sources, clock, publish
        self._changes = changes
        self._questions = Questions(sources.kubelet, events)
        self._believed = Believed(settings.hold_seconds, settings.max_age_seconds, clock)
        self._metadata = sources.metadata.metadata()
        self._dra = sources.dra.dra()
        self._joiner = Joiner()
        self._topology: Topology | None = None
        self._allocation: Allocation | None = None
        self._totals, self._scraped_at = RunningTotals(), scraped_at
        self._usage = Usage()
        self._health = HealthBook(("kubelet", "topology"), clock)
        self._failures = 0
        self._ready = False

    def tick(self) -> float:
        """Ask, believe, join, publish; return how many seconds to wait before the next poll."""
        self._read_topology()
        self._changes.clear()
        asked = self._questions.ask()
        now = self._clock.monotonic_seconds()
        self._metadata = self._sources.metadata.metadata()
        self._note_health(asked.listing)
        if self._believed.take(asked, self._metadata, now):
            self._ready = True
            self._totals.count(now)
        self._join_and_publish(now)
        return self._delay(asked)

    def refresh(self) -> None:
        """
        Show what the API server has told since the last poll, and ask the kubelet for the pods that it concerns.

        A kubelet without Get is not asked, nor is one whose last answer is not believed: up to 1.29 a List in the
        middle of an admission can crash it, and a poll comes soon.

        Source: kubernetes #119560.
        """
        keys = self._changes.take(GETS_AT_ONCE)
        self._metadata = self._sources.metadata.metadata()
        listing = self._believed.listing
        if listing is not None and self._believed.is_current and self._questions.has(GET):
            self._believed.amend(amend(listing, self._news(keys)))
        now = self._clock.monotonic_seconds()
        self._totals.count(now)
        self._join_and_publish(now)

    def _news(self, keys: Iterable[PodKey]) -> dict[PodKey, Pod | None]:
        """
        Return what the kubelet lists for these pods now; nothing on a pod where that is in doubt.

        That a pod is not found counts only where the API server does not expect it either.
        """
        news: dict[PodKey, Pod | None] = {}
        for key in keys:
            try:
                pod = self._questions.get(key)
            except KubeletError as error:
                log.debug("kubelet.get_failed", extra={"reason": error.reason.value, "detail": error.detail})
                break
            meta = self._metadata.pods.get(key) if self._metadata else None
            if pod is not None or meta is None or meta.is_terminal or meta.is_deleting:
                news[key] = pod
        return news

    def ready(self) -> tuple[bool, str]:
        """Tell whether an answer of the kubelet has ever been believed, with a sentence for people; for any thread."""
        if self._ready:
            return True, "the kubelet has answered"
        if self._believed.pods_held:
            return False, "the kubelet has just started; its answers are held back until they are stable"
        error = self._health.last_error.get("kubelet")
        return False, f"waiting for the kubelet's first answer{f' ({error})' if error else ''}"

    def _note_health(self, listing: Listing | KubeletError) -> None:
        """Note whether the kubelet answered."""
        if isinstance(listing, KubeletError):
            self._failures += 1
            self._health.down(listing)
        else:
            self._failures = 0
            self._health.up("kubelet")

    def _join_and_publish(self, now: float) -> None:
        """Make the snapshot of what is believed and let everyone see it."""
        self._believed.expire(now)
        self._dra = self._sources.dra.dra()
        self._allocation = self._join()
        if self._allocation is not None and self._dra is not None:
            self._sources.dra.want(
                claim_users(self._allocation.pods, self._metadata.pods.values() if self._metadata else ())
            )
        self._totals.hold(self._allocation, now)
        self._usage = self._totals.usage(now, self._scraped_at())
        self._publish(self.snapshot(), self._believed.expires_at_seconds)
        self._totals.note_shown(self._clock.monotonic_seconds())

    def _join(self) -> Allocation | None:
        """Return the allocation of what is believed; None where the last good answer is too old."""
        listing, legacy = self._believed.listing, False
        if listing is None:
            return None
        if self._questions.lacks(GET, Reason.UNIMPLEMENTED):
            listing = self._unmask(listing)
            no_allocatable = self._questions.lacks(ALLOCATABLE, Reason.UNIMPLEMENTED, Reason.DISABLED)
            legacy = listing.shared_pool_reported or no_allocatable
        return self._joiner.join(
            listing, self._believed.allocatable, self._topology, self._metadata, dra=self._dra, legacy=legacy
        )

    def _unmask(self, listing: Listing) -> Listing:
        """Take the shared pool out of the answer of a kubelet that may be older than 1.23."""
        reported = self._believed.allocatable
        online = self._topology.online if self._topology else None
        return blank_shared_pool(listing, online, reported.cpus if reported else None)

    def _read_topology(self) -> None:
        """Read the topology; the last one stays where it cannot be read, for machines do not change that often."""
        try:
            self._topology = self._sources.topology.read()
        except TopologyError as error:
            self._health.down(error)
        else:
            self._health.up("topology")

    def snapshot(self) -> Snapshot:
        """Return everything that is known now; before the first poll, that nothing is."""
        return Snapshot(
            node=self._settings.node,
            allocation=self._allocation,
            metadata=self._metadata,
            sources=(*self._health.all(), *_metadata_health(self._metadata), *_dra_health(self._dra)),
            rpcs=self._questions.support(),
            parts=self._believed.freshness(),
            usage=self._usage,
        )

    def _delay(self, asked: Round) -> float:
        """Return the wait that fits how the poll went."""
        uniform = random.random()  # noqa: S311 - jitter, not a secret
        interval = self._settings.interval_seconds
        if isinstance(asked.listing, KubeletError):
            return retry_delay(self._failures, asked.listing.reason, interval, uniform)
        if self._believed.any_held:
            return held_delay(interval)
        return poll_delay(interval, uniform)


def _metadata_health(metadata: Metadata | None) -> tuple[SourceHealth, ...]:
    """Return how the API server is, nothing where it is not asked."""
    if metadata is None:
        return ()
    return (SourceHealth("metadata", up=metadata.is_up, last_success_seconds=metadata.last_success_seconds),)


def _dra_health(dra: Dra | None) -> tuple[SourceHealth, ...]:
    """Return how the source of slices and claims is, nothing where it is not asked or not served."""
    return () if dra is None else (SourceHealth("dra", up=dra.is_up, last_success_seconds=dra.last_success_seconds),)
