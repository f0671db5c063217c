"""The JSON document of the newest snapshot: rendered on request and cached."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event
from typing import Any

import pytest
from document_samples import everything
from fake_clock import FakeClock

from podres_exporter.document import decode
from podres_exporter.exposition.document import SnapshotDocument
from podres_exporter.model import Snapshot, SourceHealth

FAR = 1e9
NOON_SECONDS = 1_795_176_000.0
EACH_ENCODING = pytest.mark.parametrize("gzipped", [False, True])


def shown_by(clock: FakeClock) -> SnapshotDocument:
    return SnapshotDocument("n1", "1.2.3", clock)


def read(shown: SnapshotDocument, *, gzipped: bool = False) -> Any:
    body, _ = shown.body(gzipped)
    return json.loads(gzip.decompress(body) if gzipped else body)


@EACH_ENCODING
def test_before_the_first_poll_the_document_says_that_there_is_nothing_yet(gzipped: bool) -> None:
    """Never an error: that nothing is known is an answer."""
    document = read(shown_by(FakeClock(NOON_SECONDS)), gzipped=gzipped)

    assert ("n1", {"version": "1.2.3"}) == (document["node"], document["exporter"])
    assert document["status"]["allocation"]["reason"] == "not_answered"
    assert Snapshot("n1", None) == decode(document)


@EACH_ENCODING
def test_the_newest_snapshot_is_shown_with_the_time_of_its_publication(gzipped: bool) -> None:
    """No matter how much later it is requested."""
    clock = FakeClock(NOON_SECONDS)
    shown = shown_by(clock)
    shown.publish(replace(everything(), node="old"), FAR)
    clock.advance(10)
    shown.publish(everything(), FAR)
    clock.advance(5)

    document = read(shown, gzipped=gzipped)

    assert everything() == decode(document)
    assert document["generatedAt"] == "2026-11-20T12:00:10Z"


@EACH_ENCODING
def test_the_bytes_of_a_snapshot_are_made_once(gzipped: bool) -> None:
    """A crowd of readers costs as much as one."""
    shown = shown_by(FakeClock())
    shown.publish(everything(), FAR)

    assert shown.body(gzipped)[0] is shown.body(gzipped)[0]


def test_bytes_have_no_spaces_and_any_letter_as_it_is() -> None:
    """Compact; gzip does not make up for what need not be sent."""
    shown = shown_by(FakeClock())
    shown.publish(Snapshot("knoten-ü", None), FAR)

    body, _ = shown.body(False)

    assert body.startswith(b'{"apiVersion":"podres/v1","kind":')
    assert '"node":"knoten-ü"'.encode() in body


def test_the_two_encodings_have_tags_of_their_own() -> None:
    """RFC 9110, 8.8.3.3: a strong tag names bytes, and these differ."""
    shown = shown_by(FakeClock())
    (plain, plain_tag), (compressed, compressed_tag) = shown.body(False), shown.body(True)

    assert plain == gzip.decompress(compressed)
    assert plain_tag != compressed_tag
    assert [True, True] == [tag[0] == tag[-1] == '"' and len(tag) >= 18 for tag in (plain_tag, compressed_tag)]


@EACH_ENCODING
def test_the_order_of_the_requests_does_not_change_the_bytes(gzipped: bool) -> None:
    """One may be made from the other, or from the snapshot."""
    clock = FakeClock()
    first, second = shown_by(clock), shown_by(clock)
    for shown in (first, second):
        shown.publish(everything(), FAR)
    second.body(not gzipped)

    assert first.body(gzipped) == second.body(gzipped)


@EACH_ENCODING
def test_equal_snapshots_keep_their_bytes_and_their_tag(gzipped: bool) -> None:
    """Only the time would differ, which is not worth a download."""
    clock = FakeClock()
    shown = shown_by(clock)
    shown.publish(everything(), FAR)
    before = shown.body(gzipped)
    clock.advance(10)
    shown.publish(everything(), FAR)

    assert before == shown.body(gzipped)


@EACH_ENCODING
def test_another_snapshot_has_another_tag(gzipped: bool) -> None:
    """That the kubelet answered again is news."""
    shown = shown_by(FakeClock())
    shown.publish(everything(), FAR)
    _, before = shown.body(gzipped)
    shown.publish(replace(everything(), sources=(SourceHealth("kubelet", True, 77.0),)), FAR)

    body, after = shown.body(gzipped)

    assert before != after
    assert b"1970-01-01T00:01:17Z" in (gzip.decompress(body) if gzipped else body)


@EACH_ENCODING
def test_an_allocation_expires_though_nobody_publishes(gzipped: bool) -> None:
    """A poll loop that hangs must not keep old facts; the document still has the time at which it was published."""
    clock = FakeClock(NOON_SECONDS)
    shown = shown_by(clock)
    shown.publish(everything(), clock.monotonic_seconds() + 120)
    clock.advance(119.5)
    _, before = shown.body(gzipped)
    clock.advance(0.5)
    _, after = shown.body(gzipped)

    document = read(shown, gzipped=gzipped)

    assert before != after
    assert everything().expired() == decode(document)
    assert ("too_old", "2026-11-20T12:00:00Z") == (document["status"]["allocation"]["reason"], document["generatedAt"])


def test_an_expired_allocation_comes_back_with_the_next_snapshot() -> None:
    """The kubelet answered again and nothing had changed."""
    clock = FakeClock()
    shown = shown_by(clock)
    shown.publish(everything(), clock.monotonic_seconds() + 120)
    clock.advance(200)
    shown.body(False)
    shown.publish(everything(), clock.monotonic_seconds() + 120)

    assert everything() == decode(read(shown))


def test_an_equal_snapshot_is_shown_for_longer() -> None:
    """Its bytes are the same, its expiry is not."""
    clock = FakeClock()
    shown = shown_by(clock)
    shown.publish(everything(), clock.monotonic_seconds() + 120)
    clock.advance(100)
    shown.publish(everything(), clock.monotonic_seconds() + 120)
    clock.advance(100)

    assert everything() == decode(read(shown))


@pytest.mark.usefixtures("eager_threads")
def test_requests_while_snapshots_are_published_get_whole_documents() -> None:
    """A document is of one snapshot, and its tag is its own."""
    clock = FakeClock()
    snapshots = [replace(everything(), node=node) for node in ("a", "b", "c")]
    expected = set()
    for snapshot in snapshots:
        alone = shown_by(clock)
        alone.publish(snapshot, FAR)
        expected |= {alone.body(False), alone.body(True)}
    shown = shown_by(clock)
    shown.publish(snapshots[0], FAR)
    readers, published = 4, Event()
    together = Barrier(readers + 1, timeout=60)

    def ask(number: int) -> set[tuple[bytes, str]]:
        together.wait()
        found = set()
        while not published.is_set():
            found.add(shown.body(number % 2 == 0))
        return found | {shown.body(number % 2 == 0)}

    with ThreadPoolExecutor(readers) as pool:
        running = [pool.submit(ask, number) for number in range(readers)]
        together.wait()
        for _ in range(30):
            for snapshot in snapshots:
                shown.publish(snapshot, FAR)
        published.set()
        seen = set[tuple[bytes, str]]().union(*(each.result() for each in running))

    assert set() == seen - expected
    assert {shown.body(False), shown.body(True)} <= seen
