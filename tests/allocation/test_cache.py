"""The rules of the allocation cache one by one, and invariants over random events."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from builders import GPU, claim_of, container, gpu, pod
from hypothesis import given, settings
from hypothesis import strategies as st

from podres_exporter.allocation import Cache, Ended, Rule, Site, Waits, given_up, unknown, unlisted
from podres_exporter.allocation.unknown import LATE_SECONDS
from podres_exporter.model import (
    ContainerKind,
    ContainerSpec,
    Listing,
    Metadata,
    Pod,
    PodKey,
    PodMeta,
    Unknown,
)

HOLD, MAX_AGE, GRACE = 60.0, 120.0, 10.0
OWN = ("podres", "exporter-x7k2p")
EXPORTER = Pod(*OWN)
INSIDE, OUTSIDE = Site("n1", OWN), Site("n1")
A, B, STATIC = (pod(name, container("main", gpu(f"GPU-{name}"))) for name in ("a", "b", "proxy-n1"))


def meta(
    held: Pod, uid: str = "", *, runs: bool = True, ended: bool = False, deleting: bool = False, mirror: bool = False
) -> PodMeta:
    """Return a pod of the API server that asks for one GPU."""
    return PodMeta(
        *held.key,
        uid or f"uid-{held.name}",
        phase="Failed" if ended else "Running" if runs else "Pending",
        has_started=runs or ended,
        is_terminal=ended,
        is_deleting=deleting,
        is_mirror=mirror,
        containers=(ContainerSpec("main", ContainerKind.APP, devices=((GPU, 1),)),),
    )


def followed(*metas: PodMeta) -> Metadata:
    return Metadata({each.key: each for each in metas}, synced=True, is_up=True)


def lost(known: Metadata) -> Metadata:
    return replace(known, synced=False, is_up=False)


def listed(*pods: Pod) -> Listing:
    return Listing(tuple(sorted(pods, key=lambda each: each.key)))


def cache_of(
    *pods: Pod, site: Site = INSIDE, metadata: Metadata | None = None, hold: float = HOLD, at: float = 0.0
) -> Cache:
    """Return a cache of a kubelet that has listed these pods and the exporter's."""
    cache = Cache(site, Waits(hold, MAX_AGE, GRACE))
    cache.update_metadata(metadata)
    cache.begin(is_young=False)
    cache.listed(listed(*pods, EXPORTER), at)
    cache.settle(at)
    return cache


def tell(cache: Cache, metadata: Metadata | None) -> Cache:
    """Tell the cache what the metadata are now."""
    cache.update_metadata(metadata)
    return cache


def marks(cache: Cache, now: float) -> dict[str, str]:
    """Return how each pod is shown, the exporter's left out."""
    return {
        each.pod.name: "finished" if each.is_finished else each.mark.value
        for each in cache.pods(now)
        if each.pod.key != OWN
    }


# the rules, one by one


def test_what_the_kubelet_listed_before_its_restart_is_retained_and_current_when_it_says_it_again() -> None:
    cache = cache_of(A, B)
    cache.begin(is_young=True)
    assert {"a": "retained", "b": "retained"} == marks(cache, 1)

    cache.listed(listed(A), 2)
    assert {"a": "current", "b": "retained"} == marks(cache, 2)
    cache.got(listed(B), 3)
    assert {"a": "current", "b": "current"} == marks(cache, 3)


def test_a_list_without_a_current_pod_ends_it() -> None:
    """The kubelet of the same start is the authority."""
    cache = cache_of(A, B)

    assert [Ended(B.key, Rule.DENIED)] == cache.listed(listed(A, EXPORTER), 10)
    assert {"a": "current"} == marks(cache, 10)


def test_a_list_around_a_restart_adds_and_ends_nothing() -> None:
    cache = cache_of(A)

    assert [] == cache.listed(listed(B), 10, is_whole=False)
    assert {"a": "current", "b": "current"} == marks(cache, 10)


@pytest.mark.parametrize(
    ("later", "shown"),
    [
        (meta(A), {"a": "retained"}),
        (meta(A, deleting=True), {"a": "retained"}),
        (meta(A, ended=True), {}),
        (meta(A, "another"), {"a": "retained"}),
        (None, {}),
    ],
    ids=["runs", "is being deleted", "has finished", "another uid", "deleted"],
)
def test_a_retained_pod_ends_when_followed_metadata_says_that_its_instance_has(
    later: PodMeta | None, shown: dict[str, str]
) -> None:
    cache = cache_of(A, metadata=followed(meta(A)))
    cache.begin(is_young=True)
    now_known = followed(*([later] if later else []))
    tell(cache, now_known).settle(1)

    assert shown == marks(cache, 1)


@pytest.mark.parametrize("later", [(), (meta(A, ended=True),)], ids=["deleted", "has finished"])
def test_metadata_that_is_not_followed_ends_nothing(later: tuple[PodMeta, ...]) -> None:
    cache = cache_of(A, metadata=followed(meta(A)))
    cache.begin(is_young=True)
    tell(cache, lost(followed(*later))).settle(1)

    assert {"a": "retained"} == marks(cache, 1)


def test_another_uid_under_the_name_ends_the_old_pod_once_the_kubelet_does_not_have_the_name() -> None:
    """It is asked first, for it may have the new one already."""
    known, heir = followed(meta(A)), followed(meta(A, "uid-2"))
    cache = cache_of(A, metadata=known)
    cache.begin(is_young=True)
    tell(cache, heir).settle(1)
    assert {"a": "retained"} == marks(cache, 1)

    cache.not_found(A.key, 2)
    assert [Ended(A.key, Rule.TOLD)] == cache.settle(2)
    assert {} == marks(cache, 2)


def test_another_uid_that_the_kubelet_has_is_current() -> None:
    cache = cache_of(A, metadata=followed(meta(A)))
    cache.begin(is_young=True)
    tell(cache, followed(meta(A, "uid-2"))).got(listed(A), 2)

    assert {"a": "current"} == marks(cache, 2)
    assert [] == cache.settle(3)


@pytest.mark.parametrize("restarted", [True, False])
def test_a_static_pod_does_not_end_with_its_mirror_pod(restarted: bool) -> None:
    """Deleting the mirror pod leaves it running; whether its name or its annotation tells."""
    annotated = pod("etcd", container("main", gpu("GPU-etcd")))
    cache = cache_of(STATIC, annotated, metadata=followed(meta(STATIC, mirror=True), meta(annotated, mirror=True)))
    if restarted:
        cache.begin(is_young=True)
    tell(cache, followed(meta(annotated, mirror=True))).settle(1)

    assert {"proxy-n1", "etcd"} == marks(cache, 1).keys()


@pytest.mark.parametrize(
    ("gained", "left"),
    [
        (pod("x", container("main", gpu("GPU-1"))), ({"GPU-2"}, {2, 3})),
        (pod("x", container("main", cpus="2")), ({"GPU-1", "GPU-2"}, {3})),
        (pod("x", container("main", gpu("GPU-1"), gpu("GPU-2"), cpus="2-3")), (set(), set())),
        (pod("x", container("main", gpu("GPU-3"))), ({"GPU-1", "GPU-2"}, {2, 3})),
    ],
)
def test_what_another_pod_has_got_is_taken_from_a_retained_one(gained: Pod, left: tuple[set[str], set[int]]) -> None:
    """That item, not the pod."""
    held = pod("a", container("main", gpu("GPU-1"), gpu("GPU-2"), cpus="2-3"))
    cache = cache_of(held)
    cache.begin(is_young=True)
    cache.listed(listed(gained), 1)
    (old,) = [each.pod for each in cache.pods(1) if each.pod.name == "a"]

    assert left == ({each.device_id for each in old.containers[0].devices}, set(old.all_exclusive_cpus()))


def test_what_two_pods_had_together_is_shared_and_proves_nothing() -> None:
    both = [pod(name, container("main", gpu("GPU-1"))) for name in "ab"]
    cache = cache_of(*both)
    cache.begin(is_young=True)
    cache.listed(listed(both[0]), 1)

    assert both[1] in [each.pod for each in cache.pods(1)]


@pytest.mark.parametrize(("share", "is_kept"), [("", False), ("share-1", True)])
def test_a_dra_device_is_taken_unless_it_is_shared(share: str, is_kept: bool) -> None:
    held, gained = (pod(name, container("main", claims=[claim_of(f"claim-{name}", share)])) for name in "ab")
    cache = cache_of(held)
    cache.begin(is_young=True)
    cache.listed(listed(gained), 1)

    assert is_kept == (held in [each.pod for each in cache.pods(1)])


def settled(cache: Cache, at: float, *pods: Pod, metadata: Metadata | None = None) -> None:
    """Let the kubelet list these pods and the exporter's, twice within the time that it needs to list all."""
    tell(cache, metadata).listed(listed(*pods, EXPORTER), at)
    cache.listed(listed(*pods, EXPORTER), at + 1)


@pytest.mark.parametrize(
    ("metadata", "seconds"),
    [(None, HOLD), (followed(meta(A), meta(B)), 10 * HOLD), (lost(followed(meta(B))), HOLD)],
    ids=["none", "runs", "not followed"],
)
def test_a_missing_pod_ends_after_the_hold_down_since_the_witness(metadata: Metadata | None, seconds: float) -> None:
    cache = cache_of(A, B, metadata=metadata)
    cache.begin(is_young=True)
    settled(cache, 1000, A, metadata=metadata)
    cache.settle(1000 + seconds - 1)
    assert B.key in cache.entries

    (ended,) = cache.settle(1000 + seconds)
    assert (B.key, Rule.MISSING) == (ended.key, ended.rule)
    assert (seconds > HOLD) == ended.contradicts


def test_without_a_witness_nothing_ends_by_the_clock() -> None:
    cache = cache_of(A, STATIC)
    cache.begin(is_young=True)
    for hour in range(100):
        cache.listed(listed(STATIC), 3600.0 * hour + 10)
        assert [] == cache.settle(3600.0 * hour + 10)

    assert A.key in cache.entries
    assert {"proxy-n1": "current"} == marks(cache, 3600.0 * 100)


def test_another_restart_begins_the_hold_down_again() -> None:
    cache = cache_of(A)
    cache.begin(is_young=True)
    settled(cache, 10)
    cache.begin(is_young=True)
    cache.listed(listed(), 65)

    assert [] == cache.settle(300)


def test_a_pod_that_get_does_not_find_twice_is_gone() -> None:
    """And contradicts followed metadata, which is a bug of somebody's."""
    metadata = followed(meta(A))
    cache = cache_of(A, metadata=metadata)

    cache.not_found(A.key, 1)
    assert [] == cache.settle(1)
    cache.not_found(A.key, 2)
    assert [Ended(A.key, Rule.DENIED, contradicts=True)] == cache.settle(2)


def test_a_kubelet_that_has_restarted_is_not_believed_on_what_it_does_not_find() -> None:
    cache = cache_of(A)
    cache.begin(is_young=True)
    for second in range(10):
        cache.not_found(A.key, second)
        assert [] == cache.settle(second)

    assert {"a": "retained"} == marks(cache, 10)


def test_where_list_had_two_rows_get_does_not_replace_them() -> None:
    """A terminating pod and its heir are one name; Get tells of one of them."""
    cache = cache_of()
    both = Listing((A, EXPORTER), merged_pods=1, merged_keys=frozenset({A.key}))
    cache.listed(both, 1)
    cache.got(listed(pod("a")), 2)
    assert A in [each.pod for each in cache.pods(2)]
    assert cache.entries[A.key].has_two_rows

    cache.listed(listed(pod("a"), EXPORTER), 3)
    assert A not in [each.pod for each in cache.pods(3)]


# what has finished


def test_a_finished_pod_that_is_still_listed_is_marked_while_metadata_is_followed() -> None:
    """Kubelets up to 1.33 list it."""
    ended = followed(meta(A, ended=True))
    cache = cache_of(A, metadata=followed(meta(A)))
    tell(cache, ended).settle(1)
    cache.listed(listed(A, EXPORTER), 2)

    assert {"a": "finished"} == marks(cache, 2)
    assert {"a": "current"} == marks(tell(cache, lost(ended)), 2)


def test_finished_pods_are_known_from_the_first_list_of_the_metadata() -> None:
    """The kubelet is asked before the API server has answered."""
    ended = followed(meta(A, ended=True))
    cache = cache_of(A)
    tell(cache, ended).settle(1)

    assert {"a": "finished"} == marks(cache, 1)


def test_a_pod_that_is_made_again_under_the_name_of_a_finished_one_is_not_finished() -> None:
    """The API server's word is old: the kubelet did not list the finished one, so what it lists now is another."""
    ended = followed(meta(A, ended=True))
    cache = cache_of(metadata=ended)
    cache.listed(listed(A, EXPORTER), 10)
    cache.settle(10)
    cache.listed(listed(A, EXPORTER), 20)

    assert {"a": "current"} == marks(cache, 20)


def test_a_finished_pod_that_a_young_kubelet_lists_late_is_still_finished() -> None:
    """Its first answer has the static pods alone: what it lacks there is no word on which pod has finished."""
    ended = followed(meta(A, ended=True), meta(EXPORTER))
    cache = cache_of(STATIC, A, metadata=followed(meta(A), meta(EXPORTER)))
    cache.begin(is_young=True)
    tell(cache, ended).settle(1)
    cache.listed(listed(STATIC), 1)
    cache.listed(listed(STATIC, A, EXPORTER), 2)
    cache.settle(2)

    assert "finished" == marks(cache, 2)["a"]


def test_after_an_outage_older_words_finish_nobody() -> None:
    ended = followed(meta(A, ended=True))
    cache = cache_of(metadata=ended)
    tell(cache, lost(ended)).settle(1)
    cache.listed(listed(A, EXPORTER), 10)
    tell(cache, ended).settle(20)

    assert {"a": "current"} == marks(cache, 20)


# what is free


def free(cache: Cache, now: float, metadata: Metadata | None = None) -> Unknown:
    tell(cache, metadata).settle(now)
    return unknown(cache, now)


def test_nothing_is_known_before_the_witness_was_listed_once_and_all_is_from_then_on() -> None:
    cache = Cache(INSIDE, Waits(HOLD, MAX_AGE, GRACE))
    cache.begin(is_young=True)
    cache.listed(listed(A, B), 0)
    assert free(cache, 5).everything

    cache.listed(listed(A, B, EXPORTER), 6)
    assert free(cache, 8).everything
    assert Unknown() == free(cache, 9)
    cache.begin(is_young=True)
    assert Unknown() == free(cache, 10)


AWAY = lost(followed())
"""The API server was followed once."""


def test_what_an_old_retained_pod_held_is_not_known_to_be_free_until_it_ends() -> None:
    cache = cache_of(A)
    cache.begin(is_young=True)
    cache.listed(listed(STATIC), 10)
    assert Unknown() == free(cache, MAX_AGE - 1, AWAY)

    assert Unknown(resources=frozenset({GPU})) == free(cache, MAX_AGE, AWAY)
    assert {"proxy-n1": "current"} == marks(cache, MAX_AGE)
    settled(cache, 1000)
    assert Unknown() == free(cache, 1000 + HOLD)


def test_without_metadata_a_kubelet_that_does_not_get_its_pods_may_have_others_than_were_listed() -> None:
    """What it started between the last List and its restart is known to nobody else."""
    cache = cache_of(A)
    cache.begin(is_young=True)
    cache.listed(listed(STATIC), 10)
    assert Unknown() == free(cache, 10 + LATE_SECONDS - 1)
    assert free(cache, 10 + LATE_SECONDS).everything
    assert {"a": "retained", "proxy-n1": "current"} == marks(cache, 10 + LATE_SECONDS)
    assert Unknown() == free(cache, 10 + LATE_SECONDS, AWAY)

    cache.listed(listed(STATIC, A, EXPORTER), 30)
    assert Unknown() == free(cache, 30)


def test_what_an_old_retained_pod_held_by_a_claim_is_not_known_to_be_free() -> None:
    """The metadata may never have heard of the pod: then its claim is in no other source."""
    claiming = pod("c", container("main", claims=[claim_of("train")]))
    cache = cache_of(claiming)
    cache.begin(is_young=True)
    cache.listed(listed(STATIC), 10)

    assert Unknown() == free(cache, MAX_AGE - 1, AWAY)
    assert Unknown(resources=frozenset({"gpu.example.com"})) == free(cache, MAX_AGE, AWAY)


def test_what_a_running_pod_asks_for_is_not_known_until_the_kubelet_says_it() -> None:
    """At once where it ran before the kubelet was heard, else after a poll interval."""
    known = followed(meta(A))
    cache = cache_of(metadata=known)
    assert Unknown(resources=frozenset({GPU})) == free(cache, 1, known)
    cache.got(listed(A), 2)
    assert Unknown() == free(cache, 2, known)

    more = followed(meta(A), meta(B))
    assert Unknown() == free(cache, 3, more)
    assert Unknown() == free(cache, 3 + GRACE - 1, more)
    assert Unknown(resources=frozenset({GPU})) == free(cache, 3 + GRACE, more)
    assert [B.key] == [each.key for each in unlisted(cache, 3 + GRACE)]


def test_an_unlisted_pod_is_waited_for_ten_times_the_hold_down() -> None:
    """Then it is named, for as long as it is said to run and the kubelet does not say it."""
    known = followed(meta(A))
    cache = cache_of(metadata=known)
    settled(cache, 10, metadata=known)
    assert Unknown() != free(cache, 10 * HOLD - 1, known)
    assert [] == given_up(cache, 10 * HOLD - 1)

    assert Unknown() == free(cache, 10 * HOLD, known)
    assert [A.key] == given_up(cache, 10 * HOLD)
    assert [] == given_up(tell(cache, lost(known)), 10 * HOLD)
    tell(cache, known).got(listed(A), 10 * HOLD)
    assert [] == given_up(cache, 10 * HOLD)


def test_a_retained_pod_that_is_given_up_is_named_until_another_kubelet_starts() -> None:
    known = followed(meta(A))
    cache = cache_of(A, metadata=known)
    cache.begin(is_young=True)
    settled(cache, 1, metadata=known)
    cache.settle(10 * HOLD)
    assert [] == given_up(cache, 10 * HOLD)

    assert [Ended(A.key, Rule.MISSING, contradicts=True)] == cache.settle(10 * HOLD + 1)
    for now in (10 * HOLD + 1, 20 * HOLD):
        assert Unknown() == free(cache, now, known)
        assert [A.key] == given_up(cache, now)
    cache.begin(is_young=True)
    assert Unknown(resources=frozenset({GPU})) == free(cache, 20 * HOLD, known)
    assert [] == given_up(cache, 20 * HOLD)


def not_found_twice(cache: Cache, key: PodKey, now: float) -> None:
    cache.not_found(key, now)
    assert key in [each.key for each in unlisted(cache, now)]
    cache.not_found(key, now)


@pytest.mark.parametrize("deny", [not_found_twice, lambda cache, _, now: cache.listed(listed(EXPORTER), now)])
def test_a_pod_that_has_started_since_the_kubelet_did_is_waited_for_until_the_kubelet_denies_it(
    deny: Callable[[Cache, PodKey, float], object],
) -> None:
    """However long ago the kubelet started; one that ran before may only not have come to it yet."""
    before, late = followed(meta(A)), followed(meta(A), meta(B))
    cache = cache_of(metadata=before)
    settled(cache, 1, metadata=before)
    cache.settle(100 * HOLD)
    assert Unknown() == free(cache, 100 * HOLD, late)
    assert Unknown(resources=frozenset({GPU})) == free(cache, 100 * HOLD + GRACE, late)

    deny(cache, B.key, 100 * HOLD + GRACE)
    assert Unknown() == free(cache, 100 * HOLD + GRACE, late)
    assert [A.key, B.key] == given_up(cache, 100 * HOLD + GRACE)

    young = cache_of(metadata=before)
    deny(young, A.key, 2)
    assert [A.key] == [each.key for each in unlisted(young, 2)]


@pytest.mark.parametrize("hold", [0.0, HOLD])
@pytest.mark.parametrize("is_late", [False, True], ids=["it ran before", "it has started since"])
def test_a_pod_that_the_kubelet_was_not_asked_for_is_not_given_up_by_the_clock(hold: float, is_late: bool) -> None:
    """It was made between the last List and the metadata, or its Get fails; without a hold-down too."""
    cache = cache_of(metadata=followed(meta(EXPORTER)) if is_late else None, hold=hold)
    cache.listed(listed(EXPORTER), 2)
    known = followed(meta(A), meta(EXPORTER))
    free(cache, 3, known)
    for now in (3 + GRACE, 20 * HOLD):
        assert Unknown(resources=frozenset({GPU})) == free(cache, now, known)
        assert [] == given_up(cache, now)

    for _ in range(2 if is_late else 1):
        assert [] == given_up(cache, 20 * HOLD)
        cache.not_found(A.key, 20 * HOLD)
    assert Unknown() == free(cache, 20 * HOLD, known)
    assert [A.key] == given_up(cache, 20 * HOLD)


def test_of_what_could_not_be_read_nothing_is_known_to_be_free_until_the_next_list() -> None:
    cache = cache_of()
    damage = Unknown(resources=frozenset({GPU}))
    cache.listed(replace(listed(EXPORTER), unreadable=damage), 1)
    assert damage == free(cache, 1)
    assert damage == cache.unreadable

    cache.listed(listed(EXPORTER), 2)
    assert Unknown() == free(cache, 2)


# the witness


def test_outside_a_pod_any_pod_that_is_not_static_will_do() -> None:
    cache = cache_of(A, site=OUTSIDE)
    cache.begin(is_young=True)
    cache.listed(listed(STATIC), 10)
    assert cache.witness.start.seen_at is None

    cache.listed(listed(STATIC, B), 20)
    assert 20 == cache.witness.start.seen_at


def test_a_wrong_own_name_is_noticed_after_ten_seconds_of_other_pods() -> None:
    cache = Cache(INSIDE, Waits(HOLD, MAX_AGE, GRACE))
    cache.begin(is_young=True)
    for second in range(13):
        cache.listed(listed(STATIC, *([A] if second >= 3 else [])), second)
        cache.settle(second)
        assert not cache.witness.own_is_wrong, second
    cache.listed(listed(STATIC, A), 13)
    assert Unknown() == free(cache, 13)

    assert cache.witness.own_is_wrong
    cache.listed(listed(EXPORTER), 14)
    assert not cache.witness.own_is_wrong


@pytest.mark.parametrize(
    ("names", "is_witness"),
    [
        (["kube-proxy-ip-10-0-0-1", "etcd-ip-10-0-0-1"], False),
        (["kube-proxy-ip-10-0-0-1", "web-5d8c7b-x2x4p"], True),
        (["kube-proxy-ip-10-0-0-1"], False),
        (["kube-proxy-host"], False),
        ([], False),
    ],
)
def test_where_the_node_s_name_is_guessed_static_pods_are_known_by_ending_alike(
    names: list[str], is_witness: bool
) -> None:
    site = Site("host", node_is_guessed=True)

    assert is_witness == site.has_others([("ns", name) for name in names], None)


def test_a_node_with_static_pods_only_has_no_witness_to_wait_for() -> None:
    """Where followed metadata says so, or where nobody is asked; a young one is given its hold-down."""
    for metadata in (None, followed(meta(STATIC, mirror=True))):
        cache = Cache(OUTSIDE, Waits(HOLD, MAX_AGE, GRACE))
        cache.begin(is_young=True)
        tell(cache, metadata).listed(listed(STATIC), 0)

        assert free(cache, HOLD - 1, metadata).everything
        assert Unknown() == free(cache, HOLD, metadata)


def test_a_young_kubelet_that_has_said_each_running_pod_is_not_waited_for() -> None:
    """Which pods run is known by followed metadata; without it, or while one is unsaid, more may come."""
    for metadata, is_known in (
        (followed(meta(A), meta(EXPORTER)), True),
        (followed(meta(A), meta(EXPORTER), meta(B, runs=False)), True),
        (followed(meta(A), meta(EXPORTER), meta(B)), False),
        (lost(followed(meta(A), meta(EXPORTER))), False),
        (None, False),
    ):
        cache = Cache(INSIDE, Waits(HOLD, MAX_AGE, GRACE))
        cache.begin(is_young=True)
        tell(cache, metadata).listed(listed(A, EXPORTER), 0)

        assert is_known != free(cache, 1, metadata).everything
        assert not free(cache, 3, metadata).everything


# what must hold whatever happens


NAMES = ("a", "b", "c")
KEYS: tuple[PodKey, ...] = tuple(("default", name) for name in NAMES)
steps = st.lists(
    st.sampled_from(("list", "get", "restart", "half", "ends", "remade", "deaf", "hears", "set")).flatmap(
        lambda kind: st.tuples(st.just(kind), st.sampled_from(NAMES), st.floats(0.5, 90.0))
    ),
    max_size=40,
)


class Node:
    """A kubelet with three pods of one GPU each, its API server, and what a cache is told of them."""

    def __init__(self, site: Site) -> None:
        self.cache = Cache(site, Waits(HOLD, MAX_AGE, GRACE))
        self.cache.begin(is_young=False)
        self.now = 0.0
        self.uids = {name: f"{name}-0" for name in NAMES}
        self.knows, self.is_deaf = {*NAMES, "own"}, False
        self.metadata = self._truth()
        self.tell()

    def _truth(self) -> Metadata:
        return followed(*(meta(self.pod(name), self.uids[name]) for name in sorted(self.uids)))

    @staticmethod
    def pod(name: str) -> Pod:
        return pod(name, container("main", gpu(f"GPU-{name}")))

    def tell(self) -> None:
        pods = [self.pod(name) for name in sorted(self.knows & self.uids.keys())]
        own = [EXPORTER] if "own" in self.knows else []
        tell(self.cache, self.metadata).listed(listed(*pods, *own), self.now)

    def _get(self, name: str) -> None:
        if name in self.knows and name in self.uids:
            tell(self.cache, self.metadata).got(listed(self.pod(name)), self.now)
        else:
            tell(self.cache, self.metadata).not_found(("default", name), self.now)

    def _restart(self, _: str) -> None:
        self.knows = set()
        self.cache.begin(is_young=True)
        self.cache.answered(self.now)

    def _end(self, name: str) -> None:
        if not self.is_deaf and name in self.knows:
            self.uids.pop(name, None)

    def _make_again(self, name: str) -> None:
        """Let a pod of the name be admitted, which a kubelet with its API server does, and be seen by its Get."""
        if not self.is_deaf and "own" in self.knows:
            self.uids[name] = f"{name}-{self.now}"
            self.knows.add(name)
            tell(self.cache, self._truth()).got(listed(self.pod(name)), self.now)

    def play(self, kind: str, name: str, seconds: float) -> None:
        """Let so much time go by, and then something happen; the kubelet is heard all the while."""
        for _ in range(int(seconds // 10)):
            self.now += 10
            self.cache.answered(self.now)
            tell(self.cache, self.metadata).settle(self.now)
        self.now += seconds % 10
        self.cache.answered(self.now)
        happenings: dict[str, Callable[[str], None]] = {
            "list": lambda _: self.tell(),
            "get": self._get,
            "restart": self._restart,
            "half": lambda last: self.knows.update({"own"}, (each for each in NAMES if each <= last)),
            "set": lambda _: self.knows.update({"own"}, NAMES),
            "ends": self._end,
            "remade": self._make_again,
        }
        if kind in happenings:
            happenings[kind](name)
        self.is_deaf = {"deaf": True, "hears": False}.get(kind, self.is_deaf)
        self.metadata = lost(self.metadata) if self.is_deaf else self._truth()
        tell(self.cache, self.metadata).settle(self.now)


@settings(deadline=None, max_examples=300)
@given(steps, st.sampled_from((INSIDE, OUTSIDE)))
def test_no_device_that_a_running_pod_holds_is_ever_free_and_no_row_vanishes_unmarked(
    happenings: list[tuple[str, str, float]], site: Site
) -> None:
    """While API server and kubelet come and go; a kubelet says the younger pods of a set within the second."""
    node = Node(site)
    for kind, name, seconds in happenings:
        node.play(kind, name, seconds)
        if kind == "half":
            node.knows |= {*NAMES}
        shown = {each.pod.name for each in tell(node.cache, node.metadata).pods(node.now) if not each.is_finished}
        doubt = unknown(node.cache, node.now)
        for running in node.uids:
            assert running in shown or doubt.covers(GPU), (running, node.now)


@settings(deadline=None, max_examples=200)
@given(steps, st.sampled_from((INSIDE, OUTSIDE)))
def test_every_wait_ends_once_its_cause_is_over(happenings: list[tuple[str, str, float]], site: Site) -> None:
    """The kubelet has all its pods and the API server is heard: soon nothing is retained, and everything is known."""
    node = Node(site)
    for happening in happenings:
        node.play(*happening)
    node.is_deaf = False
    node.play("set", "a", 1)
    for _ in range(8):
        node.play("list", "a", 10)

    assert dict.fromkeys(node.uids, "current") == marks(tell(node.cache, node.metadata), node.now)
    assert Unknown() == unknown(node.cache, node.now)
