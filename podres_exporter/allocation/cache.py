"""
The allocation cache: what is believed of each pod, by events and a time. Pure: no clock, no I/O.

An entry is a pod as the kubelet last said it. A pod that followed metadata says runs and that the kubelet has not said
is *unlisted*. What their standing is, and what ends them, is the table of module rules. Besides:

- What another pod has got since is taken from a retained entry: that whole device, exclusive CPU or unshared DRA
  device, not the pod.
- The API server never overrules the kubelet on what it lists: "has finished" filters only the same instance, and only
  while metadata is followed (kubelets up to 1.33 list finished pods).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from podres_exporter.allocation.holdings import taken_from
from podres_exporter.allocation.rules import ENOUGH, Instance, Rule, rule_for
from podres_exporter.allocation.site import Site
from podres_exporter.allocation.witness import Start, Witness
from podres_exporter.model import Listing, Mark, MarkedPod, Metadata, Pod, PodKey, PodMeta, Unknown

_BEFORE = Start()
"""The start in which unlisted pods are noticed that ran before kubelet or metadata were heard."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: how long a missing pod is retained, how long what is old is shown, how soon a new pod is listed."""

    hold_down: float
    max_age: float
    grace: float


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A pod as the kubelet last said it, all rows under its name together; of an unlisted pod the name alone.

    *uid* is what the metadata had for it then, or had last where it was not followed, empty where it did not know it;
    *is_known* once followed metadata has had just that: else another pod may have taken the name unheard of. *start* is
    the start of the kubelet that said it, or that ran when it was noticed, *said_at* when. *denials* counts how often
    the kubelet has denied it since. *has_two_rows*: List had several entries under the name. *is_unconfirmed*: Get
    failed since there was news of it.
    """

    pod: Pod
    uid: str
    start: Start
    said_at: float
    is_known: bool = True
    denials: int = 0
    has_two_rows: bool = False
    is_unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """An entry that has ended; *contradicts*: followed metadata says that the pod runs."""

    key: PodKey
    rule: Rule
    contradicts: bool = False


class Cache:
    """Owned by one thread. Its methods take the monotonic second as it is then."""

    def __init__(self, site: Site, waits: Waits) -> None:
        """Know nothing yet."""
        self.site, self.waits, self.witness = site, waits, Witness(site, waits.hold_down)
        self.entries: dict[PodKey, Entry] = {}
        self.unlisted: dict[PodKey, Entry] = {}
        self.unreadable, self._finished_lacked = Unknown(), frozenset[str]()
        self._followed_in: Start | None = None
        self.update_metadata(None)

    def update_metadata(self, metadata: Metadata | None, news: Collection[PodKey] = ()) -> None:
        """Take what the metadata are now, and of which pods they have told something since the last time."""
        self.metadata = self.witness.metadata = metadata
        self.followed = metadata.pods if metadata is not None and metadata.synced else None
        self._told = {key: metadata.pods[key] for key in news if key in metadata.pods} if metadata is not None else {}

    def begin(self, *, is_young: bool) -> None:
        """Take that another kubelet has started: whatever an earlier one said is retained from now on."""
        self.witness.start = Start(is_young)

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
        ended: list[Ended] = []
        if is_whole:
            denied = {key: replace(each, denials=ENOUGH) for key, each in self.unlisted.items() if key not in said}
            self.unlisted |= denied
            lacked = [replace(each, denials=ENOUGH) for key, each in self.entries.items() if key not in said]
            ended = self._end(lacked, missing=None)
            self.witness.start.listed_at = now
        self.unreadable = listing.unreadable if is_whole else listing.unreadable | self.unreadable
        self._say(said, now)
        if is_whole and self.followed is not None and self.witness.has_all(now):
            # Once a pod is known not to be the instance that has finished, it stays another one.
            known = {key for key, each in said.items() if each.is_known}
            finished = (meta for meta in self.followed.values() if meta.is_terminal)
            self._finished_lacked = frozenset(meta.uid for meta in finished if meta.key not in known)
        return ended

    def got(self, answer: Listing, now: float) -> None:
        """Take an answer to Get. Where List had two rows under the pod's name, only List replaces them."""
        entry = self._entry(answer.pods[0], now)
        before = self.entries.get(entry.pod.key)
        if before is not None and before.has_two_rows and not self.is_retained(before):
            entry = replace(before, said_at=now, denials=0, is_unconfirmed=False)
        self.unreadable |= answer.unreadable
        self._say({entry.pod.key: entry}, now)

    def not_found(self, key: PodKey, now: float) -> None:
        """Take that Get has not found a pod."""
        self.answered(now)
        if entry := self.entries.get(key):
            self.entries[key] = replace(entry, said_at=now, denials=entry.denials + 1, is_unconfirmed=False)
        if entry := self.unlisted.get(key):
            self.unlisted[key] = replace(entry, denials=entry.denials + 1)

    def failed(self, key: PodKey) -> None:
        """Take that there is news of a pod, and that the kubelet could not be asked about it."""
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], is_unconfirmed=True)

    def settle(self, now: float) -> list[Ended]:
        """Take what the metadata say and what time has passed, and return what has ended by that."""
        start, followed = self.witness.start, self.followed
        for key, entry in self.entries.items() if followed is not None else ():
            uid = entry.uid or ("" if self.is_retained(entry) else self._uid(key))
            if not entry.is_known and uid and uid == self._uid(key):
                self.entries[key] = replace(entry, uid=uid, is_known=True)
        # A kubelet that has not had its pods has started none of them, whenever the metadata tell.
        noticed_in = start if self._followed_in is start and self.witness.since() is not None else _BEFORE
        known = {each.uid: each for each in self.unlisted.values()}
        unsaid = {
            meta.key: known.get(meta.uid) or Entry(Pod(*meta.key), meta.uid, noticed_in, now)
            for meta in (self._told if followed is None else followed).values()
            if meta.runs and self._is_unsaid(meta)
        }
        self.unlisted = self.unlisted | unsaid if followed is None else unsaid
        self._followed_in = start if followed is not None else None
        self.witness.settle(now, all_are_said=followed is not None and not unsaid)
        return self._end(self.entries.values(), self.witness.missing_seconds(now))

    def instance(self, entry: Entry) -> Instance:
        """Return what followed metadata says of the entry's instance; of a static pod, never that it is gone."""
        if self.followed is None:
            return Instance.UNKNOWN
        meta = self.followed.get(entry.pod.key)
        if meta is not None and meta.uid == entry.uid:
            return Instance.FINISHED if meta.is_terminal else Instance.RUNS if meta.runs else Instance.UNKNOWN
        if self.site.is_static(entry.pod.key, self.metadata):
            return Instance.UNKNOWN
        if entry.is_known:
            return Instance.DELETED if meta is None else Instance.REPLACED
        return Instance.UNSEEN if meta is None else Instance.UNKNOWN

    def rule(self, entry: Entry, missing: float | None) -> Rule | None:
        """Return the rule that ends an entry; *missing* is for how long the kubelet could have said it and has not."""
        instance, is_from_before = self.instance(entry), self.is_retained(entry)
        return rule_for(instance, entry.denials, missing, self.waits.hold_down, is_from_before=is_from_before)

    def pods(self, now: float) -> tuple[MarkedPod, ...]:
        """Return what may be shown, sorted: all but what another kubelet said that was last heard too long ago."""
        shown = [self.entries[key] for key in sorted(self.entries) if not self.is_too_old(self.entries[key], now)]
        return tuple(MarkedPod(each.pod, self._mark(each), self.instance(each) is Instance.FINISHED) for each in shown)

    def expires_at(self) -> float | None:
        """
        Return the second from which nothing may be shown unless a kubelet answers before; None where none ever has.

        A kubelet that has not listed its pods yet keeps nothing alive.
        """
        start = self.witness.start
        starts = {entry.start for entry in self.entries.values()} if start.listed_at is None else {start}
        answered_at = [each.answered_at for each in starts if each.answered_at is not None]
        return max(answered_at) + self.waits.max_age if answered_at else None

    def retained(self) -> list[Entry]:
        """Return the entries that the running kubelet has not said."""
        return [entry for entry in self.entries.values() if self.is_retained(entry)]

    def current(self) -> list[Entry]:
        """Return the entries that the running kubelet has said."""
        return [entry for entry in self.entries.values() if not self.is_retained(entry)]

    def is_retained(self, entry: Entry) -> bool:
        """Tell whether the entry is of an earlier start of the kubelet than the running one."""
        return entry.start is not self.witness.start

    def is_too_old(self, entry: Entry, now: float) -> bool:
        """Tell whether an entry is retained, of a kubelet that was last heard longer ago than the maximum age."""
        answered_at = entry.start.answered_at
        return self.is_retained(entry) and answered_at is not None and now - answered_at >= self.waits.max_age

    def _end(self, entries: Iterable[Entry], missing: float | None) -> list[Ended]:
        """End those entries for which there is a rule, and return them; what runs all the same is given up."""
        ended = []
        for entry, rule in [(each, self.rule(each, missing)) for each in entries]:
            if rule is not None:
                runs = self.instance(entry) is Instance.RUNS
                del self.entries[entry.pod.key]
                ended.append(Ended(entry.pod.key, rule, contradicts=runs))
                if runs:
                    self.unlisted[entry.pod.key] = replace(entry, start=self.witness.start, denials=ENOUGH)
        return ended

    def _entry(self, pod: Pod, now: float, *, has_two_rows: bool = False) -> Entry:
        uid, start = self._uid(pod.key), self.witness.start
        return Entry(pod, uid, start, now, bool(uid and self.followed is not None), has_two_rows=has_two_rows)

    def _uid(self, key: PodKey) -> str:
        """Return which instance a pod is that the kubelet says; where one has finished that it lacked, another."""
        meta = self.metadata.pods.get(key) if self.metadata is not None else None
        return "" if meta is None or meta.uid in self._finished_lacked else meta.uid

    def _say(self, said: Mapping[PodKey, Entry], now: float) -> None:
        """Take what the running kubelet says, and from retained entries what these pods have got."""
        self.answered(now)
        before, self.entries = self.entries, {**self.entries, **said}
        self.unlisted = {key: each for key, each in self.unlisted.items() if key not in said}
        if retained := [entry.pod for entry in self.retained()]:
            # What a finished pod is listed with, by kubelets up to 1.33, may be another one's by now.
            living = [(key, each.pod) for key, each in said.items() if self.instance(each) is not Instance.FINISHED]
            gained = [(pod, before[key].pod if key in before else None) for key, pod in living]
            for left in taken_from(retained, gained):
                self.entries[left.key] = replace(self.entries[left.key], pod=left)
        self.witness.said([entry.pod.key for entry in self.current()], now)

    def _is_unsaid(self, meta: PodMeta) -> bool:
        """Return whether no kubelet has said this instance, by the entry of its name."""
        entry = self.entries.get(meta.key)
        if entry is None or entry.uid == meta.uid or self.site.is_static(meta.key, self.metadata):
            return entry is None
        return entry.is_known or self.is_retained(entry)

    def _mark(self, entry: Entry) -> Mark:
        return Mark.RETAINED if self.is_retained(entry) else Mark.UNCONFIRMED if entry.is_unconfirmed else Mark.CURRENT
