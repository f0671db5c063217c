"""One poll, socket to published snapshot."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.join import Joiner, accrue, blank_shared_pool, lacking_allocatable, lacking_pods
from podres_exporter.model import Allocatable, Allocation, Listing, Pod, Snapshot, Topology, Usage
from podres_exporter.service.backoff import held_delay, poll_delay, retry_delay
from podres_exporter.service.belief import Belief
from podres_exporter.service.events import Events
from podres_exporter.service.health import HealthBook
from podres_exporter.service.questions import Questions, Round
from podres_exporter.sources.ports import ALLOCATABLE, GET, KubeletSource, TopologySource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PollSettings:
    """The node's name; seconds between polls, until an old answer disappears, that a doubted one must be stable."""

    node: str
    interval_seconds: float
    max_age_seconds: float
    hold_seconds: float


class Poller:
    """Owned by one thread: `tick` polls once. What it learns leaves it as a frozen Snapshot through *publish*."""

    def __init__(
        self,
        settings: PollSettings,
        kubelet: KubeletSource,
        topology: TopologySource,
        *,
        publish: Callable[[Snapshot, float], None],
        events: Events,
        clock: Clock,
    ) -> None:
        """*publish* takes a snapshot and the monotonic second from which its allocation must not be shown."""
        self._settings, self._topology_source, self._clock, self._publish = settings, topology, clock, publish
        self._questions = Questions(kubelet, events)
        self._pods = Belief[tuple[Pod, ...]]("pods", lacking_pods, settings.hold_seconds)
        self._allocatable = Belief[Allocatable]("allocatable", lacking_allocatable, settings.hold_seconds)
        self._joiner = Joiner()
        self._listing: Listing | None = None
        self._topology: Topology | None = None
        self._allocation: Allocation | None = None
        self._usage = Usage()
        self._health = HealthBook(("kubelet", "topology"), clock)
        self._failures = 0
        self._ready = False

    def tick(self) -> float:
        """Ask, believe, join, publish; return how many seconds to wait before the next poll."""
        self._read_topology()
        asked = self._questions.ask()
        now = self._clock.monotonic_seconds()
        self._doubt(asked)
        self._take_listing(asked.listing, now)
        self._take_allocatable(asked, now)
        self._join(now)
        self._publish(self.snapshot(), self._pods.since_seconds + self._settings.max_age_seconds)
        return self._delay(asked)

    def ready(self) -> tuple[bool, str]:
        """Tell whether an answer of the kubelet has ever been believed, with a sentence for people; for any thread."""
        if self._ready:
            return True, "the kubelet has answered"
        if self._pods.held:
            return False, "the kubelet has just started; its answers are held back until they are stable"
        error = self._health.last_error.get("kubelet")
        return False, f"waiting for the kubelet's first answer{f' ({error})' if error else ''}"

    def _doubt(self, asked: Round) -> None:
        """Suspect the answers of a kubelet that has started anew, or that is young when it is first asked."""
        young = (
            asked.first
            and asked.identity is not None
            and self._clock.wall_seconds() - asked.identity.created_seconds < self._settings.hold_seconds
        )
        if asked.restarted or young:
            self._pods.suspect()
            self._allocatable.suspect()

    def _take_listing(self, listing: Listing | KubeletError, now: float) -> None:
        """Believe the pods, or not; count what was held since the last answer that was believed."""
        if isinstance(listing, KubeletError):
            self._failures += 1
            self._health.down(listing)
            self._pods.missed()
            return
        self._failures = 0
        self._health.up("kubelet")
        before, was_held = self._pods.since_seconds, self._pods.held
        if self._pods.offer(listing.pods, empty=not listing.pods, now_seconds=now):
            self._listing, self._ready = listing, True
            if self._allocation is not None:
                self._usage = accrue(self._usage, self._allocation, now - before)
        if self._pods.held != was_held:
            log.warning("snapshot.held" if self._pods.held else "snapshot.believed", extra={"pods": len(listing.pods)})

    def _take_allocatable(self, asked: Round, now: float) -> None:
        """Believe what may be handed out, or not; forget it where the kubelet cannot be asked."""
        match asked.listing, asked.allocatable:
            case (KubeletError(), _) | (_, KubeletError()):
                self._allocatable.missed()
            case _, Allocatable() as answer:
                self._allocatable.offer(answer, empty=not (answer.devices or answer.cpus), now_seconds=now)
            case _:
                self._allocatable.forget()

    def _join(self, now: float) -> None:
        """Make the allocation of what is believed; none where the last good answer is too old."""
        max_age = self._settings.max_age_seconds
        if self._pods.expire(now, max_age):
            log.error("snapshot.expired", extra={"max_age_seconds": max_age})
        self._allocatable.expire(now, max_age)
        if self._pods.answer is None or self._listing is None:
            self._allocation = None
            return
        listing, legacy = self._listing, False
        if self._questions.lacks(GET, Reason.UNIMPLEMENTED):
            listing = self._unmask(listing)
            no_allocatable = self._questions.lacks(ALLOCATABLE, Reason.UNIMPLEMENTED, Reason.DISABLED)
            legacy = listing.shared_pool_reported or no_allocatable
        self._allocation = self._joiner.join(listing, self._allocatable.answer, self._topology, legacy=legacy)

    def _unmask(self, listing: Listing) -> Listing:
        """Take the shared pool out of the answer of a kubelet that may be older than 1.23."""
        reported = self._allocatable.answer
        online = self._topology.online if self._topology else None
        return blank_shared_pool(listing, online, reported.cpus if reported else None)

    def _read_topology(self) -> None:
        """Read the topology; the last one stays where it cannot be read, for machines do not change that often."""
        try:
            self._topology = self._topology_source.read()
        except TopologyError as error:
            self._health.down(error)
        else:
            self._health.up("topology")

    def snapshot(self) -> Snapshot:
        """Return everything that is known now; before the first poll, that nothing is."""
        return Snapshot(
            node=self._settings.node,
            allocation=self._allocation,
            sources=self._health.all(),
            rpcs=self._questions.support(),
            parts=(self._pods.freshness(), self._allocatable.freshness()),
            usage=self._usage,
        )

    def _delay(self, asked: Round) -> float:
        """Return the wait that fits how the poll went."""
        uniform = random.random()  # noqa: S311 - jitter, not a secret
        interval = self._settings.interval_seconds
        if isinstance(asked.listing, KubeletError):
            return retry_delay(self._failures, asked.listing.reason, interval, uniform)
        if self._pods.held or self._allocatable.held:
            return held_delay(interval)
        return poll_delay(interval, uniform)
