"""What is believed of the kubelet's answers, both halves, and the pods as they were last told."""

import logging
from functools import partial

from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError
from podres_exporter.join import AWAY_FACTOR, lacking_allocatable, lacking_pods, settle
from podres_exporter.model import Allocatable, Listing, Metadata, Part, Pod
from podres_exporter.service.belief import Belief
from podres_exporter.service.questions import Round

log = logging.getLogger(__name__)


class Believed:
    """Owned by the poll loop: takes each round of answers and shows what may be shown."""

    def __init__(self, hold_seconds: float, max_age_seconds: float, clock: Clock) -> None:
        """Believe nothing yet; for the times see PollSettings."""
        self._hold_seconds, self._max_age_seconds, self._clock = hold_seconds, max_age_seconds, clock
        self._pods = Belief[tuple[Pod, ...]]("pods", lacking_pods)
        self._allocatable = Belief[Allocatable]("allocatable", lacking_allocatable)
        self._listing: Listing | None = None

    @property
    def listing(self) -> Listing | None:
        """The last answer to List that is believed, with the news since; None where it is too old."""
        return None if self._pods.answer is None else self._listing

    @property
    def allocatable(self) -> Allocatable | None:
        """The last answer to GetAllocatableResources that is believed; None where it is too old, or never comes."""
        return self._allocatable.answer

    @property
    def is_current(self) -> bool:
        """Whether the listing is the kubelet's last word."""
        return self._listing is not None and self._pods.is_current

    @property
    def pods_held(self) -> bool:
        """Whether answers to List are held back."""
        return self._pods.held

    @property
    def any_held(self) -> bool:
        """Whether answers of either half are held back."""
        return self._pods.held or self._allocatable.held

    @property
    def expires_at_seconds(self) -> float:
        """The monotonic second from which the listing must not be shown."""
        return self._pods.since_seconds + self._max_age_seconds

    def freshness(self) -> tuple[Part, ...]:
        """Return how far each half may be trusted."""
        return (self._pods.freshness(), self._allocatable.freshness())

    def take(self, asked: Round, metadata: Metadata | None, now: float) -> bool:
        """Believe the answers of a round, or not; True if the pods are believed."""
        self._doubt(asked)
        believed = self._take_listing(asked.listing, metadata, now)
        self._take_allocatable(asked, now)
        return believed

    def amend(self, listing: Listing) -> None:
        """Put right what is believed of the pods, by news of some of them."""
        self._listing = listing
        self._pods.amend(listing.pods)

    def expire(self, now: float) -> None:
        """Show no more what is older than the maximum age."""
        if self._pods.expire(now, self._max_age_seconds):
            log.error("snapshot.expired", extra={"max_age_seconds": self._max_age_seconds})
        self._allocatable.expire(now, self._max_age_seconds)

    def _doubt(self, asked: Round) -> None:
        """Suspect the answers of a kubelet that has started anew, or that is young when it is first asked."""
        young = (
            asked.first
            and asked.identity is not None
            and self._clock.wall_seconds() - asked.identity.created_seconds < self._hold_seconds
        )
        if asked.restarted or young:
            self._pods.suspect()
            self._allocatable.suspect()

    def _take_listing(self, listing: Listing | KubeletError, metadata: Metadata | None, now: float) -> bool:
        """Believe the pods, or not."""
        if isinstance(listing, KubeletError):
            self._pods.missed()
            return False
        was_held = self._pods.held
        believed = self._offer(listing.pods, metadata, now)
        if believed:
            self._listing = listing
        if self._pods.held != was_held:
            log.warning("snapshot.held" if self._pods.held else "snapshot.believed", extra={"pods": len(listing.pods)})
        return believed

    def _offer(self, pods: tuple[Pod, ...], metadata: Metadata | None, now: float) -> bool:
        """
        Offer the pods of an answer, with what the API server knows of them if it has ever told; True if believed.

        While the API server is away a kubelet that restarts knows nothing but its static pods, so it is doubted for
        longer; what was last known of the pods still counts then. A server that refuses us says nothing of the kubelet.
        """
        settled, hold_seconds = None, self._hold_seconds
        if metadata is not None and metadata.last_success_seconds is not None:
            if metadata.synced or metadata.is_away:
                settled = partial(settle, listed=pods, metadata=metadata)
            if not metadata.synced and metadata.is_away:
                hold_seconds *= AWAY_FACTOR
        return self._pods.offer(pods, empty=not pods, now_seconds=now, hold_seconds=hold_seconds, settled=settled)

    def _take_allocatable(self, asked: Round, now: float) -> None:
        """Believe what may be handed out, or not; forget it where the kubelet cannot be asked."""
        match asked.listing, asked.allocatable:
            case (KubeletError(), _) | (_, KubeletError()):
                self._allocatable.missed()
            case _, Allocatable() as answer:
                empty = not (answer.devices or answer.cpus)
                self._allocatable.offer(answer, empty=empty, now_seconds=now, hold_seconds=self._hold_seconds)
            case _:
                self._allocatable.forget()
