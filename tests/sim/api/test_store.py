"""The object store: versions, changes and conflicts."""

import threading

import pytest
from api_rig import names, pod
from fake_clock import FakeClock

from podres_exporter.sim.api import NAMESPACES, NODES, PODS, Event, EventType, StatusError, Store


def test_every_change_of_any_kind_raises_the_one_version(store: Store) -> None:
    """A fresh store has made its namespace `default`; a new namespace comes with its first pod."""
    versions = [
        store.version,
        store.create(NODES, {"metadata": {"name": "n1"}}).version,
        store.create(PODS, pod("a", namespace="default")).version,
        store.create(PODS, pod("b", namespace="new")).version,
        store.delete(PODS, "new", "b").version,
    ]

    assert [1, 2, 3, 5, 6] == versions
    assert ["default", "new"] == names(list(store.read(NAMESPACES)[0]))


def test_a_new_object_gets_kind_uid_time_and_version(store: Store) -> None:
    event = store.create(PODS, pod("a"))

    assert ("Pod", "v1") == (event.item["kind"], event.item["apiVersion"])
    assert "2023-11-14T22:13:20Z" == event.item["metadata"]["creationTimestamp"]
    assert str(event.version) == event.item["metadata"]["resourceVersion"]
    assert 36 == len(event.item["metadata"]["uid"])


def test_the_owner_may_bring_uid_and_time(store: Store) -> None:
    event = store.create(PODS, pod("a", uid="u1", creationTimestamp="2020-01-01T00:00:00Z"))

    assert ("u1", "2020-01-01T00:00:00Z") == (
        event.item["metadata"]["uid"],
        event.item["metadata"]["creationTimestamp"],
    )


def test_the_same_calls_give_the_same_uids_and_a_recreated_pod_another(clock: FakeClock) -> None:
    def uids() -> list[str]:
        store = Store(clock)
        first = store.create(PODS, pod("a"))
        store.delete(PODS, "ml", "a")
        return [each.item["metadata"]["uid"] for each in (first, store.create(PODS, pod("a")))]

    assert uids() == uids()
    assert 2 == len(set(uids()))


def test_what_is_stored_is_a_copy(store: Store) -> None:
    given = pod("a")
    store.create(PODS, given)
    given["spec"]["nodeName"] = "changed"

    assert "n1" == store.get(PODS, "ml", "a")["spec"]["nodeName"]


def test_an_update_keeps_uid_and_time_and_says_what_was_before(store: Store) -> None:
    created = store.create(PODS, pod("a"))
    updated = store.update(PODS, pod("a", phase="Succeeded"))

    assert updated is not None
    assert (EventType.MODIFIED, created.item) == (updated.type, updated.previous)
    assert created.item["metadata"]["uid"] == updated.item["metadata"]["uid"]
    assert "Succeeded" == updated.item["status"]["phase"]


def test_an_update_that_changes_nothing_is_no_event(store: Store) -> None:
    """The real server does not write an unchanged object either (etcd3 store.GuaranteedUpdate)."""
    created = store.create(PODS, pod("a"))

    assert store.update(PODS, pod("a")) is None
    assert created.version == store.version


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (lambda store: store.get(PODS, "ml", "x"), (404, 'pods "x" not found')),
        (lambda store: store.update(PODS, pod("x")), (404, 'pods "x" not found')),
        (lambda store: store.delete(PODS, "ml", "x"), (404, 'pods "x" not found')),
        (lambda store: store.create(PODS, pod("a")), (409, 'pods "a" already exists')),
        (
            lambda store: store.create(PODS, {"metadata": {"name": "x"}}),
            (400, "an empty namespace may not be set during creation"),
        ),
        (
            lambda store: store.update(PODS, pod("a", resourceVersion="1")),
            (
                409,
                (
                    'Operation cannot be fulfilled on pods "a": the object has been modified; '
                    "please apply your changes to the latest version and try again"
                ),
            ),
        ),
        (lambda store: store.read(PODS, 99), (504, "Timeout: Too large resource version: 99, current: 3")),
    ],
)
def test_what_cannot_be_done_is_refused_as_the_real_server_does(
    store: Store, action: object, expected: tuple[int, str]
) -> None:
    store.create(PODS, pod("a"))

    with pytest.raises(StatusError) as caught:
        action(store)  # type: ignore[operator]

    assert expected == (caught.value.code, str(caught.value))


def test_the_past_can_be_read_until_it_is_compacted(store: Store) -> None:
    store.create(PODS, pod("a"))
    store.create(PODS, pod("b"))
    before = store.version
    store.update(PODS, pod("a", phase="Failed"))
    store.delete(PODS, "ml", "b")
    store.create(NODES, {"metadata": {"name": "n1"}})
    store.create(PODS, pod("c"))
    items, version = store.read(PODS, before)

    assert (["a", "b"], "Running", before) == (names(list(items)), items[0]["status"]["phase"], version)
    store.compact(before)
    assert items == store.read(PODS, before)[0]
    store.compact()
    with pytest.raises(StatusError, match=r"The resourceVersion for the provided list is too old\."):
        store.read(PODS, before)


def test_a_small_history_forgets_by_itself(clock: FakeClock) -> None:
    store = Store(clock, history_limit=2)
    for name in "abc":
        store.create(PODS, pod(name, namespace="default"))

    with pytest.raises(StatusError, match=r"^too old resource version: 1 \(2\)$"):
        store.follow(PODS, 1)
    assert ["b", "c"] == [each.key[1] for each in store.follow(PODS, 2).take(0).events]


def test_a_feed_has_everything_from_its_version_on(store: Store) -> None:
    first = store.create(PODS, pod("a"))
    store.create(NODES, {"metadata": {"name": "n1"}})
    store.create(PODS, pod("b"))
    with store.follow(PODS, first.version) as feed:
        store.delete(PODS, "ml", "a")
        batch = feed.take(0)

        assert [(EventType.ADDED, "b"), (EventType.DELETED, "a")] == [(e.type, e.key[1]) for e in batch.events]
        assert store.version == batch.version
        assert () == feed.take(0).events


def test_a_closed_feed_gets_nothing_more(store: Store) -> None:
    with store.follow(PODS, None) as feed:
        pass
    store.create(PODS, pod("a"))

    assert () == feed.take(0).events


def test_a_feed_that_nobody_reads_is_lost(clock: FakeClock) -> None:
    """A slow watcher must not hold memory forever (cacheWatcher.add)."""
    store = Store(clock, history_limit=3)
    with store.follow(PODS, None) as feed:
        for number in range(4):
            store.create(PODS, pod(f"p{number}", namespace="default"))

        assert feed.is_lost
        assert () == feed.take(0).events


def test_a_waiting_feed_wakes_up_with_the_change(store: Store) -> None:
    with store.follow(PODS, None) as feed:
        maker = threading.Thread(target=store.create, args=(PODS, pod("a")))
        maker.start()
        maker.join()

        assert ["a"] == [each.key[1] for each in feed.take(5).events]


def test_listeners_hear_every_change_and_may_use_the_store(store: Store) -> None:
    """As a simulated kubelet does: it sees a pod and reports that it runs."""
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if event.resource == PODS and event.type is EventType.ADDED:
            store.update(PODS, pod("a", phase="Running"))

    store.subscribe(listen)
    store.create(PODS, pod("a", phase="Pending"))

    assert [("namespaces", "ADDED"), ("pods", "ADDED"), ("pods", "MODIFIED")] == [
        (each.resource.plural, each.type.value) for each in heard
    ]
    assert "Running" == store.get(PODS, "ml", "a")["status"]["phase"]
