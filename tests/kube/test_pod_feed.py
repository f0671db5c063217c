"""Lists and watch events, from recorded bytes into the cache."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from api_rig import pod
from fake_clock import FakeClock
from pods_rig import Recorder

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.interfaces import EVENT_KINDS
from podres_exporter.kube.pods.cache import PodCache
from podres_exporter.kube.pods.feed import PodFeed, read_pods
from podres_exporter.model import ContainerSpec
from podres_exporter.podmeta import PodDecoder

DECODER = PodDecoder(LabelAllowlist())


class Script:
    """A transport that has one list, which a cache may have in an older version, and one watch."""

    def __init__(self, body: bytes = b"", *lines: bytes) -> None:
        self._body, self._lines = body, lines
        self.cached = body
        self.asked: list[tuple[str, int]] = []

    def list(self) -> bytes:
        return self._body

    @contextmanager
    def list_pieces(self, *, is_latest: bool = False) -> Iterator[Iterator[bytes]]:
        body = self._body if is_latest else self.cached
        yield iter([body[:7], body[7:]])

    @contextmanager
    def watch(self, version: str, timeout_seconds: int) -> Iterator[Iterator[bytes]]:
        self.asked.append((version, timeout_seconds))
        yield iter(self._lines)

    def close(self) -> None:
        raise AssertionError


def made(name: str, version: int, **more: Any) -> dict[str, Any]:
    return {**pod(name, uid=f"uid-{name}", resourceVersion=str(version)), **more}


def listing(*items: Any, version: str = "9") -> bytes:
    return json.dumps({"kind": "PodList", "metadata": {"resourceVersion": version}, "items": items}).encode()


def event(kind: str, item: Any) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cache(clock: FakeClock) -> PodCache:
    return PodCache(clock)


@pytest.fixture
def recorder(clock: FakeClock) -> Recorder:
    return Recorder(clock)


def feed(transport: Script, recorder: Recorder, cache: PodCache) -> PodFeed:
    return PodFeed(transport, DECODER, recorder, cache)


def watched(transport: Script, recorder: Recorder, cache: PodCache) -> list[str]:
    """Return the versions that a watch from 9 on tells."""
    versions: list[str] = []
    feed(transport, recorder, cache).watch("9", 250, versions.append)
    return versions


def test_pods_of_other_nodes_are_left_out_and_said_once(
    recorder: Recorder, cache: PodCache, caplog: pytest.LogCaptureFixture
) -> None:
    """A server, or a proxy before it, that ignores the field selector gives the pods of the whole cluster."""
    body = listing(
        made("a", 1), *({**pod(f"far-{number}", node="n2"), "x": 1} for number in range(50)), pod("none", node="")
    )
    far = pod("far", node="n2", resourceVersion="12")
    lines = [event("ADDED", far), event("MODIFIED", far), event("DELETED", far), event("ADDED", made("b", 14))]
    transport = Script(body, *lines)
    found = PodFeed(transport, PodDecoder(LabelAllowlist(), "n1"), recorder, cache)
    found.list()
    versions: list[str] = []
    found.watch("9", 250, versions.append)

    assert {("ml", "a"), ("ml", "b")} == cache.metadata().pods.keys()
    assert cache.metadata().synced
    assert ["12", "12", "12", "14"] == versions
    assert {"foreign": 2, "deleted": 1, "changed": 1} == recorder.events
    assert [51] == [record.pods for record in caplog.records if record.message == "metadata.foreign_pods"]  # type: ignore[attr-defined]
    assert [] == recorder.items


def test_a_list_fills_the_book_and_has_a_version(recorder: Recorder, cache: PodCache) -> None:
    body = listing(made("a", 1), made("b", 2))

    assert "9" == feed(Script(body), recorder, cache).list()
    assert {("ml", "a"), ("ml", "b")} == cache.metadata().pods.keys()
    assert cache.metadata().synced
    assert ((1, 0), len(body), []) == (recorder.count(), recorder.bytes, recorder.items)


def test_a_list_older_than_what_was_told_is_asked_for_again_as_the_storage_has_it(
    recorder: Recorder, cache: PodCache
) -> None:
    """The cache of another API server is behind: a pod that runs is not in it, and is not gone."""
    transport = Script(listing(made("a", 1), made("b", 12), version="12"), event("ADDED", made("b", 12)))
    transport.cached = listing(made("a", 1), version="9")
    found = feed(transport, recorder, cache)
    assert "9" == found.list()
    found.watch("9", 250, lambda _: None)
    assert "12" == found.list()

    assert {("ml", "a"), ("ml", "b")} == cache.metadata().pods.keys()
    assert (3, 1) == recorder.count()


def test_a_storage_that_was_restored_from_a_backup_is_believed(recorder: Recorder, cache: PodCache) -> None:
    """Its versions begin anew, and the pods are those of the backup."""
    transport = Script(listing(made("a", 1), version="3"), event("ADDED", made("b", 12)))
    transport.cached = listing(made("a", 1), version="9")
    found = feed(transport, recorder, cache)
    found.list()
    found.watch("9", 250, lambda _: None)
    transport.cached = listing(made("a", 1), version="3")
    assert "3" == found.list()
    assert {("ml", "a")} == cache.metadata().pods.keys()


def test_a_pod_of_a_list_that_cannot_be_read_leaves_a_gap(recorder: Recorder, cache: PodCache) -> None:
    """The others are there, and nothing is taken for gone."""
    feed(Script(listing(made("a", 1), {"metadata": {"name": "b"}})), recorder, cache).list()

    assert {("ml", "a")} == cache.metadata().pods.keys()
    assert not cache.metadata().synced
    assert ["items[1].metadata.namespace"] == [each.path for each in recorder.items]


def test_an_amount_that_cannot_be_read_is_told_and_leaves_no_gap(recorder: Recorder, cache: PodCache) -> None:
    container = {"name": "main", "resources": {"requests": {"cpu": "two"}}}
    item = made("a", 1, spec={"nodeName": "n1", "containers": [container]})
    feed(Script(listing(item), event("MODIFIED", item)), recorder, cache).list()
    assert 1 == len(recorder.items)
    watched(Script(b"", event("MODIFIED", item)), recorder, cache)

    assert 2 == len(recorder.items)
    assert isinstance(cache.metadata().pods["ml", "a"].containers[0], ContainerSpec)
    assert cache.metadata().synced


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", listing(version="")])
def test_what_is_no_list_is_malformed_and_changes_nothing(recorder: Recorder, cache: PodCache, body: bytes) -> None:
    """A list without a version too: a watch without one would begin with the state of the present, unannounced."""
    cache.listed([], is_complete=True)
    with pytest.raises(ApiServerError) as caught:
        feed(Script(body), recorder, cache).list()

    assert ("list", Reason.MALFORMED) == (caught.value.verb, caught.value.reason)
    assert cache.metadata().is_up


def test_events_are_taken_in_order_and_advance_the_version(recorder: Recorder, cache: PodCache) -> None:
    lines = [
        event("ADDED", made("a", 10)),
        event("MODIFIED", made("a", 11, status={"phase": "Failed"})),
        event("ADDED", made("b", 12)),
        event("DELETED", made("b", 13)),
        event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "14"}}),
        event("SHINY", {"some": "thing"}),
    ]
    transport = Script(b"", *lines)

    assert ["10", "11", "12", "13", "14", ""] == watched(transport, recorder, cache)
    assert [("9", 250)] == transport.asked
    assert {("ml", "a"): "Failed"} == {key: meta.phase for key, meta in cache.metadata().pods.items()}
    assert {"changed": 3, "deleted": 1, "bookmark": 1, "unknown": 1} == recorder.events
    assert ((0, 1), sum(map(len, lines))) == (recorder.count(), recorder.bytes)


def test_a_watch_that_opens_shows_that_the_server_is_up(recorder: Recorder, cache: PodCache) -> None:
    watched(Script(), recorder, cache)

    assert cache.metadata().is_up


@pytest.mark.parametrize(
    ("line", "reason", "wait"),
    [
        (event("ERROR", {"code": 410, "message": "too old resource version: 1 (343)"}), Reason.GONE, None),
        (event("ERROR", {"code": 429, "details": {"retryAfterSeconds": 5}}), Reason.THROTTLED, 5.0),
        (event("ERROR", {"code": 500}), Reason.UNAVAILABLE, None),
        (event("ERROR", "what"), Reason.INTERNAL, None),
        (event("ADDED", {"metadata": {"name": "b", "resourceVersion": "11"}}), Reason.MALFORMED, None),
        (event("DELETED", {"metadata": {}}), Reason.MALFORMED, None),
        (b'{"type":"ADDED","object":', Reason.MALFORMED, None),
        (b"<html>", Reason.MALFORMED, None),
    ],
)
def test_what_ends_a_watch_has_a_reason_and_what_came_before_counts(
    recorder: Recorder, cache: PodCache, line: bytes, reason: Reason, wait: float | None
) -> None:
    versions: list[str] = []
    with pytest.raises(ApiServerError) as caught:
        feed(Script(b"", event("ADDED", made("a", 10)), line), recorder, cache).watch("9", 250, versions.append)

    assert ("watch", reason, wait) == (caught.value.verb, caught.value.reason, caught.value.retry_after_seconds)
    assert ["10"] == versions
    assert {("ml", "a")} == cache.metadata().pods.keys()
    assert set(recorder.events) <= set(EVENT_KINDS)


def test_an_event_that_is_lost_is_told_with_its_place(recorder: Recorder, cache: PodCache) -> None:
    with pytest.raises(ApiServerError, match=r"a watch event could not be read: object\.metadata\.namespace"):
        watched(Script(b"", event("ADDED", {"metadata": {"name": "b"}})), recorder, cache)

    assert ["object.metadata.namespace"] == [each.path for each in recorder.items]
    assert {"unusable": 1} == recorder.events


def test_a_command_reads_the_pods_once(clock: FakeClock) -> None:
    metadata = read_pods(Script(listing(made("a", 1))), DECODER, clock)

    assert {("ml", "a")} == metadata.pods.keys()
    assert (True, True, clock.wall_seconds()) == (metadata.synced, metadata.is_up, metadata.last_success_seconds)


def test_a_command_sees_a_gap_and_a_failure(clock: FakeClock) -> None:
    assert not read_pods(Script(listing({})), DECODER, clock).synced
    with pytest.raises(ApiServerError):
        read_pods(Script(b""), DECODER, clock)
