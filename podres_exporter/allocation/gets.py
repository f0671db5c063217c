"""
Which pods are asked for by Get, and when. Pure: events and a time in, keys out.

    why       which                                                                              when
    -------   --------------------------------------------------------------------------------   -----------------------
    own       the own pod, while a kubelet that has started does not know it; no other then      each second for 10 s,
                                                                                                 then each poll interval
    news      a pod that is new or whose instance, phase, containers or requests have changed    at once
    missing   a pod that a List should have had and had not: retained, or running unlisted;      at once
              one that followed metadata has never had, so that nothing will tell of its end
    twice     a pod that seems to hold what another pod holds too                                2 s after that was seen
    resync    every other pod in turn, the one that was heard of longest ago first               resync interval / pods
              a pod that runs, says followed metadata, and was waited for in vain                resync interval

What fails, or is not found, is asked again after 1 s, 2 s, 4 s and so on, up to the poll interval; so is, for a minute,
a pending pod that has taken the name of another one, whose devices the kubelet may name still. A Get that can only
fail is not made: a pod that has ended, or that no kubelet has admitted yet, is not asked for, except for static pods,
whose end nobody else tells.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from podres_exporter.allocation.cache import Cache, Entry
from podres_exporter.allocation.reasons import SEARCH_PAUSE_SECONDS, SEARCH_SECONDS
from podres_exporter.allocation.rules import Instance
from podres_exporter.allocation.unknown import given_up, unlisted
from podres_exporter.model import Listing, PodKey, PodMeta

FIRST_RETRY_SECONDS = 1.0
NEWS_AT_ONCE, MISSING_AT_ONCE, RESYNC_AT_ONCE = 4, 2, 1
"""
Calls at a time, at least half a second apart: far under the kubelet's 100 a second and burst of 10.

Source: kubelet apis/grpc/ratelimit.go; its bucket is one for all clients of the node.
"""


REUSED_SECONDS = 60.0
"""So long after a pod has gone, what the kubelet says under its name may be of it, while its successor is pending."""


class Why(Enum):
    """Why a pod is asked for."""

    OWN = "own"
    NEWS = "news"
    MISSING = "missing"
    TWICE = "twice"
    RESYNC = "resync"


@dataclass(frozen=True, slots=True)
class _Try:
    """When to ask next, how often it was tried in vain, and for what."""

    at: float
    why: Why
    tries: int = 0


@dataclass(slots=True)
class Gets:
    """Owned by one thread; times are monotonic seconds."""

    cache: Cache
    interval: float
    resync_interval: float
    _due: dict[PodKey, _Try] = field(default_factory=dict)
    _asked_as: dict[PodKey, object] = field(default_factory=dict)
    _gone_at: dict[PodKey, float] = field(default_factory=dict)
    _twice_at: dict[PodKey, float] = field(default_factory=dict)
    _own_at: float = -math.inf
    _resync_at: float = 0.0

    def begin(self) -> None:
        """Take that another kubelet has started: the own pod is looked for at once, the others when it is known."""
        self._due, self._own_at = {}, -math.inf

    def listed(self, pods: int, now: float) -> None:
        """
        Take that so many pods have just been listed: what was news is known, what is missing is asked for later.

        What a kubelet lacks that has not had its pods is no answer, after which a longer wait would follow.
        """
        is_answer = self.cache.witness.missing_seconds(now) is not None
        self._due = {
            key: _Try(now + self._wait(each.tries, self.resync_interval), each.why, each.tries + is_answer)
            for key, each in self._due.items()
            if each.why is Why.MISSING
        }
        self._resync_at = now + self.resync_interval / max(1, pods)
        self.followed(anew=True)

    def followed(self, *, anew: bool = False) -> None:
        """Take how the pods are that have been listed; changes from that are news."""
        if self.cache.metadata is not None:
            known = {key: _content(meta) for key, meta in self.cache.metadata.pods.items()}
            self._asked_as = known if anew else known | self._asked_as

    def told(self, keys: Iterable[PodKey], now: float) -> None:
        """Take of which pods the metadata have told something."""
        for key in keys:
            meta = self._meta(key)
            content = None if meta is None else _content(meta)
            if content != self._asked_as.get(key) and self._may_be_known(key, meta):
                self._due[key] = _Try(now, Why.NEWS)
            if meta is None or (key in self.cache.entries and self.cache.entries[key].uid not in {"", meta.uid}):
                self._gone_at = {each: at for each, at in self._gone_at.items() if now - at < REUSED_SECONDS} | {
                    key: now
                }
            if meta is None:
                self._asked_as.pop(key, None)

    def wanted(self, keys: Iterable[PodKey], now: float) -> None:
        """Take that these pods are to be asked for, because List cannot say them."""
        for key in keys:
            self._due.setdefault(key, _Try(now, Why.NEWS))

    def look_again(self, due: Mapping[PodKey, float]) -> None:
        """Take which pods are to be asked for once more, and from which second on; one that has failed waits longer."""
        self._twice_at = {key: max(at, self._twice_at.get(key, at)) for key, at in due.items()}

    def take(self, now: float) -> list[tuple[PodKey, Why]]:
        """Return the pods to ask for now."""
        own = self.cache.witness.sought()
        if own is not None:
            return [(own, Why.OWN)] if now >= self._own_at else []
        self._note_missing(now)
        by_age = sorted(self._due.items(), key=lambda item: item[1].at)
        due = [(key, each.why) for key, each in by_age if each.at <= now]
        news = [each for each in due if each[1] is Why.NEWS][:NEWS_AT_ONCE]
        twice = [(key, Why.TWICE) for key, at in self._twice_at.items() if at <= now][:MISSING_AT_ONCE]
        # Pods that come and go all the time must not keep the missing ones from being asked for.
        missing = [each for each in due if each[1] is not Why.NEWS][:MISSING_AT_ONCE]
        return [*(news or twice), *missing] or self._resync(now)

    def next_at(self, now: float) -> float:
        """Return the second at which there may be something to ask for."""
        if self.cache.witness.sought() is not None:
            return self._own_at
        resync_at = self._resync_at if self.cache.entries else now + self.interval
        return min([resync_at, *(each.at for each in self._due.values()), *self._twice_at.values()])

    def answered(self, key: PodKey, why: Why, answer: Listing | None, now: float) -> None:
        """Take the answer to a Get; None: not found."""
        self._twice_at.pop(key, None)
        meta = self._meta(key)
        if meta is not None:
            self._asked_as[key] = _content(meta)
        entry = self.cache.entries.get(key)
        is_refused = why is Why.MISSING or (entry is not None and entry.denials > 0)
        is_doubtful = answer is None and is_refused and key not in given_up(self.cache, now)
        if why is Why.OWN:
            self._search(now)
        elif is_doubtful or (entry is not None and self._is_unseen(entry)):
            self._again(key, Why.MISSING, now)
        elif answer is not None and (
            _lacks_claims(answer) or _waits_for_admission(meta) or self._may_be_the_predecessor(meta, now)
        ):
            self._again(key, Why.NEWS, now)
        else:
            self._due.pop(key, None)

    def failed(self, key: PodKey, why: Why, now: float) -> None:
        """Take that a Get has failed."""
        if why is Why.OWN:
            self._search(now)
        elif why is Why.TWICE:
            self._twice_at[key] = now + self.interval
        elif why is not Why.RESYNC:
            self._again(key, why, now)

    def news(self) -> frozenset[PodKey]:
        """Return of which pods there is news that the kubelet has not been asked about."""
        return frozenset(key for key, each in self._due.items() if each.why is Why.NEWS)

    def has_news(self, now: float) -> bool:
        """Return whether a List has something to answer, where there is no Get."""
        self._note_missing(now)
        return any(each.at <= now for each in self._due.values())

    def _search(self, now: float) -> None:
        began = self.cache.witness.start.first_answer_at
        is_early = began is not None and now - began < SEARCH_SECONDS
        self._own_at = now + (min(SEARCH_PAUSE_SECONDS, self.interval) if is_early else self.interval)

    def _again(self, key: PodKey, why: Why, now: float) -> None:
        tries = self._due[key].tries if key in self._due else 0
        self._due[key] = _Try(now + self._wait(tries, self.interval), why, tries + 1)

    @staticmethod
    def _wait(tries: int, longest: float) -> float:
        return min(longest, FIRST_RETRY_SECONDS * float(2.0 ** min(tries, 16)))

    def _note_missing(self, now: float) -> None:
        """Ask for what a List has not had, and no more for what has been said since or has ended."""
        cache = self.cache
        missing = {meta.key for meta in unlisted(cache, now)}
        if cache.witness.missing_seconds(now) is not None:
            missing.update(entry.pod.key for entry in cache.retained())
        missing.update(entry.pod.key for entry in cache.current() if entry.denials or self._is_unseen(entry))
        wanted = dict.fromkeys(sorted(missing), _Try(now, Why.MISSING))
        wanted |= dict.fromkeys(given_up(cache, now), _Try(now + self.resync_interval, Why.MISSING))
        self._due = wanted | {key: each for key, each in self._due.items() if each.why is Why.NEWS or key in wanted}

    def _resync(self, now: float) -> list[tuple[PodKey, Why]]:
        """Return the next pods in turn."""
        if now < self._resync_at:
            return []
        current = [each for each in self.cache.current() if self.cache.instance(each) is not Instance.FINISHED]
        self._resync_at = now + RESYNC_AT_ONCE * self.resync_interval / max(1, len(current))
        oldest = sorted(current, key=lambda entry: entry.said_at)[:RESYNC_AT_ONCE]
        return [(entry.pod.key, Why.RESYNC) for entry in oldest]

    def _may_be_known(self, key: PodKey, meta: PodMeta | None) -> bool:
        """Return whether the kubelet can know the pod."""
        before = self.cache.entries.get(key)
        if meta is None:
            return before is not None and self.cache.site.is_static(key, self.cache.metadata)
        # One that was rejected, or has ended, may have taken the name of a pod that is still shown.
        return meta.runs or (before is not None and before.uid not in {"", meta.uid})

    def _may_be_the_predecessor(self, meta: PodMeta | None, now: float) -> bool:
        """Return whether the kubelet may still name what a pod held whose name this one has taken."""
        if meta is None or meta.phase != "Pending":
            return False
        return now - self._gone_at.get(meta.key, -math.inf) < REUSED_SECONDS

    def _is_unseen(self, entry: Entry) -> bool:
        """Return whether nobody tells of the pod's end: it was deleted before the metadata were followed."""
        return self.cache.instance(entry) is Instance.UNSEEN

    def _meta(self, key: PodKey) -> PodMeta | None:
        metadata = self.cache.metadata
        return metadata.pods.get(key) if metadata is not None else None


def _content(meta: PodMeta) -> object:
    """Return what of a pod's metadata may change what it holds."""
    requests = [(spec.name, spec.devices, spec.cpu_millicores, spec.memory, spec.claims) for spec in meta.containers]
    return (meta.uid, meta.phase, meta.runs, meta.claims, meta.extended_claim, tuple(requests))


def _waits_for_admission(meta: PodMeta | None) -> bool:
    """Return whether what the kubelet says under the pod's name may be another instance's still."""
    return meta is not None and not meta.runs and not meta.is_terminal


def _lacks_claims(answer: Listing) -> bool:
    """Return whether a claim of the pod is not prepared yet; its devices come without news of the pod."""
    return any(not claim.devices for pod in answer.pods for container in pod.containers for claim in container.claims)
