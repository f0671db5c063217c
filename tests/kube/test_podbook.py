"""What is known, how long it counts, and what is said of it."""

import logging
from collections.abc import Collection

import pytest
from fake_clock import FakeClock

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.podbook import BACKLOG_SECONDS, GRACE_SECONDS, LOADING_SECONDS, SYNCED_SECONDS, PodBook
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
def book(clock: FakeClock, told: Told) -> PodBook:
    book = PodBook(clock)
    book.changed = told
    return book


def broken(reason: Reason = Reason.UNAVAILABLE, verb: str = "watch", detail: str = "gone away") -> ApiServerError:
    return ApiServerError(verb, reason, detail)


def state(book: PodBook) -> tuple[bool, bool, bool]:
    """Return synced, is_up, is_away."""
    metadata = book.metadata()
    return metadata.synced, metadata.is_up, metadata.is_away


def test_nothing_is_known_before_the_first_list(book: PodBook) -> None:
    assert (False, False, False) == state(book)
    assert {} == book.metadata().pods
    assert book.metadata().last_success_seconds is None


def test_a_list_and_the_events_after_it_are_what_is_known(book: PodBook, clock: FakeClock, told: Told) -> None:
    book.listed([A], is_complete=True)
    book.added(B)
    book.removed(A.key, A.uid)

    assert {B.key: B} == book.metadata().pods
    assert (True, True, False) == state(book)
    assert clock.wall_seconds() == book.metadata().last_success_seconds
    assert [set(), {B.key}, {A.key}] == told.take()


def test_the_pods_of_the_first_list_are_no_news(book: PodBook, told: Told) -> None:
    """The kubelet has just listed them: asked for one by one they would keep it, and us, busy until the next poll."""
    book.listed([A, B], is_complete=True)
    book.listed([A], is_complete=True)

    assert [set(), {B.key}] == told.take()


def test_what_is_no_news_is_not_told(book: PodBook, told: Told) -> None:
    book.listed([A], is_complete=True)
    told.take()
    book.listed([A], is_complete=True)
    book.added(A)
    book.removed(B.key, B.uid)
    book.removed(A.key, "the-old-uid")
    book.heard()
    book.opened()

    assert [] == told.take()


def test_a_node_without_pods_is_news_at_first(book: PodBook, told: Told) -> None:
    book.listed([], is_complete=True)

    assert [set()] == told.take()


def test_what_was_published_never_changes(book: PodBook) -> None:
    book.listed([A], is_complete=True)
    before = book.metadata()
    book.added(B)
    book.failed(broken())

    assert ({A.key: A}, True) == (before.pods, before.is_up)


def test_a_list_with_gaps_is_not_synced(book: PodBook) -> None:
    """A pod that could not be read is not gone."""
    book.listed([A], is_complete=False)

    assert (False, True, False) == state(book)


@pytest.mark.parametrize("contact", ["listed", "added", "removed", "heard"])
def test_it_is_synced_for_as_long_as_the_server_is_heard(book: PodBook, clock: FakeClock, contact: str) -> None:
    book.listed([A], is_complete=True)
    clock.advance(SYNCED_SECONDS - 1)
    match contact:
        case "listed":
            book.listed([A], is_complete=True)
        case "added":
            book.added(A)
        case "removed":
            book.removed(A.key, "another")
        case _:
            book.heard()
    clock.advance(SYNCED_SECONDS - 1)
    assert (True, True, False) == state(book)

    clock.advance(1)
    assert (False, False, False) == state(book)
    assert {A.key: A} == book.metadata().pods


def test_a_stream_that_has_said_nothing_yet_makes_nothing_younger(book: PodBook, clock: FakeClock) -> None:
    book.listed([A], is_complete=True)
    clock.advance(SYNCED_SECONDS - 1)
    book.opened()
    clock.advance(1)

    assert not book.metadata().synced


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
def test_a_failure_changes_nothing_for_a_poll_interval_and_then_nothing_is_followed(
    book: PodBook, clock: FakeClock, told: Told, reason: Reason, is_away: bool
) -> None:
    """Most failures are over by then; after it nothing may be decided by older words as if they were new."""
    book.listed([A], is_complete=True)
    told.take()
    book.failed(broken(reason))
    clock.advance(GRACE_SECONDS - 1)
    book.failed(broken(reason))

    assert (True, True, is_away) == state(book)
    clock.advance(1)
    assert (False, False, is_away) == state(book)
    assert {A.key: A} == book.metadata().pods
    assert [set()] * is_away == told.take()


@pytest.mark.parametrize("grace", [1.0, 60.0])
def test_the_grace_is_what_the_book_is_given(clock: FakeClock, grace: float) -> None:
    book = PodBook(clock, grace)
    book.listed([A], is_complete=True)
    book.failed(broken())
    clock.advance(grace - 0.5)
    assert book.metadata().synced

    clock.advance(0.5)
    assert not book.metadata().synced


def test_a_version_that_has_expired_is_no_outage_but_must_be_mended_as_soon(
    book: PodBook, clock: FakeClock, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    book.listed([A], is_complete=True)
    caplog.clear()
    told.take()
    book.failed(broken(Reason.GONE))
    clock.advance(GRACE_SECONDS - 1)

    assert (True, True, False) == state(book)
    assert [] == told.take()
    assert [] == caplog.records
    clock.advance(1)
    assert (False, False, False) == state(book)


@pytest.mark.parametrize("reason", [Reason.GONE, Reason.TIMEOUT, Reason.MALFORMED])
def test_where_events_were_lost_only_a_list_makes_it_whole(book: PodBook, clock: FakeClock, reason: Reason) -> None:
    book.listed([A], is_complete=True)
    book.failed(broken(reason))
    clock.advance(GRACE_SECONDS)
    book.opened()
    clock.advance(BACKLOG_SECONDS)
    book.heard()
    assert not book.metadata().synced

    book.listed([A], is_complete=True)
    assert (True, True, False) == state(book)


def test_a_watch_that_opens_ends_a_short_interruption(book: PodBook, clock: FakeClock) -> None:
    book.listed([A], is_complete=True)
    book.failed(broken())
    clock.advance(GRACE_SECONDS - 1)
    book.opened()
    clock.advance(GRACE_SECONDS)

    assert (True, True, False) == state(book)


def test_after_an_outage_a_watch_has_to_catch_up_before_it_is_followed(book: PodBook, clock: FakeClock) -> None:
    """It goes on from an old version: what happened meanwhile is still on its way, and what is known is as old."""
    book.listed([A], is_complete=True)
    book.failed(broken())
    clock.advance(60)
    book.opened()
    assert not book.metadata().synced

    book.added(B)
    assert (True, True, False) == state(book)


def test_a_watch_that_has_nothing_to_catch_up_with_is_followed_after_a_second(book: PodBook, clock: FakeClock) -> None:
    """On a quiet node the first word may be a bookmark, a minute later."""
    book.listed([A], is_complete=True)
    book.failed(broken())
    clock.advance(60)
    book.opened()
    clock.advance(BACKLOG_SECONDS)
    assert (True, True, False) == state(book)

    book.failed(broken())
    assert book.metadata().synced
    clock.advance(GRACE_SECONDS)
    assert not book.metadata().synced


def test_an_outage_is_logged_at_its_beginning_and_at_its_end(
    book: PodBook, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    book.listed([A], is_complete=True)
    for _ in range(3):
        book.failed(broken())
        clock.advance(10)
    book.listed([A], is_complete=True)
    book.added(B)

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
    book: PodBook, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the server was away before."""
    for _ in range(2):
        book.failed(broken())
        book.failed(broken(Reason.DENIED, "list", FORBIDDEN))
        clock.advance(LOADING_SECONDS)
        book.failed(broken(Reason.DENIED, "list", FORBIDDEN))
        book.failed(broken(Reason.DENIED, "list", FORBIDDEN))
        book.listed([], is_complete=True)

    found = [each for each in caplog.records if each.message == "metadata.forbidden"]
    assert 2 == len(found)
    assert "verbs: [list, watch]" in vars(found[0])["missing"]
    assert "ServiceAccount podres in namespace monitoring" in vars(found[0])["missing"]


def test_roles_that_are_not_loaded_yet_are_no_missing_right(
    book: PodBook, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An API server that has just started refuses everybody for a moment; without an outage before, it is meant."""
    loading = f'{FORBIDDEN}: RBAC: [clusterrole.rbac.authorization.k8s.io "system:basic-user" not found, ...]'
    book.failed(broken())
    for text in (FORBIDDEN, loading, loading):
        book.failed(broken(Reason.DENIED, "list", text))
    assert ["source.down", "metadata.roles_not_loaded"] == [each.message for each in caplog.records]

    clock.advance(LOADING_SECONDS)
    book.failed(broken(Reason.DENIED, "list", loading))
    assert "metadata.forbidden" == caplog.records[-1].message


def test_without_a_listener_everything_works(clock: FakeClock) -> None:
    book = PodBook(clock)
    book.listed([A], is_complete=True)

    assert book.metadata().synced
