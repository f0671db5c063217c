"""The pod cache: its content, its freshness, and what is reported of it."""

import logging
from collections.abc import Collection
from dataclasses import replace

import pytest
from fake_clock import FakeClock

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.pods.cache import BACKLOG_SECONDS, GRACE_SECONDS, LOADING_SECONDS, SYNCED_SECONDS, PodCache
from podres_exporter.model import PodKey, PodMeta

A, B = (PodMeta("ml", name, f"uid-{name}") for name in "ab")
FORBIDDEN = (
    'HTTP 403: pods is forbidden: User "system:serviceaccount:monitoring:podres" cannot list resource "pods" '
    'in API group "" at the cluster scope'
)


class Told:
    """The listener."""

    def __init__(self) -> None:
        self.keys: list[set[PodKey]] = []

    def __call__(self, keys: Collection[PodKey]) -> None:
        self.keys.append(set(keys))

    def take(self) -> list[set[PodKey]]:
        """Return what was told since the last time."""
        keys, self.keys = self.keys, []
        return keys


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def cache(clock: FakeClock, told: Told) -> PodCache:
    cache = PodCache(clock)
    cache.changed = told
    return cache


def broken(reason: Reason = Reason.UNAVAILABLE, verb: str = "watch", detail: str = "gone away") -> ApiServerError:
    return ApiServerError(verb, reason, detail)


def state(cache: PodCache) -> tuple[bool, bool, bool]:
    """Return synced, is_up, is_away."""
    metadata = cache.metadata()
    return metadata.synced, metadata.is_up, metadata.is_away


def test_nothing_is_known_before_the_first_list(cache: PodCache) -> None:
    assert (False, False, False) == state(cache)
    assert {} == cache.metadata().pods
    assert cache.metadata().last_success_seconds is None


def test_a_list_and_the_events_after_it_are_what_is_known(cache: PodCache, clock: FakeClock, told: Told) -> None:
    cache.listed([A], is_complete=True)
    cache.added(B)
    cache.removed(A.key, A.uid)

    assert {B.key: B} == cache.metadata().pods
    assert (True, True, False) == state(cache)
    assert clock.wall_seconds() == cache.metadata().last_success_seconds
    assert [set(), {B.key}, {A.key}] == told.take()


def test_the_pods_of_the_first_list_are_no_news(cache: PodCache, told: Told) -> None:
    """The kubelet has just listed them: asked for one by one they would keep it, and us, busy until the next poll."""
    cache.listed([A, B], is_complete=True)
    cache.listed([A], is_complete=True)

    assert [set(), {B.key}] == told.take()


def test_what_is_no_news_is_not_told(cache: PodCache, told: Told) -> None:
    cache.listed([A], is_complete=True)
    told.take()
    cache.listed([A], is_complete=True)
    cache.added(A)
    cache.removed(B.key, B.uid)
    cache.removed(A.key, "the-old-uid")
    cache.heard()
    cache.opened()

    assert [] == told.take()


def test_a_node_without_pods_is_news_at_first(cache: PodCache, told: Told) -> None:
    cache.listed([], is_complete=True)

    assert [set()] == told.take()


def test_what_was_published_never_changes(cache: PodCache) -> None:
    cache.listed([A], is_complete=True)
    before = cache.metadata()
    cache.added(B)
    cache.failed(broken())

    assert ({A.key: A}, True) == (before.pods, before.is_up)


def test_a_list_with_gaps_is_not_synced(cache: PodCache) -> None:
    """A pod that could not be read is not gone."""
    cache.listed([A], is_complete=False)

    assert (False, True, False) == state(cache)


@pytest.mark.parametrize("contact", ["listed", "added", "removed", "heard"])
def test_it_is_synced_for_as_long_as_the_server_is_heard(cache: PodCache, clock: FakeClock, contact: str) -> None:
    cache.listed([A], is_complete=True)
    clock.advance(SYNCED_SECONDS - 1)
    match contact:
        case "listed":
            cache.listed([A], is_complete=True)
        case "added":
            cache.added(A)
        case "removed":
            cache.removed(A.key, "another")
        case _:
            cache.heard()
    clock.advance(SYNCED_SECONDS - 1)
    assert (True, True, False) == state(cache)

    clock.advance(1)
    assert (False, False, False) == state(cache)
    assert {A.key: A} == cache.metadata().pods


def test_a_stream_that_has_said_nothing_yet_makes_nothing_younger(cache: PodCache, clock: FakeClock) -> None:
    cache.listed([A], is_complete=True)
    clock.advance(SYNCED_SECONDS - 1)
    cache.opened()
    clock.advance(1)

    assert not cache.metadata().synced


@pytest.mark.parametrize(
    ("reason", "is_away"),
    [
        (Reason.UNAVAILABLE, True),
        (Reason.THROTTLED, False),
        (Reason.DENIED, False),
        (Reason.TIMEOUT, True),
        (Reason.MALFORMED, False),
        (Reason.TOO_LARGE, False),
        (Reason.INTERNAL, False),
    ],
)
@pytest.mark.faults("API server down, hanging, throttling or refusing (401, 403), for less than a poll interval")
def test_a_failure_changes_nothing_for_a_poll_interval_and_then_nothing_is_followed(
    cache: PodCache, clock: FakeClock, told: Told, reason: Reason, is_away: bool
) -> None:
    """Most failures are over by then; after it nothing may be decided by older words (findings R3, R9)."""
    cache.listed([A], is_complete=True)
    told.take()
    cache.failed(broken(reason))
    clock.advance(GRACE_SECONDS - 1)
    cache.failed(broken(reason))

    assert (True, True, is_away) == state(cache)
    clock.advance(1)
    assert (False, False, is_away) == state(cache)
    assert reason is cache.metadata().reason
    assert {A.key: A} == cache.metadata().pods
    assert [set()] * is_away == told.take()


@pytest.mark.parametrize("grace", [1.0, 60.0])
def test_the_grace_is_what_the_book_is_given(clock: FakeClock, grace: float) -> None:
    cache = PodCache(clock, grace)
    cache.listed([A], is_complete=True)
    cache.failed(broken())
    clock.advance(grace - 0.5)
    assert cache.metadata().synced

    clock.advance(0.5)
    assert not cache.metadata().synced


def test_a_version_that_has_expired_is_no_outage_but_must_be_mended_as_soon(
    cache: PodCache, clock: FakeClock, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    cache.listed([A], is_complete=True)
    caplog.clear()
    told.take()
    cache.failed(broken(Reason.GONE))
    clock.advance(GRACE_SECONDS - 1)

    assert (True, True, False) == state(cache)
    assert [] == told.take()
    assert [] == caplog.records
    clock.advance(1)
    assert (False, False, False) == state(cache)


@pytest.mark.parametrize("reason", [Reason.GONE, Reason.TIMEOUT, Reason.MALFORMED])
def test_where_events_were_lost_only_a_list_makes_it_whole(cache: PodCache, clock: FakeClock, reason: Reason) -> None:
    cache.listed([A], is_complete=True)
    cache.failed(broken(reason))
    clock.advance(GRACE_SECONDS)
    cache.opened()
    clock.advance(BACKLOG_SECONDS)
    cache.heard()
    assert not cache.metadata().synced

    cache.listed([A], is_complete=True)
    assert (True, True, False) == state(cache)


def test_a_watch_that_opens_ends_a_short_interruption(cache: PodCache, clock: FakeClock) -> None:
    cache.listed([A], is_complete=True)
    cache.failed(broken())
    clock.advance(GRACE_SECONDS - 1)
    cache.opened()
    clock.advance(GRACE_SECONDS)

    assert (True, True, False) == state(cache)


def test_after_an_outage_a_watch_has_to_catch_up_before_it_is_followed(cache: PodCache, clock: FakeClock) -> None:
    """It goes on from an old version: what happened meanwhile is still on its way, and what is known is as old."""
    cache.listed([A], is_complete=True)
    cache.failed(broken())
    clock.advance(60)
    cache.opened()
    assert not cache.metadata().synced

    cache.added(B)
    assert (True, True, False) == state(cache)


def test_a_watch_that_has_nothing_to_catch_up_with_is_followed_after_a_second(
    cache: PodCache, clock: FakeClock
) -> None:
    """On a quiet node the first word may be a bookmark, a minute later."""
    cache.listed([A], is_complete=True)
    cache.failed(broken())
    clock.advance(60)
    cache.opened()
    clock.advance(BACKLOG_SECONDS)
    assert (True, True, False) == state(cache)

    cache.failed(broken())
    assert cache.metadata().synced
    clock.advance(GRACE_SECONDS)
    assert not cache.metadata().synced


def test_an_outage_is_logged_at_its_beginning_and_at_its_end(
    cache: PodCache, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cache.listed([A], is_complete=True)
    for _ in range(3):
        cache.failed(broken())
        clock.advance(10)
    cache.listed([A], is_complete=True)
    cache.added(B)

    assert ["source.up", "source.down", "source.up"] == [each.message for each in caplog.records]
    told = [vars(each) for each in caplog.records]
    assert "outage_seconds" not in told[0]
    assert ("metadata", "unavailable", "watch: gone away") == (
        told[1]["source"],
        told[1]["reason"],
        told[1]["detail"],
    )
    assert ("metadata", 30.0) == (told[2]["source"], told[2]["outage_seconds"])


def test_a_missing_right_is_spelt_out_once_for_each_outage(
    cache: PodCache, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the server was away before."""
    for _ in range(2):
        cache.failed(broken())
        cache.failed(broken(Reason.DENIED, "list", FORBIDDEN))
        clock.advance(LOADING_SECONDS)
        cache.failed(broken(Reason.DENIED, "list", FORBIDDEN))
        cache.failed(broken(Reason.DENIED, "list", FORBIDDEN))
        cache.listed([], is_complete=True)

    found = [each for each in caplog.records if each.message == "metadata.forbidden"]
    assert 2 == len(found)
    assert "verbs: [list, watch]" in vars(found[0])["missing"]
    assert "ServiceAccount podres in namespace monitoring" in vars(found[0])["missing"]


@pytest.mark.faults("API server has just started and refuses everything (`RBAC: ... not found`)")
def test_roles_that_are_not_loaded_yet_are_no_missing_right(
    cache: PodCache, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An API server that has just started refuses everybody for a moment; without an outage before, it is meant."""
    loading = f'{FORBIDDEN}: RBAC: [clusterrole.rbac.authorization.k8s.io "system:basic-user" not found, ...]'
    cache.failed(broken())
    for text in (FORBIDDEN, loading, loading):
        cache.failed(broken(Reason.DENIED, "list", text))
    assert ["source.down", "metadata.roles_not_loaded"] == [each.message for each in caplog.records]

    clock.advance(LOADING_SECONDS)
    cache.failed(broken(Reason.DENIED, "list", loading))
    assert "metadata.forbidden" == caplog.records[-1].message


def test_without_a_listener_everything_works(clock: FakeClock) -> None:
    cache = PodCache(clock)
    cache.listed([A], is_complete=True)

    assert cache.metadata().synced


def test_another_container_id_is_kept_and_is_no_news(cache: PodCache, told: Told) -> None:
    """A container's restart changes nothing that the kubelet lists, so the kubelet is not called."""
    first, second = (replace(A, running_ids=(("main", each),)) for each in ("id1", "id2"))
    cache.added(first)
    told.take()

    cache.added(second)

    assert [] == told.take()
    assert second.running_ids == cache.metadata().pods[A.key].running_ids
    cache.listed([first], is_complete=True)
    assert [] == [keys for keys in told.take() if keys]
    assert first.running_ids == cache.metadata().pods[A.key].running_ids
