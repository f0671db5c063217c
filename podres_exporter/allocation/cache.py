"""
The allocation cache: what is believed of each pod, by events and a time. Pure: no clock, no I/O.

An entry is a pod as the kubelet last said it. Its standing, and what ends it, is the table of module rules. Besides:

- What another pod has got since is taken from a retained entry: that whole device, exclusive CPU or unshared DRA
  device, not the pod.
- A pod that followed metadata says runs and that the kubelet has not said is *unlisted*. It ends by the same rules.
- The API server never overrules the kubelet on what it lists: "has finished" filters only the same instance, and only
  while metadata is followed (kubelets up to 1.33 list finished pods).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from podres_exporter.allocation.holdings import Item, asked_for, items, resources_of, without
from podres_exporter.allocation.rules import LACKED, Instance, Rule, Standing, rule_for
from podres_exporter.allocation.witness import Site, Start, Witness
from podres_exporter.model import Listing, Mark, MarkedPod, Metadata, Pod, PodKey, PodMeta, Unknown

_BEFORE = Start()
"""The start in which unlisted pods are noticed that ran before kubelet or metadata were heard."""


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
    A pod as the kubelet last said it, all rows under its name together; of an unlisted pod the name alone.

    *uid* is what the metadata had for it then, empty where that was not followed or did not know it. *start* is the
    start of the kubelet that said it, or that ran when it was noticed, *said_at* when. *refusals* counts how often the
    kubelet has denied it since. *has_two_rows*: List had several entries under the name. *is_unconfirmed*: Get failed
    since there was news of it.
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
        self._unlisted: dict[str, Entry] = {}
        self._last_followed: Mapping[PodKey, PodMeta] = {}
        self._finished_unlisted: frozenset[str] = frozenset()
        self._followed_in: Start | None = None
        self._was_ever_followed = False
        self.update_metadata(None)

    def update_metadata(self, metadata: Metadata | None) -> None:
        """Take what the metadata are now."""
        self.metadata = self.witness.metadata = metadata
        self.followed = self.witness.followed = metadata.pods if metadata is not None and metadata.synced else None
        self._last_followed = self._last_followed if self.followed is None else self.followed

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
            self._deny_unlisted({each.pod.key for each in self._unlisted.values()} - said.keys())
            lacked = [replace(entry, refusals=LACKED) for key, entry in self.entries.items() if key not in said]
            ended = self._end(lacked, missing=None)
            self.witness.start.listed_at = now
        self.unreadable = listing.unreadable if is_whole else listing.unreadable | self.unreadable
        self._say(said, now)
        # A kubelet that has just started lists the finished pods of its API server later than its static ones.
        has_all = not self.witness.start.is_young or self.witness.missing_seconds(now) is not None
        if is_whole and has_all and self.followed is not None:
            finished = {key: meta.uid for key, meta in self.followed.items() if meta.is_terminal}
            # Once it is known not to be that instance, it stays another one.
            listed = {key for key, entry in said.items() if entry.uid}
            self._finished_unlisted = frozenset(finished[key] for key in finished.keys() - listed)
        return ended

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
        self._deny_unlisted({key})
        entry = self.entries.get(key)
        if entry is not None:
            self.entries[key] = replace(entry, said_at=now, refusals=entry.refusals + 1, is_unconfirmed=False)

    def failed(self, key: PodKey) -> None:
        """Take that there is news of a pod, and that the kubelet could not be asked about it."""
        if key in self.entries:
            self.entries[key] = replace(self.entries[key], is_unconfirmed=True)

    def settle(self, now: float) -> list[Ended]:
        """Take what the metadata say and what time has passed, and return what has ended by that."""
        start = self.witness.start
        if self.followed is not None:
            self._adopt(self.followed)
            noticed_in = start if self._followed_in is start else _BEFORE
            self._unlisted = {
                meta.uid: self._unlisted.get(meta.uid) or Entry(Pod(*meta.key), meta.uid, noticed_in, now)
                for meta in self.followed.values()
                if meta.runs and self._is_unsaid(self.entries.get(meta.key))
            }
        self._followed_in = start if self.followed is not None else None
        self.witness.settle(now, all_are_said=self.followed is not None and not self._unlisted)
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
        if entry.uid:
            return Instance.DELETED if meta is None else Instance.REPLACED
        return Instance.UNSEEN if meta is None else Instance.UNKNOWN

    def pods(self, now: float) -> tuple[MarkedPod, ...]:
        """Return what may be shown, sorted: all but what another kubelet said that was last heard too long ago."""
        shown = [self.entries[key] for key in sorted(self.entries) if not self._is_too_old(self.entries[key], now)]
        return tuple(MarkedPod(each.pod, self._mark(each), self.instance(each) is Instance.FINISHED) for each in shown)

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
        waiting = [each for each, rule in self._waited_for(now) if rule is None]
        due = [each for each in waiting if self.is_retained(each) or now - each.said_at >= self._waits.grace]
        return [self._last_followed[each.pod.key] for each in due if each.pod.key in self._last_followed]

    def given_up(self, now: float) -> list[PodKey]:
        """Return the pods, sorted, that followed metadata says run and for which nothing is held any more."""
        over = [each for each, rule in self._waited_for(now) if rule is not None]
        return [each.pod.key for each in over if self.instance(each) is Instance.RUNS]

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
        """Tell whether the entry is of an earlier start of the kubelet than the running one."""
        return entry.start is not self.witness.start

    def _rule(self, entry: Entry, missing: float | None, fresh: Standing = Standing.CURRENT) -> Rule | None:
        """Return the rule that ends an entry; *missing* is for how long the kubelet could have said it and has not."""
        standing = Standing.RETAINED if self.is_retained(entry) else fresh
        return rule_for(standing, self.instance(entry), entry.refusals, missing, self._waits.hold_down)

    def _end(self, entries: Iterable[Entry], missing: float | None) -> list[Ended]:
        """End those entries for which there is a rule, and return them; what runs all the same is given up."""
        ended = []
        for entry in tuple(entries):
            rule = self._rule(entry, missing)
            if rule is not None:
                runs = self.instance(entry) is Instance.RUNS
                del self.entries[entry.pod.key]
                ended.append(Ended(entry.pod.key, rule, contradicts=runs))
                if runs:
                    self._unlisted[entry.uid] = replace(entry, start=self.witness.start, refusals=LACKED)
        return ended

    def _waited_for(self, now: float) -> Iterator[tuple[Entry, Rule | None]]:
        """
        Yield the unlisted pods, sorted, each with the rule by which it is waited for no more.

        No clock runs for one that the kubelet has not denied yet: it may only not have been asked.
        """
        missing = self.witness.missing_seconds(now)
        for entry in sorted(self._unlisted.values(), key=lambda each: each.pod.key):
            yield entry, self._rule(entry, missing if entry.refusals else None, Standing.AWAITED)

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
        self._unlisted = {uid: each for uid, each in self._unlisted.items() if each.pod.key not in said}
        retained = self.retained()
        if retained:
            none = frozenset[Item]()
            gained = none.union(
                *(items(each.pod) - (items(before[key].pod) if key in before else none) for key, each in said.items())
            )
            losers = [each for each in retained if gained & items(each.pod)] if gained else []
            self.entries |= {each.pod.key: replace(each, pod=without(each.pod, gained)) for each in losers}
        self.witness.said([entry.pod.key for entry in self.current()], now)

    def _deny_unlisted(self, keys: Collection[PodKey]) -> None:
        """Take that the kubelet does not have these pods."""
        for uid, entry in self._unlisted.items():
            if entry.pod.key in keys:
                self._unlisted[uid] = replace(entry, refusals=entry.refusals + 1)

    def _is_unsaid(self, entry: Entry | None) -> bool:
        """Return whether no kubelet has said the instance that followed metadata has, by the entry of its name."""
        return entry is None or (self.is_retained(entry) and self.instance(entry) is Instance.REPLACED)

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

    def _is_too_old(self, entry: Entry, now: float) -> bool:
        """Return whether an entry is retained, of a kubelet that was last heard longer ago than the maximum age."""
        answered_at = entry.start.answered_at
        return self.is_retained(entry) and answered_at is not None and now - answered_at >= self._waits.max_age
