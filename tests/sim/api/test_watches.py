"""Watches: events, their order, bookmarks and end."""

import pytest
from api_rig import Client, pod
from fake_clock import FakeClock

from podres_exporter.sim.api import NODES, PODS, ApiServer, Store
from podres_exporter.sim.api.reads.watch import Schedule

WATCH_LIST = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"


def test_a_watch_goes_on_from_its_version(store: Store, client: Client) -> None:
    store.create(PODS, pod("old"))
    version = store.version
    store.create(PODS, pod("missed"))
    with client.watch(f"/api/v1/pods?resourceVersion={version}") as stream:
        store.update(PODS, pod("old", phase="Failed"))
        store.create(NODES, {"metadata": {"name": "n1"}})
        store.delete(PODS, "ml", "old")

        assert ["ADDED missed", "MODIFIED old", "DELETED old"] == stream.brief(3)


def test_events_carry_kind_and_version_and_a_deletion_its_own(store: Store, client: Client) -> None:
    """The version of a DELETED object is that of the deletion, so that a client can go on from it."""
    store.create(PODS, pod("a"))
    with client.watch(f"/api/v1/pods?resourceVersion={store.version}") as stream:
        deleted = store.delete(PODS, "ml", "a")
        kind, item = stream.event()

        assert ("DELETED", "Pod", "v1") == (kind, item["kind"], item["apiVersion"])
        assert str(deleted.version) == item["metadata"]["resourceVersion"]


@pytest.mark.parametrize("version", ["", "resourceVersion=0"])
def test_a_watch_without_a_version_begins_with_the_present(store: Store, client: Client, version: str) -> None:
    store.create(PODS, pod("b"))
    store.create(PODS, pod("a"))
    with client.watch(f"/api/v1/pods?{version}") as stream:
        store.create(PODS, pod("c"))

        assert ["ADDED a", "ADDED b", "ADDED c"] == stream.brief(3)


def test_a_watch_list_says_where_the_present_ends(store: Store, client: Client) -> None:
    """KEP 3157: a bookmark with the annotation k8s.io/initial-events-end."""
    store.create(PODS, pod("a"))
    with client.watch(f"/api/v1/pods?{WATCH_LIST}") as stream:
        first = stream.brief(1)
        kind, item = stream.event()
        store.create(PODS, pod("b"))

        assert (["ADDED a"], "BOOKMARK") == (first, kind)
        assert {"k8s.io/initial-events-end": "true"} == item["metadata"]["annotations"]
        assert {"containers": None} == item["spec"]
        assert ["ADDED b"] == stream.brief(1)


def test_a_watch_list_of_a_version_from_the_future_is_refused(client: Client) -> None:
    assert 504 == client.get(f"/api/v1/pods?watch=true&{WATCH_LIST}&resourceVersion=99").code


def test_without_initial_events_only_changes_come(store: Store, client: Client) -> None:
    store.create(PODS, pod("a"))
    query = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    with client.watch(f"/api/v1/pods?{query}") as stream:
        store.create(PODS, pod("b"))

        assert ["ADDED b"] == stream.brief(1)


def test_an_expired_watch_is_200_with_an_error_event_and_ends(store: Store, client: Client) -> None:
    """Measured on 1.36.3: HTTP 200, `too old resource version: 1 (343)`, then the stream closes."""
    store.create(PODS, pod("a"))
    store.compact()
    with client.watch("/api/v1/pods?resourceVersion=1") as stream:
        kind, status = stream.event()

        assert (200, "ERROR", 410, "Expired") == (stream.code, kind, status["code"], status["reason"])
        assert f"too old resource version: 1 ({store.version})" == status["message"]
        assert b"" == stream.line()


def test_compaction_leaves_open_watches_alone(store: Store, client: Client) -> None:
    with client.watch("/api/v1/pods") as stream:
        store.create(PODS, pod("a"))
        store.compact()

        assert ["ADDED a"] == stream.brief(1)


def test_a_watch_from_the_future_is_silent_until_then(store: Store, clock: FakeClock, client: Client) -> None:
    """Not even bookmarks come: they would tell a version before the one that the client has."""
    store.create(PODS, pod("a"))
    ahead = store.version + 2
    with client.watch(f"/api/v1/pods?resourceVersion={ahead}&allowWatchBookmarks=true") as stream:
        clock.advance(61)
        for name in ("b", "c", "d"):
            store.create(PODS, pod(name))

        assert ["ADDED d"] == stream.brief(1)


def test_a_selector_sees_objects_come_and_go(store: Store, client: Client) -> None:
    """A change out of the selection is DELETED with its last selected state (convertToWatchEvent)."""
    with client.watch("/api/v1/pods?fieldSelector=status.phase%3DRunning") as stream:
        store.create(PODS, pod("a", phase="Pending"))
        store.update(PODS, pod("a", phase="Running"))
        store.update(PODS, pod("a", phase="Running", labels={"x": "y"}))
        failed = store.update(PODS, pod("a", phase="Failed"))
        store.delete(PODS, "ml", "a")
        store.create(PODS, pod("b"))
        assert failed is not None

        assert ["ADDED a", "MODIFIED a"] == stream.brief(2)
        kind, item = stream.event()
        assert ("DELETED", "Running", str(failed.version)) == (
            kind,
            item["status"]["phase"],
            item["metadata"]["resourceVersion"],
        )
        assert ["ADDED b"] == stream.brief(1)


def test_a_namespaced_watch_has_only_that_namespace(store: Store, client: Client) -> None:
    with client.watch("/api/v1/namespaces/ml/pods?labelSelector=app") as stream:
        store.create(PODS, pod("a", labels={"app": "x"}, namespace="other"))
        store.create(PODS, pod("b"))
        store.create(PODS, pod("c", labels={"app": "x"}))

        assert ["ADDED c"] == stream.brief(1)


def test_bookmarks_come_every_minute_and_only_when_asked_for(store: Store, clock: FakeClock, client: Client) -> None:
    """With the version of the whole store: other kinds move it too, on a node without pods as well."""
    path = "/api/v1/pods?resourceVersion=1"
    with client.watch(f"{path}&allowWatchBookmarks=true") as asked, client.watch(path) as plain:
        store.create(NODES, {"metadata": {"name": "n1"}})
        clock.advance(60)
        first = asked.brief(1)
        store.create(NODES, {"metadata": {"name": "n2"}})
        clock.advance(60)

        assert (["BOOKMARK 2"], ["BOOKMARK 3"]) == (first, asked.brief(1))
        store.create(PODS, pod("a"))
        assert ["ADDED a"] == plain.brief(1)


def test_a_watch_ends_after_its_time_with_two_bookmarks_before(clock: FakeClock, client: Client) -> None:
    with client.watch("/api/v1/pods?resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=10") as stream:
        clock.advance(8)
        first = stream.brief(1)
        clock.advance(1)
        second = stream.brief(1)
        clock.advance(1)

        assert (["BOOKMARK 1"], ["BOOKMARK 1"], b"") == (first, second, stream.line())


def test_the_moments_of_a_watch_are_those_of_the_real_one() -> None:
    """Measured on 1.36.3: about every minute, and twice just before timeoutSeconds ends."""
    schedule = Schedule(100.0, 190.0)
    bookmarks = [second for second in range(191) for _ in range(schedule.due_bookmarks(100.0 + second))]

    assert [60, 120, 180, 188, 189] == bookmarks
    assert [False, True] == [schedule.is_over(289.9), schedule.is_over(290.0)]


def test_minutes_slept_through_are_one_bookmark() -> None:
    schedule = Schedule(0.0, 1800.0)

    assert [1, 0, 1] == [schedule.due_bookmarks(now) for now in (600.0, 659.0, 660.0)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        (
            "resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        ("sendInitialEvents=true&resourceVersionMatch=Exact", 'supported values: "NotOlderThan"'),
        (f"{WATCH_LIST}&continue=x", "resourceVersionMatch is forbidden when continue is provided"),
    ],
)
def test_watch_options_that_make_no_sense_are_invalid(client: Client, query: str, message: str) -> None:
    reply = client.get(f"/api/v1/pods?watch=true&{query}")

    assert (422, True) == (reply.code, message in reply.json["message"])


@pytest.mark.parametrize(
    ("value", "verb"), [("true", "watch"), ("1", "watch"), ("", "watch"), ("false", "list"), ("0", "list")]
)
def test_the_watch_flag_is_read_as_the_real_server_does(
    server: ApiServer, client: Client, value: str, verb: str
) -> None:
    """Everything but `false`, `0` and absence is true (Convert_Slice_string_To_bool)."""
    connection = client.connect()
    connection.request("GET", f"/api/v1/pods?watch={value}")
    connection.getresponse()
    connection.close()

    assert {(verb, "/api/v1/pods", 200): 1} == server.requests.counts


def test_the_connection_can_be_used_again_after_a_watch(store: Store, clock: FakeClock, client: Client) -> None:
    connection = client.connect()
    connection.request("GET", "/api/v1/pods?watch=1&timeoutSeconds=5")
    response = connection.getresponse()
    assert "chunked" == response.getheader("Transfer-Encoding")
    clock.advance(5)
    assert b"" == response.read()
    connection.request("GET", "/api/v1/pods")

    assert str(store.version).encode() in connection.getresponse().read()
    connection.close()


def test_a_lost_feed_ends_the_watch(clock: FakeClock) -> None:
    """Whoever does not keep up is cut off, and has to list again."""
    store = Store(clock, history_limit=1)
    with ApiServer(store, clock) as server, Client(server.url).watch("/api/v1/pods?resourceVersion=1") as stream:
        store.subscribe(lambda _: None)
        with store._changed:  # noqa: SLF001 - nothing else makes three changes at once for sure
            for name in ("a", "b", "c"):
                store.create(PODS, pod(name, namespace="default"))

        assert b"" == stream.line()
