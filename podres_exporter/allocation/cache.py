"""
The allocation cache: what is believed of each pod, by events and a time. Pure: no clock, no I/O.

An entry is a pod as the kubelet last said it. What the running kubelet has said is *current*; what another said before
it, and it has not, is *retained*: shown and marked, and what it holds is held. A pod that followed metadata says runs
and that the kubelet has not said is *unlisted*: it holds an unknown part of what it asks for. Entries end one by one,
each by the first of these rules that is true, so that no pod's coming and going delays another:

    rule     what ends an entry                                                               known from
    -------  -------------------------------------------------------------------------------  ----------------------
    again    the kubelet says the pod again: it is current                                    kubelet
    dropped  a List lacks a current pod: the kubelet that said it has it no more              kubelet
    taken    another pod has got the same whole device, exclusive CPU or unshared DRA device  kubelet
             since: that item of a retained entry, not the pod
    told     its instance was deleted, or is retained and has finished; a deletionTimestamp   metadata, while followed
             is no end. Another UID under its name: once the kubelet, asked since, does not
             have the name. Never a static pod: deleting its mirror pod leaves it running
    refused  Get answers `not_found` twice, and the kubelet that said the pod still runs      kubelet
    missing  retained, and not said for the hold-down since the kubelet first said the        kubelet
             witness; for ten times that where followed metadata says that it runs

While there is no witness nothing ends by the clock, however long that lasts: a kubelet without its API server knows its
static pods only (module witness). The API server never overrules the kubelet on what it lists: "has finished" filters
only the same instance, and only while metadata is followed (kubelets up to 1.33 list finished pods).

An unlisted pod ends by the same rules: the kubelet says it, the metadata say that it has ended, it has been missing for
so long, or the kubelet denies one that has started since the kubelet did. While followed metadata says that a pod runs
whose entry has ended, or that was waited for in vain, it is *given up*: named, and nothing is held for it.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from podres_exporter.allocation.holdings import asked_for, items, resources_of, without
from podres_exporter.allocation.witness import Site, Start, Witness
from podres_exporter.model import Listing, Mark, MarkedPod, Metadata, Pod, PodKey, PodMeta, Unknown

RUNS_FACTOR = 10
"""How many times the hold-down a missing pod is retained that followed metadata says runs."""

REFUSALS = 2
"""So many times the kubelet must say that it does not have a pod which it has said since its start."""

RAN_BEFORE, GIVEN_UP = -math.inf, math.inf
"""When an unlisted pod was noticed that ran before kubelet or metadata were heard; one that is waited for no more."""


class Instance(Enum):
    """What followed metadata says of the very instance that an entry is; UNKNOWN: nothing, or that it is to run."""

    UNKNOWN = "unknown"
    UNSEEN = "never seen"
    RUNS = "runs"
    FINISHED = "finished"
    REPLACED = "another has its name"
    DELETED = "deleted"


class Rule(StrEnum):
    """Why an entry ended."""

    DROPPED = "dropped"
    TOLD = "told"
    MISSING = "missing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Ended:
    """An entry that has ended; *contradicts*: followed metadata says that the pod runs."""

    key: PodKey
    rule: Rule
    contradicts: bool = False


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: how long a missing pod is retained, how long what is old is shown, how soon a new pod is listed."""

    hold_down: float
    max_age: float
    grace: float


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A pod as the kubelet last said it, all rows under its name together.

    *uid* is what the metadata had for it then, empty where that was not followed or did not know it. *start* is the
    start of the kubelet that said it, *said_at* when. *refusals* counts the `not_found` answers to Get since.
    *has_two_rows*: List had several entries under the name. *is_unconfirmed*: Get failed since there was news of it.
    """

    pod: Pod
    uid: str
    start: Start
    said_at: float
    refusals: int = 0
    has_two_rows: bool = False
    is_unconfirmed: bool = False


class Cache:
    """Owned by one thread. Its methods take the monotonic second as it is then."""

    def __init__(self, site: Site, waits: Waits) -> None:
        """Know nothing yet."""
        self.witness = Witness(site, waits.hold_down)
        self.unreadable = Unknown()
        self.entries: dict[PodKey, Entry] = {}
        self.site, self._waits = site, waits
        self._unlisted: dict[str, tuple[PodMeta, float]] = {}
        self._finished_unlisted: frozenset[str] = frozenset()
        self._was_followed = self._was_ever_followed = False
        self.update_metadata(None)

    def update_metadata(self, metadata: Metadata | None) -> None:
        """Take what the metadata are now."""
        self.metadata = self.witness.metadata = metadata
        self.followed = metadata.pods if metadata is not None and metadata.synced else None

    def begin(self, *, is_young: bool) -> None:
        """Take that another kubelet has started: what is current is retained from now on, and all unlisted ran."""
        self.witness.start = Start(is_young)
        self._unlisted = {uid: (meta, RAN_BEFORE) for uid, (meta, _) in self._unlisted.items()}
        self._was_followed = False

    def answered(self, now: float) -> None:
        """Take that the running kubelet has answered something."""
        self.witness.start.answered(now)

    def listed(self, listing: Listing, now: float, *, is_whole: bool = True) -> list[Ended]:
        """
        Take an answer to List, and return what has ended by that.

        Not *is_whole*: the kubelet restarted around the call, so that the answer may be of either start: it adds and
        ends nothing. Of what it could not read nothing is known to be free until the next answer.
        """
        said = {pod.key: self._entry(pod, now, has_two_rows=pod.key in listing.merged_keys) for pod in listing.pods}
        dropped: list[Ended] = []
        if is_whole:
            self._deny([meta.key for meta, _ in self._unlisted.values() if meta.key not in said])
            missing = [entry for key, entry in self.entries.items() if key not in said]
            dropped = [self._end(each, Rule.DROPPED) for each in missing if self._needs_no_retaining(each)]
            self.witness.start.listed_at = now
        self.unreadable = listing.unreadable if is_whole else listing.unreadable | self.unreadable
        self._say(said, now)
        # A kubelet that has just started lists the finished pods of its API server later than its static ones.
        has_all = not self.witness.start.is_young or self.witness.missing_seconds(now) is not None
        if is_whole and has_all and self.followed is not None:
            finished = ((key, meta) for key, meta in self.followed.items() if meta.is_terminal)
            # Once it is known not to be that instance, it stays another one.
            self._finished_unlisted = frozenset(
                meta.uid for key, meta in finished if key not in said or not said[key].uid
            )
        return dropped

    def got(self, answer: Listing, now: float) -> None:
        """Take an answer to Get. Where List had two rows under the pod's name, only List replaces them."""
        entry = self._entry(answer.pods[0], now)
        self.unreadable |= answer.unreadable
        before = self.entries.get(entry.pod.key)
        if before is not None and before.has_two_rows and not self.is_retained(before):
            entry = replace(before, said_at=now, refusals=0, is_unconfirmed=False)
        self._say({entry.pod.key: entry}, now)

    def not_found(self, key: PodKey, now: float) -> None:
        """Take that Get has not found a pod."""
        self.answered(now)
        self._deny([key])
        if key in self.entries:
            refusals = self.entries[key].refusals + 1
            self.entries[key] = replace(self.entries[key], said_at=now, refusals=refusals, is_unconfirmed=False)

    def failed(self, key: PodKey) -> None:
        """Take that there is news of a pod, and that the kubelet could not be asked about it."""
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], is_unconfirmed=True)

    def settle(self, now: float) -> list[Ended]:
        """Take what the metadata say and what time has passed, and return what has ended by that."""
        if self.followed is not None:
            self._adopt(self.followed)
            unsaid = [meta for meta in self.followed.values() if meta.runs and self._is_unsaid(meta)]
            noticed = now if self._was_followed else RAN_BEFORE
            self._unlisted = {meta.uid: (meta, self._unlisted.get(meta.uid, (meta, noticed))[1]) for meta in unsaid}
        self._was_followed = self.followed is not None
        self.witness.settle(now, all_are_said=self._was_followed and not self._unlisted)
        missing = self.witness.missing_seconds(now)
        ending = [(entry, self._rule(entry, missing)) for entry in self.entries.values()]
        return [self._end(entry, rule) for entry, rule in ending if rule is not None]

    def instance(self, entry: Entry) -> Instance:
        """Return what followed metadata says of the entry's instance; of a static pod, never that it is gone."""
        if self.followed is None:
            return Instance.UNKNOWN
        meta = self.followed.get(entry.pod.key)
        if meta is not None and meta.uid == entry.uid:
            return Instance.FINISHED if meta.is_terminal else Instance.RUNS if meta.runs else Instance.UNKNOWN
        if self.site.is_static(entry.pod.key, self.metadata):
            return Instance.UNKNOWN
        if entry.uid:
            return Instance.DELETED if meta is None else Instance.REPLACED
        return Instance.UNSEEN if meta is None else Instance.UNKNOWN

    def pods(self, now: float) -> tuple[MarkedPod, ...]:
        """Return what may be shown, sorted: all but what another kubelet said that was last heard too long ago."""
        entries = [self.entries[key] for key in sorted(self.entries)]
        return tuple(
            MarkedPod(each.pod, self._mark(each), self.instance(each) is Instance.FINISHED)
            for each in entries
            if not self._is_too_old(each, now)
        )

    def unknown(self, now: float) -> Unknown:
        """
        Return of what it is not known how much is held: nothing may be said of what is free there.

        All that may hold something is known when

        - the witness was listed once in the exporter's life, for 3 s where the kubelet was younger than the hold-down
          and has not said each pod that followed metadata says runs: since then the entries keep what is known over
          each restart;
        - no pod runs unlisted that asks for it;
        - no retained pod held it whose rows are too old to be shown;
        - no item of the kubelet's answer was unreadable. Where it is not known of what it was, nothing at all is known.
        """
        if not self.witness.is_known:
            return Unknown(everything=True)
        too_old = resources_of(entry.pod for entry in self.retained() if self._is_too_old(entry, now))
        return self.unreadable | Unknown(resources=too_old | asked_for(self.unlisted(now)))

    def unlisted(self, now: float) -> list[PodMeta]:
        """
        Return the pods, sorted, that followed metadata says run, or said when it was last followed, and that the
        kubelet should have said by now; for as long as a retained one would be missing.
        """
        grace = self._waits.grace
        due = [meta for meta, at in self._unlisted.values() if now - at >= grace and self._waits_for(at, now)]
        return sorted((meta for meta in due if self._is_unsaid(meta)), key=lambda meta: meta.key)

    def given_up(self, now: float) -> list[PodKey]:
        """Return the pods, sorted, that followed metadata says run and for which nothing is held any more."""
        if self.followed is None:
            return []
        over = [meta for meta, at in self._unlisted.values() if not self._waits_for(at, now)]
        return sorted(meta.key for meta in over if self._is_unsaid(meta))

    def expires_at(self) -> float | None:
        """
        Return the second from which nothing may be shown unless a kubelet answers before; None where none ever has.

        A kubelet that has not listed its pods yet keeps nothing alive.
        """
        start = self.witness.start
        starts = {entry.start for entry in self.entries.values()} if start.listed_at is None else {start}
        answered_at = [each.answered_at for each in starts if each.answered_at is not None]
        return max(answered_at) + self._waits.max_age if answered_at else None

    @property
    def merged_pods(self) -> int:
        """How many names have several rows in the kubelet's answer."""
        return sum(entry.has_two_rows for entry in self.entries.values())

    @property
    def needs_list(self) -> bool:
        """Whether there is what only another List can put right."""
        return self.unreadable != Unknown() or self.merged_pods > 0

    def retained(self) -> list[Entry]:
        """Return the entries that the running kubelet has not said."""
        return [entry for entry in self.entries.values() if self.is_retained(entry)]

    def current(self) -> list[Entry]:
        """Return the entries that the running kubelet has said."""
        return [entry for entry in self.entries.values() if not self.is_retained(entry)]

    def is_retained(self, entry: Entry) -> bool:
        """Tell whether the running kubelet has not said the entry."""
        return entry.start is not self.witness.start

    def _rule(self, entry: Entry, missing: float | None) -> Rule | None:
        """Return the rule that ends an entry; *missing* is for how long the kubelet could have said it again."""
        instance, is_retained = self.instance(entry), self.is_retained(entry)
        is_over = instance is Instance.DELETED or (is_retained and instance is Instance.FINISHED)
        if is_over or (entry.refusals and instance is Instance.REPLACED):
            return Rule.TOLD
        if not is_retained:
            return Rule.REFUSED if entry.refusals >= REFUSALS else None
        return Rule.MISSING if self._is_over(missing, runs=instance is Instance.RUNS) else None

    def _is_over(self, missing: float | None, *, runs: bool) -> bool:
        """Return whether a pod has been missing for as long as it is retained."""
        return missing is not None and missing >= self._waits.hold_down * (RUNS_FACTOR if runs else 1)

    def _end(self, entry: Entry, rule: Rule) -> Ended:
        del self.entries[entry.pod.key]
        runs = self.instance(entry) is Instance.RUNS
        if runs and self.followed is not None:
            self._unlisted[entry.uid] = (self.followed[entry.pod.key], GIVEN_UP)
        return Ended(entry.pod.key, rule, contradicts=runs)

    def _entry(self, pod: Pod, now: float, *, has_two_rows: bool = False) -> Entry:
        """Return what the running kubelet says; where the pod has finished that it lacked, it is another instance."""
        meta = self.followed.get(pod.key) if self.followed is not None else None
        uid = "" if meta is None or meta.uid in self._finished_unlisted else meta.uid
        return Entry(pod, uid, self.witness.start, now, has_two_rows=has_two_rows)

    def _say(self, said: Mapping[PodKey, Entry], now: float) -> None:
        """
        Take what the running kubelet says, and from retained entries what the pods have got since they were last said.

        What they held at the same time as others is shared, and proves nothing.
        """
        self.answered(now)
        before, self.entries = self.entries, {**self.entries, **said}
        retained = self.retained()
        if retained:
            had = {key: items(before[key].pod) for key in said if key in before}
            none = frozenset[tuple[str, ...]]()
            gained = none.union(*(items(entry.pod) - had.get(key, none) for key, entry in said.items()))
            losers = [entry for entry in retained if gained & items(entry.pod)]
            self.entries |= {each.pod.key: replace(each, pod=without(each.pod, gained)) for each in losers}
        self.witness.said([entry.pod.key for entry in self.current()], now)

    def _deny(self, keys: Collection[PodKey]) -> None:
        """Take that the kubelet does not have pods; one that ran before it started may only not have come to it yet."""
        for uid, (meta, at) in self._unlisted.items():
            if meta.key in keys and at != RAN_BEFORE:
                self._unlisted[uid] = (meta, GIVEN_UP)

    def _is_unsaid(self, meta: PodMeta) -> bool:
        """Return whether no kubelet has said anything of the pod."""
        entry = self.entries.get(meta.key)
        if entry is None or not self.is_retained(entry):
            return entry is None
        return entry.uid not in {"", meta.uid} and not self.site.is_static(meta.key, self.metadata)

    def _waits_for(self, noticed_at: float, now: float) -> bool:
        """Return whether a pod that was noticed then to run unlisted may still be said."""
        missing = self.witness.missing_seconds(now)
        missing = None if missing is None else min(missing, now - noticed_at)
        return noticed_at != GIVEN_UP and not self._is_over(missing, runs=self.followed is not None)

    def _adopt(self, followed: Mapping[PodKey, PodMeta]) -> None:
        """Note which instance a pod is that was said while metadata was not followed: that which runs."""
        for key, entry in self.entries.items():
            meta = None if entry.uid else followed.get(key)
            if meta is not None and (meta.runs or (meta.is_terminal and not self._was_ever_followed)):
                self.entries[key] = replace(entry, uid=meta.uid)
        self._was_ever_followed = True

    def _mark(self, entry: Entry) -> Mark:
        if self.is_retained(entry):
            return Mark.RETAINED
        return Mark.UNCONFIRMED if entry.is_unconfirmed else Mark.CURRENT

    def _needs_no_retaining(self, entry: Entry) -> bool:
        """Return whether a List that lacks the pod is enough to end it."""
        return not self.is_retained(entry) or self.instance(entry) in {Instance.REPLACED, Instance.DELETED}

    def _is_too_old(self, entry: Entry, now: float) -> bool:
        """Return whether an entry is retained, of a kubelet that was last heard longer ago than the maximum age."""
        answered_at = entry.start.answered_at
        return self.is_retained(entry) and answered_at is not None and now - answered_at >= self._waits.max_age
