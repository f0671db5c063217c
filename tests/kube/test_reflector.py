"""
The API-server source against the simulated API server: its metadata and its requests under every fault.

Time is a fake clock's: pauses are over at once. With `uniform` 0 every pause is as short as it can be.
"""

import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from api_rig import pod
from eventually import eventually
from pods_rig import PATIENT, MakeSite, ParkingClock, Recorder, Site, client_at
from raw_server import RawServer, chunked, whole

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.kube.client import Limits
from podres_exporter.kube.pods.cache import GRACE_SECONDS
from podres_exporter.kube.pods.feed import PodWatch
from podres_exporter.kube.reflector.list_watch import pods_of_node
from podres_exporter.model import PodKey
from podres_exporter.podmeta import PodDecoder
from podres_exporter.sim.api import ANY, PODS, ApiServer, Drop, Fail, Hang, StreamFault, Trickle
from podres_exporter.sources.interfaces import PodMetaSource

A, B = ("ml", "a"), ("ml", "b")
START = 100.0  # where a fake clock begins

Start = Callable[..., PodWatch]


@pytest.fixture
def recorder(clock: ParkingClock) -> Recorder:
    return Recorder(clock)


@pytest.fixture
def start(clock: ParkingClock, recorder: Recorder) -> Iterator[Start]:
    """Yield a function that starts the source; it is stopped afterwards."""
    sources: list[PodWatch] = []

    def start(site: Site, limits: Limits = PATIENT) -> PodWatch:
        transport = site.connect(limits)
        source = PodWatch(transport, PodDecoder(LabelAllowlist()), clock, recorder, uniform=lambda: 0.0)
        source.start(recorder.changed)
        sources.append(source)
        return source

    yield start
    for source in sources:
        source.stop()


def keys(source: PodMetaSource) -> set[PodKey]:
    metadata = source.metadata()
    return set() if metadata is None else set(metadata.pods)


def gets_well(source: PodWatch, *pods: PodKey) -> bool:
    """Return whether, in the end, all is well and these are the pods."""

    def is_well() -> bool:
        metadata = source.metadata()
        health = (metadata.synced, metadata.is_up, metadata.is_away)
        return (True, True, False) == health and set(pods) == set(metadata.pods)

    return eventually(is_well)


def opens(site: Site, number: int = 1) -> bool:
    """Return whether, in the end, so many watches have been asked for and the last of them is open."""
    server = site.server
    return eventually(lambda: server.requests.count("watch", code=200) >= number and server.faults.open_watches == 1)


def test_it_knows_the_pods_of_its_node_and_follows_them(site: Site, start: Start, recorder: Recorder) -> None:
    site.store.create(PODS, pod("a"))
    site.store.create(PODS, pod("elsewhere", node="n2"))
    source = start(site)
    assert opens(site)
    assert {A} == keys(source)
    site.store.create(PODS, pod("b"))
    assert eventually(lambda: {A, B} == keys(source))
    site.store.delete(PODS, *A)
    assert gets_well(source, B)

    assert [set(), {B}, {A}] == recorder.told
    assert (1, 1) == recorder.count()


def test_a_pod_that_is_recreated_has_its_new_uid(site: Site, start: Start) -> None:
    site.store.create(PODS, pod("a"))
    source = start(site)
    assert opens(site)
    old = source.metadata().pods[A].uid
    site.store.delete(PODS, *A)
    site.store.create(PODS, pod("a"))

    assert eventually(lambda: A in keys(source) and source.metadata().pods[A].uid != old)


def test_a_change_of_nothing_that_is_kept_is_not_told(site: Site, start: Start, recorder: Recorder) -> None:
    site.store.create(PODS, pod("a"))
    start(site)
    assert opens(site)
    site.store.update(PODS, pod("a", annotations={"note": "new"}))

    assert eventually(lambda: recorder.events["changed"] == 1)
    assert [set()] == recorder.told


def test_a_watch_that_ends_in_time_is_resumed_without_a_list(
    site: Site, start: Start, clock: ParkingClock, recorder: Recorder
) -> None:
    """The server ends it after `timeoutSeconds`; nothing is lost and nothing is said."""
    source = start(site)
    assert opens(site)
    clock.advance(240)
    assert opens(site, 2)
    site.store.create(PODS, pod("a"))

    assert eventually(lambda: {A} == keys(source))
    assert (1, 2) == recorder.count()
    assert ({"ended": 1}, {}) == (recorder.restarts, recorder.errors)
    assert "240" == site.server.requests.recent[1].query["timeoutSeconds"]


def test_a_bookmark_advances_the_version_so_that_a_reconnect_needs_no_list(
    site: Site, start: Start, clock: ParkingClock, recorder: Recorder
) -> None:
    """Changes on other nodes let versions expire under a quiet watch."""
    source = start(site)
    assert opens(site)
    for number in range(5):
        site.store.create(PODS, pod(f"p{number}", node="n2"))
    clock.advance(61)
    assert eventually(lambda: recorder.events["bookmark"] == 1)
    site.store.compact()
    site.server.faults.on_open_watches(StreamFault.CUT)
    assert opens(site, 2)

    assert str(site.store.version) == site.server.requests.recent[-1].query["resourceVersion"]
    assert (1, 2) == recorder.count()
    assert source.metadata().synced


def test_pods_that_came_and_went_in_an_outage_are_told_together(
    site: Site, start: Start, clock: ParkingClock, recorder: Recorder
) -> None:
    """An API server that restarts knows no old version: the list replaces everything at once."""
    site.store.create(PODS, pod("a"))
    source = start(site)
    assert opens(site)
    clock.limit_seconds = clock.monotonic_seconds()
    site.server.go_down()
    assert eventually(lambda: source.metadata().is_away)
    site.store.delete(PODS, *A)
    site.store.create(PODS, pod("b"))
    site.store.compact()
    assert (True, True, {A}) == (source.metadata().synced, source.metadata().is_up, keys(source))
    clock.advance(GRACE_SECONDS)
    assert (False, False, {A}) == (source.metadata().synced, source.metadata().is_up, keys(source))
    site.server.start()
    clock.limit_seconds = clock.monotonic_seconds() + 1000

    assert gets_well(source, B)
    assert {A, B} in recorder.told


@pytest.mark.faults("half-open API server (accepts connections, never answers)")
def test_a_server_that_says_nothing_any_more_leaves_its_pods_unsynced(
    site: Site, start: Start, clock: ParkingClock
) -> None:
    """No age was told by anybody: `metadata` looks at the clock itself."""
    site.store.create(PODS, pod("a"))
    source = start(site)
    assert opens(site)
    site.server.faults.on_open_watches(StreamFault.STALL)
    clock.advance(149)
    assert source.metadata().synced
    clock.advance(2)

    assert (False, {A}) == (source.metadata().synced, keys(source))


def test_a_token_is_rotated_without_a_gap(secured: Site, start: Start, clock: ParkingClock, recorder: Recorder) -> None:
    """The old one is refused, and the kubelet writes the new one a little late."""
    source = start(secured)
    assert opens(secured)
    secured.server.token = "another"  # noqa: S105 - a test's own
    clock.limit_seconds = clock.monotonic_seconds()
    secured.server.faults.on_open_watches(StreamFault.CLOSE)
    assert eventually(clock.is_parked)
    clock.run_until(clock.monotonic_seconds() + 0.5)
    assert {("watch", "denied"): 1} == recorder.errors
    (secured.directory / "token").write_text("another")
    clock.limit_seconds = clock.monotonic_seconds() + 1000

    assert opens(secured, 2)
    assert gets_well(source)
    assert (1, 3) == recorder.count()


def test_a_missing_right_is_logged_once_with_its_remedy(
    site: Site, start: Start, clock: ParkingClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site.server.faults.on_requests(ANY, Fail(403))
    clock.limit_seconds = START + 600
    start(site)
    clock.run_until(START + 600)
    events = [each.message for each in caplog.records if each.name.startswith("podres")]

    assert ["source.down", "metadata.forbidden"] == events
    assert "ServiceAccount podres-exporter in namespace monitoring" in vars(caplog.records[-1])["missing"]


FAULTS: dict[str, Callable[[ApiServer], None]] = {
    "list 403": lambda server: server.faults.on_requests("list", Fail(403)),
    "watch 403": lambda server: server.faults.on_requests("watch", Fail(403)),
    "401": lambda server: server.faults.on_requests(ANY, Fail(401)),
    "list 410": lambda server: server.faults.on_requests("list", Fail(410)),
    "watch 410": lambda server: server.faults.on_requests("watch", Fail(410)),
    "410 in the stream": lambda server: server.faults.on_next_watches(StreamFault.EXPIRE, times=None),
    "list 429, Retry-After 1": lambda server: server.faults.on_requests("list", Fail(429, 1)),
    "watch 429, Retry-After 1": lambda server: server.faults.on_requests("watch", Fail(429, 1)),
    "watch 429, Retry-After 45": lambda server: server.faults.on_requests("watch", Fail(429, 45)),
    "list 500": lambda server: server.faults.on_requests("list", Fail(500)),
    "watch 500": lambda server: server.faults.on_requests("watch", Fail(500)),
    "watch 400": lambda server: server.faults.on_requests("watch", Fail(400)),
    "watch 504": lambda server: server.faults.on_requests("watch", Fail(504)),
    "watch closed at once": lambda server: server.faults.on_next_watches(StreamFault.CLOSE, times=None),
    "watch cut": lambda server: server.faults.on_next_watches(StreamFault.CUT, times=None),
    "truncated line": lambda server: server.faults.on_next_watches(StreamFault.TRUNCATE, times=None),
    "oversized line": lambda server: server.faults.on_next_watches(StreamFault.OVERSIZE, times=None),
    "stalled watch": lambda server: server.faults.on_next_watches(StreamFault.STALL, times=None),
    "hanging list": lambda server: server.faults.on_requests("list", Hang()),
    "hanging watch": lambda server: server.faults.on_requests("watch", Hang()),
    "trickling list": lambda server: server.faults.on_requests("list", Trickle(0.1, 10)),
    "list without answer": lambda server: server.faults.on_requests("list", Drop()),
    "watch without answer": lambda server: server.faults.on_requests("watch", Drop()),
    "nobody there": lambda server: server.go_down(),
}
"""What goes wrong with every request or watch from now on."""

SHORT_LIST, SHORT_WATCH = replace(PATIENT, list_seconds=0.2), replace(PATIENT, silence_seconds=0.2)
DEADLINES = {
    "stalled watch": SHORT_WATCH,
    "hanging list": SHORT_LIST,
    "hanging watch": SHORT_WATCH,
    "trickling list": SHORT_LIST,
}
"""
What ends such a fault. No other request is in a hurry: a busy machine would add a fault of its own.

These are over plain HTTP, where the kernel connects at once: a handshake takes as long as the machine likes.
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_makes_a_request_storm_and_all_are_survived(
    make_site: MakeSite, start: Start, clock: ParkingClock, recorder: Recorder, fault: str
) -> None:
    """
    Single digits of requests in every minute but the first, with the shortest of pauses; then everything recovers.

    Where nobody listens there are more, and they cost nobody anything. A thousand nodes do this at once. Timeouts cost
    no time of the fake clock here, so that in truth there are fewer.
    """
    site = make_site(tls=fault not in DEADLINES)
    site.server.faults.oversized_line_bytes = 200_000
    FAULTS[fault](site.server)
    clock.limit_seconds = START + 60
    source = start(site, DEADLINES.get(fault, PATIENT))
    clock.run_until(START + 60)
    first = recorder.count()
    clock.run_until(START + 120)
    second = recorder.count(START + 60)
    assert sum(first) < 20
    assert sum(second) < (20 if fault == "nobody there" else 10)
    if fault != "nobody there":
        assert eventually(lambda: sum(first) + sum(second) == site.server.requests.count())

    site.server.start()
    site.server.faults.clear()
    site.store.create(PODS, pod("a"))
    clock.limit_seconds = clock.monotonic_seconds() + 700
    assert gets_well(source, A)


LIST = whole(b'{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[]}')


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (b"not JSON\n", ("watch", "malformed")),
        (b'{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"6"}}}\n', ("watch", "malformed")),
        (b'{"type":"ERROR","object":{"code":500}}\n', ("watch", "unavailable")),
        (b'{"type":"SHINY","object":{}}\n', None),
    ],
)
def test_lines_of_no_use_make_no_request_storm(
    clock: ParkingClock, recorder: Recorder, tmp_path: Path, lines: bytes, error: tuple[str, str] | None
) -> None:
    """A list where an event was lost, and otherwise only a watch, again and again."""
    answer = chunked(lines)
    relists = error == ("watch", "malformed")
    clock.limit_seconds = START + 60
    with RawServer(LIST, *[answer, LIST] * 50) if relists else RawServer(LIST, answer) as server:
        transport = pods_of_node(client_at(server.url, tmp_path, clock, Limits()), "n1")
        source = PodWatch(transport, PodDecoder(LabelAllowlist()), clock, recorder, uniform=lambda: 0.0)
        source.start(recorder.changed)
        clock.run_until(START + 60)
        first = recorder.count()
        clock.run_until(START + 120)
        second = recorder.count(START + 60)
        source.stop()

    assert sum(first) < 20
    assert sum(second) < 10
    assert (first[0] == first[1]) == relists
    assert ({} if error is None else {error: first[1] + second[1]}) == recorder.errors


@pytest.mark.faults("the list comes from an API server that lags behind what was reported before")
def test_an_api_server_that_lags_behind_takes_no_pod_away(
    clock: ParkingClock, recorder: Recorder, tmp_path: Path
) -> None:
    """The watch expires at one API server, and the next one's cache does not have the pod yet that was told last."""

    def made(name: str, version: int) -> str:
        return json.dumps(pod(name, uid=f"uid-{name}", resourceVersion=str(version)))

    def listing(version: int, *items: str) -> bytes:
        return whole(f'{{"metadata":{{"resourceVersion":"{version}"}},"items":[{",".join(items)}]}}'.encode())

    told = chunked(
        f'{{"type":"ADDED","object":{made("b", 12)}}}\n{{"type":"ERROR","object":{{"code":410}}}}\n'.encode()
    )
    behind, latest = listing(9, made("a", 1)), listing(13, made("a", 1), made("b", 12))
    clock.limit_seconds = START + 60
    with RawServer(behind, told, behind, latest, chunked(b"")) as server:
        transport = pods_of_node(client_at(server.url, tmp_path, clock, Limits()), "n1")
        source = PodWatch(transport, PodDecoder(LabelAllowlist()), clock, recorder, uniform=lambda: 0.0)
        source.start(recorder.changed)
        assert eventually(lambda: len(server.heads) >= 5)
        source.stop()

    assert {A, B} == keys(source)
    assert [{B}] == [each for each in recorder.told if each]
    assert [True, False, True, False] == [b"resourceVersion=0" in head for head in server.heads[:4]]


class Nuisance(Recorder):
    """An observer, and a listener, that raise what they should not, so many times."""

    def __init__(self, clock: ParkingClock, times: int) -> None:
        super().__init__(clock)
        self.times = times

    def changed(self, keys: Collection[PodKey]) -> None:
        self._fail()
        super().changed(keys)

    def request(self, verb: str) -> None:
        self._fail()
        super().request(verb)

    def _fail(self) -> None:
        if self.times:
            self.times -= 1
            raise RuntimeError("a bug")


def test_a_bug_is_logged_and_counted_and_the_source_goes_on(
    site: Site, clock: ParkingClock, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Nuisance(clock, times=4)
    source = PodWatch(site.connect(), PodDecoder(LabelAllowlist()), clock, recorder, uniform=lambda: 0.0)
    source.start(recorder.changed)
    assert opens(site)

    assert source.metadata().synced
    assert {("watch", "internal")} == set(recorder.errors)
    assert "RuntimeError: a bug" in caplog.text
    source.stop()


@pytest.mark.parametrize("state", ["paused", "listing", "watching", "stalled"])
def test_stopping_is_quick_and_silent(
    site: Site, start: Start, clock: ParkingClock, recorder: Recorder, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    """Whatever the server does; what we broke ourselves is no error."""
    caplog.set_level(logging.INFO)
    if state == "paused":
        clock.limit_seconds = 0.0
    elif state == "listing":
        site.server.faults.on_requests("list", Hang())
    source = start(site, Limits())
    if state == "listing":
        assert site.server.requests.wait_for(1, "list")
    elif state != "paused":
        assert opens(site)
    if state == "stalled":
        site.server.faults.on_open_watches(StreamFault.STALL)
    source.stop()
    source.stop()

    assert "watch" not in [each.name for each in threading.enumerate()]
    assert {} == recorder.errors
    assert not [each for each in caplog.records if each.message == "source.down"]


def test_what_was_never_started_can_be_stopped(site: Site, clock: ParkingClock, recorder: Recorder) -> None:
    source = PodWatch(site.connect(), PodDecoder(LabelAllowlist()), clock, recorder)
    source.stop()

    assert not source.metadata().is_up


def test_the_first_list_is_not_asked_by_all_nodes_at_once(site: Site, clock: ParkingClock, recorder: Recorder) -> None:
    source = PodWatch(site.connect(), PodDecoder(LabelAllowlist()), clock, recorder, uniform=lambda: 0.5)
    source.start(recorder.changed)
    assert opens(site)
    source.stop()

    assert ("list", START + 0.25) == recorder.requests[0]
    assert "270" == site.server.requests.recent[1].query["timeoutSeconds"]
