"""
The allocation cache: what is believed of each pod, by events and a time. Pure: no clock, no I/O.

An entry is a pod as the kubelet last said it. What the running kubelet has said is *current*; what another said before
it, and it has not, is *retained*: shown and marked, and what it holds is held. A pod that followed metadata says runs
and that the kubelet has not said is *unlisted*: it holds an unknown part of what it asks for. Entries end one by one,
each by the first of these rules that is true, so that no pod's coming and going delays another:

    rule     what ends an entry                                                               known from    code
    -------  -------------------------------------------------------------------------------  ------------  -----------
    again    the kubelet says the pod again: it is current                                    kubelet       listed, got
    dropped  a List lacks a current pod: the kubelet that said it has it no more              kubelet       listed
    told     its instance was deleted, or is retained and has finished; a deletionTimestamp   metadata,     settle
             is no end. Another UID under its name: once the kubelet, asked since, does not   while
             have the name. Never a static pod: deleting its mirror pod leaves it running     followed
    taken    another pod has got the same whole device, exclusive CPU or unshared DRA device  kubelet       listed, got
             since: that item of a retained entry, not the pod
    missing  retained, and not said for the hold-down since the kubelet first said the        kubelet       settle
             witness; for ten times that where followed metadata says that it runs
    refused  Get answers `not_found` twice, and the kubelet that said the pod still runs      kubelet       not_found

While there is no witness nothing ends by the clock, however long that lasts: a kubelet without its API server knows its
static pods only (module witness). The API server never overrules the kubelet on what it lists: "has finished" filters
only the same instance, and only while metadata is followed (kubelets up to 1.33 list finished pods).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from podres_exporter.allocation.entry import Entry, Item, items, without
from podres_exporter.allocation.unlisted import Unlisted
from podres_exporter.allocation.witness import Site, Witness
from podres_exporter.model import Listing, Mark, MarkedPod, Metadata, Pod, PodKey, PodMeta, Unknown

RUNS_FACTOR = 10
"""How many times the hold-down a missing pod is retained that followed metadata says runs."""

REFUSALS = 2
"""So many times the kubelet must say that it does not have a pod which it has said since its start."""


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


class Cache:
    """Owned by one thread. Its methods take the monotonic second and the metadata, as they are then."""

    def __init__(self, site: Site, waits: Waits) -> None:
        """Know nothing yet."""
        self.witness = Witness(site, waits.hold_down)
        self.unreadable = Unknown()
        self.entries: dict[PodKey, Entry] = {}
        self.heard_at: float | None = None
        self.site, self._waits = site, waits
        self._unlisted = Unlisted()
        self._answered_at: dict[int, float] = {}
        self._finished_unlisted: dict[PodKey, str] = {}
        self._was_followed = self._was_ever_followed = False

    def begin(self, *, is_young: bool) -> None:
        """Take that another kubelet has started: what is current is retained from now on."""
        starts = {entry.start for entry in self.entries.values()}
        self._answered_at = {start: at for start, at in self._answered_at.items() if start in starts}
        self.witness.begin(is_young=is_young)
        self._unlisted.begin()
        self._was_followed = False

    def answered(self, now: float) -> None:
        """Take that the running kubelet has answered something."""
        if self.witness.first_answer_at is None:
            self.witness.first_answer_at = now
        self._answered_at[self.witness.number] = self.heard_at = now

    def listed(self, listing: Listing, now: float, metadata: Metadata | None, *, is_whole: bool = True) -> list[Ended]:
        """
        Take an answer to List, and return what has ended by that.

        Not *is_whole*: the kubelet restarted around the call, so that the answer may be of either start: it adds and
        ends nothing. Of what it could not read nothing is known to be free until the next answer.
        """
        self.answered(now)
        said = {pod.key: self._entry(pod, now, metadata, listing) for pod in listing.pods}
        gained = self._gained(listing.pods)
        missing = [entry for key, entry in self.entries.items() if key not in said]
        dropped = [each for each in missing if is_whole and self._is_dropped(each, metadata)]
        for entry in dropped:
            del self.entries[entry.pod.key]
        self.entries |= said
        self._take(gained)
        self.unreadable = listing.unreadable if is_whole else listing.unreadable | self.unreadable
        if is_whole:
            self.witness.listed_at = now
        self.witness.said([entry.pod.key for entry in self.current()], now, metadata)
        # A kubelet that has just started lists the finished pods of its API server later than its static ones.
        has_all = is_whole and (not self.witness.is_young or self.witness.missing_seconds(now, metadata) is not None)
        if has_all and metadata is not None and metadata.synced:
            finished = ((key, meta) for key, meta in metadata.pods.items() if meta.is_terminal)
            # Once it is known not to be that instance, it stays another one.
            self._finished_unlisted = {key: meta.uid for key, meta in finished if key not in said or not said[key].uid}
        return [_ended(each, Rule.DROPPED, metadata) for each in dropped]

    def got(self, answer: Listing, now: float, metadata: Metadata | None) -> None:
        """Take an answer to Get. Where List had two rows under the pod's name, only List replaces them."""
        self.answered(now)
        pod = answer.pods[0]
        self.unreadable |= answer.unreadable
        before = self.entries.get(pod.key)
        if before is not None and before.has_two_rows and not self._is_retained(before):
            self.entries[pod.key] = replace(before, said_at=now, refusals=0, is_unconfirmed=False)
            return
        gained = self._gained((pod,))
        self.entries[pod.key] = self._entry(pod, now, metadata)
        self._take(gained)
        self.witness.said((pod.key,), now, metadata)

    def not_found(self, key: PodKey, now: float, metadata: Metadata | None) -> Ended | None:
        """Take that Get has not found a pod, and return it if it has ended by that."""
        self.answered(now)
        entry = self.entries.get(key)
        if entry is None:
            return None
        entry = self.entries[key] = replace(entry, said_at=now, refusals=entry.refusals + 1, is_unconfirmed=False)
        if self._is_replaced(entry, metadata):
            return self._end(entry, Rule.TOLD, metadata)
        is_refused = entry.refusals >= REFUSALS and not self._is_retained(entry)
        return self._end(entry, Rule.REFUSED, metadata) if is_refused else None

    def failed(self, key: PodKey) -> None:
        """Take that there is news of a pod, and that the kubelet could not be asked about it."""
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], is_unconfirmed=True)

    def settle(self, now: float, metadata: Metadata | None) -> list[Ended]:
        """Take what the metadata say and what time has passed, and return what has ended by that."""
        followed = metadata if metadata is not None and metadata.synced else None
        all_are_said = False
        if followed is not None:
            self._adopt(followed)
            not_said = list(self._not_said(followed))
            self._unlisted.look(not_said, now, ran_before=not self._was_followed)
            all_are_said = not not_said
        self._was_followed = followed is not None
        self.witness.settle(now, metadata, all_are_said=all_are_said)
        missing = self.witness.missing_seconds(now, metadata)
        ending = [(each, self._rule(each, followed, missing)) for each in self.entries.values()]
        return [self._end(entry, rule, metadata) for entry, rule in ending if rule is not None]

    def pods(self, now: float, metadata: Metadata | None) -> tuple[MarkedPod, ...]:
        """Return what may be shown, sorted: all but what another kubelet said that was last heard too long ago."""
        entries = [self.entries[key] for key in sorted(self.entries)]
        return tuple(
            MarkedPod(each.pod, self._mark(each), self.has_finished(each, metadata))
            for each in entries
            if not self.is_too_old(each, now)
        )

    def is_too_old(self, entry: Entry, now: float) -> bool:
        """Tell whether an entry is retained, of a kubelet that was last heard longer ago than the maximum age."""
        return self._is_retained(entry) and now - self._answered_at[entry.start] >= self._waits.max_age

    def expires_at(self) -> float | None:
        """
        Return the second from which nothing may be shown unless a kubelet answers before; None where none ever has.

        A kubelet that has not listed its pods yet keeps nothing alive.
        """
        starts = {entry.start for entry in self.entries.values()}
        if self.witness.listed_at is not None:
            starts = {self.witness.number}
        heard_at = max((self._answered_at[each] for each in starts if each in self._answered_at), default=None)
        return None if heard_at is None else heard_at + self._waits.max_age

    @property
    def merged_pods(self) -> int:
        """How many names have several rows in the kubelet's answer."""
        return sum(entry.has_two_rows for entry in self.entries.values())

    @property
    def needs_list(self) -> bool:
        """Whether there is what only another List can put right."""
        return self.unreadable != Unknown() or any(entry.has_two_rows for entry in self.entries.values())

    def retained(self) -> list[Entry]:
        """Return the entries that the running kubelet has not said."""
        return [entry for entry in self.entries.values() if self._is_retained(entry)]

    def current(self) -> list[Entry]:
        """Return the entries that the running kubelet has said."""
        return [entry for entry in self.entries.values() if not self._is_retained(entry)]

    def unlisted(self, now: float, metadata: Metadata | None) -> list[PodMeta]:
        """
        Return the pods, sorted, that followed metadata says run, or said when it was last followed, and that the
        kubelet should have said by now; for as long as a retained one would be missing.
        """
        if metadata is None or self.witness.first_answer_at is None:
            return []
        missing = self.witness.missing_seconds(now, metadata)
        if missing is not None and missing >= self._waits.hold_down * (RUNS_FACTOR if metadata.synced else 1):
            return []
        overdue = self._unlisted.overdue(now, self._waits.grace)
        return sorted((meta for meta in overdue if self._is_unsaid(meta, metadata)), key=lambda meta: meta.key)

    def _entry(self, pod: Pod, now: float, metadata: Metadata | None, listing: Listing | None = None) -> Entry:
        has_two_rows = listing is not None and pod.key in listing.merged_keys
        return Entry(pod, self._uid(pod.key, metadata), self.witness.number, now, has_two_rows=has_two_rows)

    def _uid(self, key: PodKey, metadata: Metadata | None) -> str:
        """
        Return the instance that the kubelet means, empty where it is not known.

        Where a pod that has finished was not listed before, what is listed now under its name is another one.
        """
        meta = metadata.pods.get(key) if metadata is not None and metadata.synced else None
        if meta is None:
            return ""
        before = self.entries.get(key)
        is_another = meta.is_terminal and self._finished_unlisted.get(key) == meta.uid
        return "" if is_another and (before is None or before.uid != meta.uid) else meta.uid

    def _adopt(self, followed: Metadata) -> None:
        """Note which instance a pod is that was said while metadata was not followed: that which runs."""
        for key, entry in self.entries.items():
            meta = None if entry.uid else followed.pods.get(key)
            if meta is not None and (meta.runs or (meta.is_terminal and not self._was_ever_followed)):
                self.entries[key] = replace(entry, uid=meta.uid)
        self._was_ever_followed = True

    def _gained(self, pods: Iterable[Pod]) -> frozenset[Item]:
        """
        Return what the pods hold and did not when they were last said, nothing where no entry could lose it.

        What they held at the same time as others is shared, and proves nothing.
        """
        if not self.retained():
            return frozenset()
        before = {pod.key: self.entries[pod.key].pod for pod in pods if pod.key in self.entries}
        return frozenset(
            item for pod in pods for item in items(pod) - (items(before[pod.key]) if pod.key in before else frozenset())
        )

    def _take(self, gained: frozenset[Item]) -> None:
        """Take from retained entries what another pod has got."""
        if gained:
            self.entries |= {entry.pod.key: without(entry, gained) for entry in self.retained()}

    def _is_retained(self, entry: Entry) -> bool:
        return entry.start != self.witness.number

    def _mark(self, entry: Entry) -> Mark:
        if self._is_retained(entry):
            return Mark.RETAINED
        return Mark.UNCONFIRMED if entry.is_unconfirmed else Mark.CURRENT

    def _is_dropped(self, entry: Entry, metadata: Metadata | None) -> bool:
        """Return whether a List without the pod ends its entry."""
        return not self._is_retained(entry) or self._is_replaced(entry, metadata)

    def _is_replaced(self, entry: Entry, metadata: Metadata | None) -> bool:
        """Return whether followed metadata has another instance under the name, or none any more."""
        if metadata is None or not metadata.synced or not entry.uid or self._is_static(entry, metadata):
            return False
        meta = metadata.pods.get(entry.pod.key)
        return meta is None or meta.uid != entry.uid

    def _is_static(self, entry: Entry, metadata: Metadata | None) -> bool:
        return self.site.is_static(entry.pod.key, metadata)

    def has_finished(self, entry: Entry, metadata: Metadata | None) -> bool:
        """Tell whether followed metadata says that this very instance has finished."""
        meta = metadata.pods.get(entry.pod.key) if metadata is not None and metadata.synced else None
        return meta is not None and meta.is_terminal and meta.uid == entry.uid

    def _rule(self, entry: Entry, followed: Metadata | None, missing: float | None) -> Rule | None:
        """Return the rule by which metadata or time ends an entry; *missing* is how long the kubelet could say it."""
        is_retained = self._is_retained(entry)
        if followed is not None and entry.uid and not self._is_static(entry, followed):
            is_deleted = entry.pod.key not in followed.pods
            if is_deleted or (is_retained and self.has_finished(entry, followed)):
                return Rule.TOLD
        meta = followed.pods.get(entry.pod.key) if followed else None
        is_running = meta is not None and meta.runs and entry.uid in {"", meta.uid}
        limit = self._waits.hold_down * (RUNS_FACTOR if is_running else 1)
        return Rule.MISSING if is_retained and missing is not None and missing >= limit else None

    def _not_said(self, followed: Metadata) -> Iterable[PodMeta]:
        """Return the running pods of which no kubelet has said anything."""
        return (meta for meta in followed.pods.values() if meta.runs and self._is_unsaid(meta, followed))

    def _is_unsaid(self, meta: PodMeta, metadata: Metadata) -> bool:
        """Return whether no kubelet has said anything of the pod."""
        entry = self.entries.get(meta.key)
        return entry is None or (self._is_retained(entry) and self._is_replaced(entry, metadata))

    def _end(self, entry: Entry, rule: Rule, metadata: Metadata | None) -> Ended:
        del self.entries[entry.pod.key]
        return _ended(entry, rule, metadata)


def _ended(entry: Entry, rule: Rule, metadata: Metadata | None) -> Ended:
    meta = metadata.pods.get(entry.pod.key) if metadata is not None and metadata.synced else None
    return Ended(entry.pod.key, rule, contradicts=meta is not None and meta.runs and meta.uid == entry.uid)
