"""Call the kubelet when there is a reason to, and feed its answers into the allocation cache."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.allocation import Cache, Ended, Report, Rule, Site, Waits, own_pod
from podres_exporter.allocation.gets import Gets, Why
from podres_exporter.allocation.reasons import (
    SEARCH_SECONDS,
    ListReason,
    Situation,
    admission_is_under_way,
    list_reason,
    next_list_at,
)
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.join import SECOND_LOOK_SECONDS
from podres_exporter.model import Metadata, PodKey, Unknown
from podres_exporter.service.events import Events
from podres_exporter.service.kubelet_calls import Questions
from podres_exporter.sources.interfaces import ALLOCATABLE, GET, KubeletSource

log = logging.getLogger(__name__)

ADMISSION_SECONDS = 10.0
"""Maximum delay of a List while a pod admission may be in progress."""

ADMISSION_PAUSE_SECONDS = 0.5

EXPLAINED_SECONDS = 150.0
"""
How long the event that explains a difference may be on its way: metadata that is silent for longer is not followed.

It is `kube.pods.cache.SYNCED_SECONDS`, of a package that is loaded only where the API server is asked.
"""

_UNUSABLE = frozenset({Reason.INTERNAL, Reason.MALFORMED, Reason.TOO_LARGE})
"""Failures of a call by which the kubelet cannot be followed, although it is alive."""


@dataclass(frozen=True, slots=True)
class PollSettings:
    """
    The node's name, where the exporter runs (*site*), and times in seconds: the poll interval, the maximum age, how
    long a missing pod is retained, the resync interval, when doubly held items are checked again, and the maximum delay
    of a List.
    """

    node: str
    interval_seconds: float
    max_age_seconds: float
    hold_seconds: float
    resync_seconds: float = 300.0
    site: Site = Site()  # noqa: RUF009 - frozen
    second_look_seconds: float = SECOND_LOOK_SECONDS
    admission_seconds: float = ADMISSION_SECONDS

    @classmethod
    def of(cls, config: Config) -> "PollSettings":
        """Return the settings of a configuration."""
        own = config.own_pod and own_pod(*config.own_pod, config.node_name)
        return cls(
            config.node_name,
            config.poll_interval_seconds,
            config.snapshot_max_age_seconds,
            config.snapshot_hold_down_seconds,
            config.resync_interval_seconds,
            Site(config.node_name, own, config.node_is_guessed),
        )


class Follower:
    """Owned by the poll loop. Call `poll` at the poll interval, and `refresh` in between, on news or when `due`."""

    def __init__(self, settings: PollSettings, kubelet: KubeletSource, events: Events, clock: Clock) -> None:
        """Call nothing yet."""
        self._settings, self._events, self._clock = settings, events, clock
        self.questions = Questions(kubelet, events)
        self.cache = Cache(
            settings.site, Waits(settings.hold_seconds, settings.max_age_seconds, settings.interval_seconds)
        )
        self.report = Report(settings.hold_seconds)
        self.error: KubeletError | None = None
        self.allocatable_failed = False
        self._gets = Gets(self.cache, settings.interval_seconds, settings.resync_seconds)
        self._followed_at = clock.monotonic_seconds()
        self._metadata_lost = self._was_followed = False
        self._has_usable_allocatable = True
        self._too_large_at: float | None = None
        self._reported_at: float | None = None
        self._started_at: float | None = None
        self._tried_at: float | None = None
        self._listed_at: float | None = None
        self._waiting_since: float | None = None
        self._suspects: dict[PodKey, float] = {}
        self._retained = 0
        self._own_get_fails = False

    def told(self, metadata: Metadata | None, keys: Iterable[PodKey]) -> None:
        """Set the current metadata, with the keys of changed pods."""
        now = self._clock.monotonic_seconds()
        news = list(keys)
        self.cache.update_metadata(metadata, news)
        is_followed = self._is_followed
        if is_followed:
            self._followed_at = now
            if not self._was_followed:
                self._gets.followed()
        elif self._was_followed or now - self._followed_at >= self._settings.interval_seconds:
            self._metadata_lost = metadata is not None
        self._was_followed = is_followed
        for key in news:
            self._suspects.pop(key, None)
        self._gets.told(news, now)

    def look_again(self, due: Mapping[PodKey, float]) -> None:
        """Schedule these pods to be read again, each not before the given time."""
        self._gets.look_again(due)

    def poll(self) -> None:
        """Check that the kubelet answers, and list all pods if there is a reason."""
        self._look_at_the_socket()
        listed_at = self._listed_at
        self.error = self._without_list(self._list_if_due())
        if self.error is None:
            error = self._ask_allocatable()
            self.error = error if listed_at == self._listed_at else None
        if self.error is None:
            self._ask_pods()
        self._settle()

    def refresh(self) -> None:
        """Make the calls that are due between two polls; none while the kubelet does not answer."""
        self._look_at_the_socket()
        if self.error is None:
            self._ask_pods()
            self.error = self._without_list(self._list_if_due())
        self._settle()

    def due(self) -> float:
        """Return in how many seconds a call is due (infinite: none)."""
        now = self._clock.monotonic_seconds()
        if self.error is not None:
            return float("inf")
        moments = [self._gets.next_at(now)] if self._may_get() else []
        known_at = None if self.cache.witness.is_known else self.cache.witness.known_at()
        if known_at is not None:
            moments.append(known_at)
        listing_at = next_list_at(self._situation(now))
        if listing_at is not None and self._goes_without_list(now):
            listing_at = (self._too_large_at or now) + self._settings.resync_seconds
        if listing_at is not None:
            pause = ADMISSION_PAUSE_SECONDS if self._waiting_since is not None else 0.0
            moments.append(max(listing_at, now + pause))
        return min(moments, default=float("inf")) - now

    def _may_get(self) -> bool:
        """Return whether pods are read one by one with Get."""
        may_serve = self.questions.serves(GET) is not False
        return may_serve and (self._is_followed or self.cache.witness.sought() is not None)

    @property
    def _is_followed(self) -> bool:
        return self.cache.followed is not None

    @property
    def _needs_list(self) -> bool:
        """Whether the last answers have what only another List can put right."""
        return self.cache.unreadable != Unknown() or any(each.has_two_rows for each in self.cache.entries.values())

    def _look_at_the_socket(self) -> None:
        """Detect a kubelet restart by the socket's identity."""
        is_first = self.questions.identity is None
        if not self.questions.has_restarted() or self.questions.identity is None:
            return
        age = self._clock.wall_seconds() - self.questions.identity.created_seconds
        is_young = age < self._settings.hold_seconds
        self.cache.begin(is_young=is_young)
        self.report.begin()
        self._has_usable_allocatable = True
        self._own_get_fails = False
        self._too_large_at = None
        self._started_at = None if is_first and not is_young else self._clock.monotonic_seconds()
        self._gets.begin()
        if not is_first:
            self.error = None

    def _situation(self, now: float) -> Situation:
        witness, followed = self.cache.witness, self.cache.followed
        own = witness.sought()
        return Situation(
            now=now,
            interval=self._settings.interval_seconds,
            resync_interval=self._settings.resync_seconds,
            tried_at=self._tried_at,
            listed_at=self._listed_at,
            start_listed_at=witness.start.listed_at,
            started_at=self._started_at,
            witness_at=witness.since(),
            came_late=witness.start.came_late,
            has_get=self.questions.serves(GET),
            expects_own=own is not None and (followed is None or own in followed) and not self._own_get_fails,
            has_allocatable=self.questions.serves(ALLOCATABLE) is not False and self._has_usable_allocatable,
            wants_metadata=self.cache.metadata is not None,
            is_followed=self._is_followed,
            metadata_lost=self._metadata_lost,
            has_news=self._gets.has_news(now),
            needs_list=self._needs_list,
        )

    def _list_if_due(self) -> KubeletError | None:
        """List if there is a reason and no admission may be in progress; return the error if it failed."""
        now = self._clock.monotonic_seconds()
        reason = None if self._goes_without_list(now) else list_reason(self._situation(now))
        if reason is None:
            self._waiting_since = None
            return None
        if not self._is_right_after_restart(now) and admission_is_under_way(self.cache.metadata):
            if self._waiting_since is None:
                self._waiting_since = now
            if now - self._waiting_since < self._settings.admission_seconds:
                return None
        if self._waiting_since is not None:
            gave_up = now - self._waiting_since >= self._settings.admission_seconds
            self._events.list_delayed("gave_up" if gave_up else "waited")
            self._waiting_since = None
        return self._list(reason)

    def _without_list(self, error: KubeletError | None) -> KubeletError | None:
        """
        Return the error if the kubelet is down; None if only List fails and pods can be read one by one.

        An answer that is too large shows that the kubelet is alive. The pods that run here according to followed
        metadata, and those that the kubelet listed before, are then read with Get.
        """
        if error is None or error.reason is not Reason.TOO_LARGE:
            return error
        log.warning("kubelet.list_too_large", extra={"detail": error.detail})
        now = self._too_large_at = self._clock.monotonic_seconds()
        if self.cache.followed is None or not self._goes_without_list(now):
            return error
        running = [key for key, meta in self.cache.followed.items() if meta.runs]
        self._gets.wanted([*running, *(entry.pod.key for entry in self.cache.retained())], now)
        return None

    def _goes_without_list(self, now: float) -> bool:
        """Return whether the last List answer was too large, so that pods are read one by one."""
        too_large_at = self._too_large_at
        is_recent = too_large_at is not None and now - too_large_at < self._settings.resync_seconds
        return is_recent and self._is_followed and self.questions.serves(GET) is not False

    def _is_right_after_restart(self, now: float) -> bool:
        """Return whether the kubelet's sources are not ready yet, so that List does not write in the kubelet."""
        return self._started_at is not None and now - self._started_at < SEARCH_SECONDS

    def _list(self, reason: ListReason) -> KubeletError | None:
        self._tried_at = self._clock.monotonic_seconds()
        self._events.listed(reason.value)
        log.debug("kubelet.list", extra={"reason": reason.value})
        try:
            listing, is_whole = self.questions.list()
        except KubeletError as error:
            return error
        self._too_large_at = None
        now = self._clock.monotonic_seconds()
        shown = {key: entry.pod for key, entry in self.cache.entries.items()}
        ended = self.cache.listed(listing, now, is_whole=is_whole)
        if reason is ListReason.RESYNC:
            # Kubelets up to 1.33 list a finished pod, without what it held.
            finished = (each.pod.key for each in self.cache.pods(now) if each.is_finished)
            explained = {*self._gets.news(), *finished}
            changed = [pod.key for pod in listing.pods if pod.key not in explained and shown.get(pod.key, pod) != pod]
            self._suspect([*changed, *(each.key for each in ended if each.contradicts)], now)
        self._listed_at = now
        if self._is_followed:
            self._metadata_lost = False
        if is_whole:
            self._gets.listed(len(listing.pods), now)
            self.questions.probe_get(listing)
        else:
            self._look_at_the_socket()
        return None

    def _ask_allocatable(self) -> KubeletError | None:
        """Read the allocatable resources, which also shows that the kubelet is alive; return the error if it is not."""
        now = self._clock.monotonic_seconds()
        try:
            answer = self.questions.allocatable()
        except KubeletError as error:
            self.allocatable_failed = True
            if self._has_usable_allocatable and error.reason in _UNUSABLE:
                log.warning(
                    "kubelet.allocatable_unusable", extra={"reason": error.reason.value, "detail": error.detail}
                )
            self._has_usable_allocatable = error.reason not in _UNUSABLE
            if self._reported_at is None or now - self._reported_at >= self._settings.max_age_seconds:
                self.report.forget()
            return error if self._has_usable_allocatable else None
        now = self._clock.monotonic_seconds()
        self.allocatable_failed, self._has_usable_allocatable = False, True
        if answer is None:
            self.report.forget()
            return None
        self.cache.answered(now)
        self.report.told(answer, now)
        self._reported_at = now
        return None

    def _ask_pods(self) -> None:
        """Read the due pods one by one; after a failure the rest waits."""
        now = self._clock.monotonic_seconds()
        if not self._may_get():
            return
        for key, why in self._gets.take(now):
            try:
                self._get(key, why)
            except KubeletError as error:
                log.debug("kubelet.get_failed", extra={"reason": error.reason.value, "detail": error.detail})
                self._gets.failed(key, why, self._clock.monotonic_seconds())
                self._own_get_fails = why is Why.OWN and error.reason in _UNUSABLE
                self.cache.failed(key)
                break

    def _get(self, key: PodKey, why: Why) -> None:
        """Read one pod. Raises KubeletError."""
        answer = self.questions.get(key)
        now = self._clock.monotonic_seconds()
        before = self.cache.entries.get(key)
        if answer is None:
            self.cache.not_found(key, now)
        else:
            self.cache.got(answer, now)
            after = self.cache.entries[key]
            if why is Why.RESYNC and before is not None and before.pod != after.pod:
                self._suspect([key], now)
        self._gets.answered(key, why, answer, now)
        self._own_get_fails = self._own_get_fails and why is not Why.OWN

    def _settle(self) -> None:
        """Apply the metadata and the passing of time to the cache."""
        now = self._clock.monotonic_seconds()
        was_wrong = self.cache.witness.own_is_wrong
        self._note(self.cache.settle(now))
        if self.cache.witness.own_is_wrong and not was_wrong:
            log.error("witness.wrong_name", extra={"own": "/".join(self._settings.site.own or ())})
        retained = len(self.cache.retained())
        if bool(retained) != bool(self._retained):
            log.warning(
                "pods.retained" if retained else "pods.current", extra={"pods": retained or len(self.cache.entries)}
            )
        self._retained = retained
        if not self._is_followed:
            self._suspects.clear()
        for key in [key for key, at in self._suspects.items() if now - at >= EXPLAINED_SECONDS]:
            del self._suspects[key]
            self._events.resync_differed()
            log.error("resync.differs", extra={"namespace": key[0], "pod": key[1]})

    def _suspect(self, keys: Iterable[PodKey], now: float) -> None:
        """Note that a resync differs from what was shown: an event that explains it may still arrive."""
        self._suspects.update(dict.fromkeys(keys, now))

    def _note(self, ended: Iterable[Ended]) -> None:
        """Log which entries have ended against what the metadata say."""
        for each in ended:
            if each.contradicts and each.rule is Rule.DENIED:
                self._suspect([each.key], self._clock.monotonic_seconds())
            if each.contradicts:
                log.warning(
                    "pods.given_up", extra={"namespace": each.key[0], "pod": each.key[1], "rule": each.rule.value}
                )
