"""Poll the sources and publish snapshots: at the poll interval, and in between when something changed."""

import logging
import math
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from podres_exporter.allocation import given_up, unknown, unlisted
from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.join import (
    Joiner,
    RunningTotals,
    SecondLook,
    admin_access,
    blank_shared_pool,
    claim_users,
    claims_to_name,
    compared,
    double_held,
    hardware_of,
    living,
    pinned_containers,
    still_listed,
    with_told_names,
)
from podres_exporter.model import (
    Allocation,
    Belief,
    DoubleHeld,
    Dra,
    Drift,
    Listing,
    Mark,
    MarkedPod,
    Metadata,
    Part,
    Pod,
    PodKey,
    Snapshot,
    SourceHealth,
    Topology,
    Usage,
)
from podres_exporter.service.backoff import Failures, poll_delay, retry_delay
from podres_exporter.service.events import Changes, Events
from podres_exporter.service.follower import Follower, PollSettings
from podres_exporter.service.health import HealthBook
from podres_exporter.sources.fixed import FixedDra
from podres_exporter.sources.interfaces import (
    ALLOCATABLE,
    GET,
    ClaimNameSource,
    CpusetSource,
    DraSource,
    KubeletSource,
    PodMetaSource,
    TopologySource,
)


class DriftCheck:
    """Used by the poll loop only. Without a source, allocations stay as they are."""

    def __init__(self, source: CpusetSource | None) -> None:
        """Read nothing yet."""
        self._source = source
        self._drift = Drift()
        self._last: tuple[Allocation, Allocation] | None = None

    def read(self, allocation: Allocation, metadata: Metadata | None) -> None:
        """Read the cpusets of the containers with exclusive CPUs, and compare them."""
        if self._source is None:
            return
        pinned = pinned_containers(allocation, metadata)
        self._drift = compared(pinned, self._source.read({each.container_id for each in pinned[0]}))

    def added_to(self, allocation: Allocation) -> Allocation:
        """Return the allocation with its drift; the same object as before while both are unchanged."""
        if self._source is None:
            return allocation
        drift = still_listed(self._drift, allocation)
        if self._last is None or self._last[0] is not allocation or self._last[1].drift != drift:
            self._last = (allocation, replace(allocation, drift=drift))
        return self._last[1]


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources of a snapshot."""

    kubelet: KubeletSource
    topology: TopologySource
    metadata: PodMetaSource
    dra: DraSource = field(default_factory=FixedDra)
    cpusets: CpusetSource | None = None
    claim_names: ClaimNameSource | None = None


class Poller:
    """
    Owned by one thread: `tick` polls, `refresh` makes the calls due in between.

    Results are published as frozen Snapshots through *publish*.
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
        Call nothing yet.

        *publish* takes a snapshot and the monotonic second at which its allocation expires; *changes* are the changed
        pods reported by the metadata source. *scraped_at* returns the monotonic second of the last scrape.
        """
        self._settings, self._sources, self._clock, self._publish = settings, sources, clock, publish
        self._changes = changes
        self._follower = Follower(settings, sources.kubelet, events, clock)
        self._metadata = sources.metadata.metadata()
        self._dra = sources.dra.dra()
        self._drift = DriftCheck(sources.cpusets)
        self._joiner, self._second_look = Joiner(), SecondLook(settings.second_look_seconds)
        self._topology: Topology | None = None
        self._allocation: Allocation | None = None
        self._totals, self._scraped_at = RunningTotals(), scraped_at
        self._usage = Usage()
        self._expires_at_seconds = 0.0
        self._health = HealthBook(("kubelet", "topology"), clock)
        self._failures = Failures()
        self._ready = False
        self._published: Snapshot | None = None

    def tick(self) -> float:
        """Poll, join and publish; return how many seconds to wait before the next poll."""
        self._read_topology()
        self._take_news()
        self._follower.poll()
        error = self._follower.error
        self._failures = self._failures.after(error)
        if error is None:
            self._health.up("kubelet")
        else:
            self._health.down(error)
        self._join_and_publish(read_cpusets=True)
        uniform = int.from_bytes(os.urandom(4), "little") / 2**32  # the module random would be loaded for this alone
        interval = self._settings.interval_seconds
        return poll_delay(interval, uniform) if error is None else retry_delay(self._failures, interval, uniform)

    def refresh(self) -> None:
        """Make the calls that are due, and publish the result together with changed metadata, if anything is new."""
        self._take_news()
        witness = self._follower.cache.witness
        answered_at = witness.start.answered_at
        self._follower.refresh()
        if self._failures != Failures() and witness.start.answered_at not in {None, answered_at}:
            self._failures = Failures()
            self._health.up("kubelet")
        self._join_and_publish(only_news=True)

    def join_again(self) -> None:
        """Join and publish what is known now, without any call."""
        self._join_and_publish()

    def due(self) -> float:
        """Return in how many seconds `refresh` is due (infinite: never)."""
        return self._follower.due()

    def failed(self) -> None:
        """Publish that a poll ended in an unexpected error: the last known data is stale."""
        self._health.down(KubeletError("poll", Reason.INTERNAL, "an unexpected error, see the log"))
        parts = tuple(replace(part, stale=True) for part in self._parts())
        self._published = replace(self.snapshot(), parts=parts)
        self._publish(self._published, self._expires_at_seconds)

    def ready(self) -> tuple[bool, str]:
        """
        Return whether the kubelet has ever listed its pods, with a sentence for display; callable from any thread.
        """
        if self._ready:
            return True, "the kubelet has answered"
        error = self._health.last_error.get("kubelet")
        return False, f"waiting for the kubelet's first answer{f' ({error})' if error else ''}"

    def why_down(self) -> str:
        """Return the kubelet's last error for display; empty if there was none. Callable from any thread."""
        error = self._health.last_error.get("kubelet")
        return error.detail if error else ""

    def snapshot(self) -> Snapshot:
        """Return the current snapshot; before the first poll, an empty one."""
        return Snapshot(
            node=self._settings.node,
            allocation=self._allocation,
            metadata=self._metadata,
            sources=(*self._health.all(), *_metadata_health(self._metadata), *_dra_health(self._dra)),
            rpcs=self._follower.questions.support(),
            parts=self._parts(),
            usage=self._usage,
        )

    def _take_news(self) -> None:
        """Fetch changed metadata."""
        keys: Collection[PodKey] = self._changes.take()
        self._metadata = self._sources.metadata.metadata()
        self._follower.told(self._metadata, keys)

    def _parts(self) -> tuple[Part, ...]:
        """Return the freshness of each part of the kubelet's answer."""
        follower = self._follower
        is_down = follower.error is not None
        return (
            Part("pods", stale=is_down, held=bool(follower.cache.retained())),
            Part("allocatable", stale=is_down or follower.allocatable_failed, held=follower.report.is_retained),
        )

    def _join_and_publish(self, *, only_news: bool = False, read_cpusets: bool = False) -> None:
        """Account for what was held since the last time, build the snapshot, and publish it."""
        now = self._clock.monotonic_seconds()
        if self._allocation is not None and now > self._expires_at_seconds:
            # No poll has noticed that the data expired: count usage up to the expiry.
            self._totals.count(self._expires_at_seconds)
            self._totals.hold(None, now)
        self._totals.count(now)
        self._expires_at_seconds = self._follower.cache.expires_at() or 0.0
        before = self._allocation
        self._dra = self._sources.dra.dra()
        self._allocation = self._join(now)
        if self._allocation is not None and self._dra is not None:
            self._sources.dra.want(
                claim_users(self._allocation.pods, self._metadata.pods.values() if self._metadata else ())
            )
            known = self._sources.dra.dra()
            if known is not None and self._dra.claims.keys() - known.claims.keys():
                # A claim whose pods have all been replaced is unknown: its name belonged to another claim.
                self._dra = known
                self._allocation = self._join(now)
        if self._allocation is not None:
            if read_cpusets:
                self._drift.read(self._allocation, self._metadata)
            self._allocation = self._drift.added_to(self._allocation)
        self._ready = self._ready or self._allocation is not None
        if before is not None and self._allocation is None:
            log.error("snapshot.expired", extra={"max_age_seconds": self._settings.max_age_seconds})
        self._totals.hold(self._allocation, now)
        self._usage = self._totals.usage(now, self._scraped_at())
        snapshot = self.snapshot()
        if only_news and self._published is not None and snapshot == replace(self._published, usage=snapshot.usage):
            return
        self._published = snapshot
        self._publish(snapshot, self._expires_at_seconds)
        self._totals.note_shown(self._clock.monotonic_seconds())

    def _join(self, now: float) -> Allocation | None:
        """Return the allocation; None if the kubelet was last heard too long ago."""
        cache, questions = self._follower.cache, self._follower.questions
        if now >= self._expires_at_seconds:
            return None
        marked = cache.pods(now)
        listing, legacy = Listing(tuple(each.pod for each in marked)), False
        self._name_claims(listing.pods)
        if questions.lacks(GET, Reason.UNIMPLEMENTED):
            listing = self._unmask(listing)
            no_allocatable = questions.lacks(ALLOCATABLE, Reason.UNIMPLEMENTED, Reason.DISABLED)
            legacy = listing.shared_pool_reported or no_allocatable
        return self._joiner.join(
            replace(listing, merged_pods=sum(entry.has_two_rows for entry in cache.entries.values())),
            self._follower.report.answer,
            self._topology,
            self._metadata,
            dra=self._dra,
            legacy=legacy,
            belief=Belief(
                marks={each.pod.key: each.mark for each in marked if each.mark is not Mark.CURRENT},
                finished=frozenset(each.pod.key for each in marked if each.is_finished),
                unknown=unknown(cache, now),
                unlisted=tuple(meta.key for meta in unlisted(cache, now)),
                given_up=tuple(given_up(cache, now)),
                doubles=self._doubles(listing, marked),
            ),
        )

    def _name_claims(self, pods: Collection[Pod]) -> None:
        """Add to the metadata what drivers say of claims that it does not name."""
        metadata, source = self._metadata, self._sources.claim_names
        if metadata is None or source is None:
            return
        names = source.names(claims_to_name(metadata.pods, pods))
        named = with_told_names(metadata.pods, pods, names)
        if named is not metadata.pods:
            self._metadata = replace(metadata, pods=named)

    def _doubles(self, listing: Listing, marked: Iterable[MarkedPod]) -> tuple[DoubleHeld, ...] | None:
        """Return doubly held items that were seen twice; None if it is not known which pods are running."""
        metadata, lists_active = self._metadata, self._follower.questions.serves(GET) is True
        followed = metadata is not None and metadata.synced
        if not (followed or lists_active):
            return None
        past = {each.pod.key for each in marked if each.mark is Mark.RETAINED or each.is_finished}
        past.update(key for key, entry in self._follower.cache.entries.items() if entry.denials)
        present = [pod for pod in listing.pods if pod.key not in past]
        alive = living(present, metadata.pods if metadata else {}, followed=followed, lists_active=lists_active)
        said_at = {key: entry.said_at for key, entry in self._follower.cache.entries.items()}
        hardware = hardware_of(self._dra.pools) if self._dra else None
        doubles = self._second_look.confirmed(double_held(alive, admin_access(self._dra), hardware), said_at)
        self._follower.look_again(self._second_look.due())
        return doubles

    def _unmask(self, listing: Listing) -> Listing:
        """Remove the shared pool from the answer of a kubelet that may be older than 1.23."""
        reported = self._follower.report.answer
        online = self._topology.online if self._topology else None
        return blank_shared_pool(listing, online, reported.cpus if reported else None)

    def _read_topology(self) -> None:
        """Read the topology; keep the last one if reading fails, because hardware rarely changes."""
        try:
            self._topology = self._sources.topology.read()
        except TopologyError as error:
            self._health.down(error)
        else:
            self._health.up("topology")


def _metadata_health(metadata: Metadata | None) -> tuple[SourceHealth, ...]:
    """Return the health of the metadata source, nothing if metadata is off."""
    if metadata is None:
        return ()
    reason = None if metadata.is_up else metadata.reason
    return (SourceHealth("metadata", metadata.is_up, metadata.last_success_seconds, reason),)


def _dra_health(dra: Dra | None) -> tuple[SourceHealth, ...]:
    """Return the health of the DRA source, nothing if DRA is not read or not served."""
    return () if dra is None else (SourceHealth("dra", dra.is_up, dra.last_success_seconds, dra.reason),)
