"""The metrics page: caching, expiry, and consistency under concurrency."""

import gzip
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event

import pytest
from fake_clock import FakeClock
from pages import parsed, read_back, said_by
from snapshots import TWO_NODES

from podres_exporter.errors import Reason
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.page import REST_SECONDS, Exposition, PageParts
from podres_exporter.families.catalogue import CATALOGUE, selected
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.families.spec import (
    Concern,
    ContainerFamily,
    ExporterFamily,
    Family,
    Kind,
    NodeFamily,
    Row,
    UsageFamily,
)
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocatable,
    Allocation,
    Belief,
    Claim,
    ClaimDevice,
    ClaimFacts,
    ClaimInterface,
    ClaimResult,
    Container,
    ContainerKind,
    ContainerSpec,
    ContainerView,
    CpusetDrift,
    Device,
    DeviceTaint,
    Dra,
    DraDevice,
    DraPool,
    Drift,
    Listing,
    MemoryBlock,
    Metadata,
    Part,
    PinnedContainer,
    Pod,
    PodMeta,
    ResourceHealth,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Topology,
    Unread,
    Usage,
)

FAR = 1e9
EACH_VARIANT = pytest.mark.parametrize(
    ("text_format", "gzipped"), [(each, gzipped) for each in Format for gzipped in (False, True)]
)
EACH_FORMAT = pytest.mark.parametrize("text_format", Format)


def own_metrics() -> OwnMetrics:
    return OwnMetrics(("exporter",), {"version": "0", "python": "3", "grpc": "1"})


def exposition(clock: FakeClock, own: OwnMetrics | None = None, families: tuple[Family, ...] = CATALOGUE) -> Exposition:
    return Exposition("n1", families, own or own_metrics(), clock)


NIC = ClaimResult("r", "d", "p", "0", consumed=(("bw", 1),), interface=ClaimInterface("net1", "02:01"))
SLICES = Dra(
    (
        DraPool(
            "d",
            "p",
            1,
            (
                DraDevice(
                    "0",
                    uuid="gpu-0",
                    is_shared=True,
                    capacity=(("bw", 2),),
                    taints=(DeviceTaint("k", "v", "None"),),
                    attributes=(("driverVersion", "1.2"),),
                ),
            ),
        ),
    ),
    {("ml", "x"): ClaimFacts("ml", "x", "u", (NIC,))},
    is_synced=True,
)


def node_with(device_id: str, seen_at_seconds: float = 1.0) -> Snapshot:
    """Return a snapshot that says something in every family of the snapshot."""
    device, memory = Device("r", device_id, frozenset({0})), MemoryBlock("memory", frozenset({0}), 64)
    claim = Claim("ml", "x", (ClaimDevice("d", "p", "0", "", ("v/c=0",)),))
    pod = Pod("ml", "a", (Container("c", (device,), frozenset({2}), (memory,), (claim,)),))
    allocatable = Allocatable((device,), frozenset({1, 2, 3}), (memory,))
    asked = ContainerSpec(
        "c", ContainerKind.APP, (("r", 2),), 4000, health=(ResourceHealth("r", device_id, "Unhealthy"),)
    )
    ended = ContainerSpec("i", ContainerKind.INIT, (("r", 3),), 5000)
    labels = (("app", "a"),)
    meta = PodMeta(
        "ml", "a", "1", qos_class="Guaranteed", labels=labels, containers=(ended, asked), started_seconds=2.0
    )
    metadata = Metadata({meta.key: meta}, synced=True)
    joined = Joiner().join(Listing((pod,)), allocatable, TWO_NODES, metadata, dra=SLICES, belief=Belief(doubles=()))
    compared = CpusetDrift(PinnedContainer(("ml", "a"), "c", frozenset({2}), "id"), frozenset(), frozenset({3}))
    return Snapshot(
        "n1",
        replace(joined, drift=Drift((compared,), {Unread.NOT_FOUND: 1})),
        metadata,
        sources=(SourceHealth("kubelet", True, seen_at_seconds),),
        rpcs=(RpcSupport("List", Support.SUPPORTED),),
        parts=(Part("pods", stale=False, held=False),),
        usage=Usage(
            {("ml", "r"): seen_at_seconds},
            {"ml": seen_at_seconds},
            {("ml", "Job", "j", "r"): seen_at_seconds},
            {("ml", "Job", "j"): seen_at_seconds},
        ),
    )


def text_of(parts: PageParts, *, gzipped: bool = False) -> str:
    body = b"".join(parts)
    return (gzip.decompress(body) if gzipped else body).decode()


class Counting:
    """Families that count how often their rows are asked for."""

    def __init__(self) -> None:
        self.containers = 0
        self.node = 0
        self.rest = 0

    def of_container(self, _view: ContainerView, _topology: Topology | None) -> Collection[Row]:
        self.containers += 1
        return [(1,)]

    def of_node(self, _allocation: Allocation) -> Collection[Row]:
        self.node += 1
        return [(1,)]

    def of_snapshot(self, _snapshot: Snapshot) -> Collection[Row]:
        self.rest += 1
        return [(1,)]

    @property
    def families(self) -> tuple[Family, ...]:
        return (
            ContainerFamily(
                "podres_container_x",
                Kind.GAUGE,
                "X.",
                (),
                "devices",
                rows=self.of_container,
                concern=Concern.ANYTHING,
            ),
            NodeFamily("podres_node_x", Kind.GAUGE, "X.", (), "node-devices", rows=self.of_node),
            ExporterFamily("podres_x", Kind.GAUGE, "X.", (), "exporter", rows=self.of_snapshot),
        )


@EACH_VARIANT
def test_a_scrape_shows_the_snapshot_and_the_own_counters(text_format: Format, gzipped: bool) -> None:
    """Four variants, one content."""
    shown, snapshot = exposition(FakeClock()), node_with("gpu-0")
    shown.publish(snapshot, FAR)

    page = text_of(shown.body(text_format, gzipped), gzipped=gzipped)

    series = read_back(page, text_format)
    own = [each for each in series if each not in said_by(snapshot, CATALOGUE)]
    assert said_by(snapshot, CATALOGUE) == [each for each in series if each not in own]
    assert {
        "podres_exporter_build_info",
        "podres_kubelet_resync_differences_total",
        "podres_kubelet_restarts_total",
        "podres_loop_errors_total",
    } == {name for name, _, _ in own}


@EACH_VARIANT
def test_every_family_stands_on_the_page_at_most_once(text_format: Format, gzipped: bool) -> None:
    """Exposition formats: one group of lines per family; the page is put together of three parts."""
    own = OwnMetrics(("exporter",), {"version": "0", "python": "3", "grpc": "1"}, web_config=True)
    own.rpc("List", 0.1, Reason.TIMEOUT)
    own.malformed("List", 1)
    api_server = own.metadata()
    api_server.request("list")
    api_server.error("list", Reason.GONE)
    api_server.restart("ended")
    api_server.event("changed")
    slices = own.dra()
    slices.request("get")
    slices.error("get", Reason.DENIED)
    shown = Exposition("n1", selected(COLLECTORS), own, FakeClock())
    shown.publish(node_with("gpu-0"), FAR)

    page = text_of(shown.body(text_format, gzipped), gzipped=gzipped)

    headers = [line.split(" ")[2] for line in page.splitlines() if line.startswith("# TYPE ")]
    names = {family.name for family in CATALOGUE}
    if text_format is Format.OPENMETRICS:
        infos = {family.name for family in CATALOGUE if family.kind is Kind.INFO}
        names = {name.removesuffix("_info") if name in infos else name.removesuffix("_total") for name in names}
    assert {1} == set(Counter(headers).values())
    assert names == set(headers)
    assert len(headers) == len(parsed(page, text_format))


@EACH_FORMAT
def test_openmetrics_ends_with_one_eof_and_text_with_none(text_format: Format) -> None:
    """OpenMetrics 1.0, "ABNF": the last line, and nothing after it."""
    shown = exposition(FakeClock())
    shown.publish(node_with("gpu-0"), FAR)

    page = text_of(shown.body(text_format, False))

    assert int(text_format is Format.OPENMETRICS) == page.count("# EOF")
    assert (text_format is Format.OPENMETRICS) == page.endswith("\n# EOF\n")
    assert page.endswith("\n")


@EACH_VARIANT
def test_before_the_first_snapshot_only_the_exporter_speaks(text_format: Format, gzipped: bool) -> None:
    """Unavailable is never empty: there is no allocation, not an allocation of nothing."""
    page = text_of(exposition(FakeClock()).body(text_format, gzipped), gzipped=gzipped)

    assert {
        "podres_exporter_build_info",
        "podres_kubelet_resync_differences_total",
        "podres_kubelet_restarts_total",
        "podres_loop_errors_total",
    } == {name for name, _, _ in read_back(page, text_format)}


@EACH_VARIANT
def test_scrapes_within_a_second_get_the_same_bytes(text_format: Format, gzipped: bool) -> None:
    """A flood of scrapes costs nothing: the finished answer is handed out again."""
    clock, own = FakeClock(), own_metrics()
    shown = exposition(clock, own)
    shown.publish(node_with("gpu-0"), FAR)
    first = shown.body(text_format, gzipped)
    own.restarted()
    clock.advance(REST_SECONDS - 0.001)

    assert first is shown.body(text_format, gzipped)


@EACH_VARIANT
def test_after_a_second_the_counters_are_fresh(text_format: Format, gzipped: bool) -> None:
    """The small part is written again for any scrape interval; the large part is the same bytes."""
    clock, own = FakeClock(), own_metrics()
    shown = exposition(clock, own)
    shown.publish(node_with("gpu-0"), FAR)
    first = shown.body(text_format, gzipped)
    own.restarted()
    clock.advance(REST_SECONDS)

    second = shown.body(text_format, gzipped)

    before, after = text_of(first, gzipped=gzipped), text_of(second, gzipped=gzipped)
    assert before.replace("podres_kubelet_restarts_total 0.0", "podres_kubelet_restarts_total 1.0") == after
    assert before != after
    assert first[0] is second[0]


@pytest.mark.parametrize(("formats", "encodings", "times"), [([Format.TEXT], [True], 1), (Format, [False, True], 4)])
def test_an_allocation_is_written_once_for_each_form_that_is_scraped(
    formats: Iterable[Format], encodings: Iterable[bool], times: int
) -> None:
    """However often that is: the poll loop writes the first, and nothing but what scrapers ask for stays in memory."""
    counting, clock = Counting(), FakeClock()
    shown, snapshot = exposition(clock, families=counting.families), node_with("gpu-0")
    shown.publish(snapshot, FAR)
    for _ in range(3):
        for text_format in formats:
            for gzipped in encodings:
                shown.body(text_format, gzipped)
        clock.advance(REST_SECONDS)
        shown.publish(replace(snapshot, sources=()), FAR)

    assert (times, times) == (counting.containers, counting.node)


def test_the_small_part_is_written_once_a_second_for_each_variant() -> None:
    """Ten scrapes of one variant within a second cost one."""
    counting, clock = Counting(), FakeClock()
    shown = exposition(clock, families=counting.families)
    shown.publish(node_with("gpu-0"), FAR)
    for _ in range(10):
        shown.body(Format.TEXT, True)
    once = counting.rest
    clock.advance(REST_SECONDS)
    for _ in range(10):
        shown.body(Format.TEXT, True)

    assert (1, 2) == (once, counting.rest)


@EACH_VARIANT
def test_the_same_allocation_gives_the_same_bytes_of_the_allocation(text_format: Format, gzipped: bool) -> None:
    """A poll that changed nothing changes no byte of the large part, but the source's metrics are new."""
    shown, snapshot = exposition(FakeClock()), node_with("gpu-0")
    shown.publish(snapshot, FAR)
    before = text_of(shown.body(text_format, gzipped), gzipped=gzipped)
    shown.publish(replace(snapshot, sources=(SourceHealth("kubelet", True, 77.0),)), FAR)

    after = text_of(shown.body(text_format, gzipped), gzipped=gzipped)

    assert (
        before.replace('timestamp_seconds{source="kubelet"} 1.0', 'timestamp_seconds{source="kubelet"} 77.0') == after
    )
    assert before != after


@EACH_VARIANT
def test_a_published_change_is_seen_at_once(text_format: Format, gzipped: bool) -> None:
    """The second of grace is for what did not change; a new allocation does not wait."""
    shown = exposition(FakeClock())
    shown.publish(node_with("gpu-0"), FAR)
    shown.body(text_format, gzipped)
    shown.publish(node_with("gpu-1"), FAR)

    page = text_of(shown.body(text_format, gzipped), gzipped=gzipped)

    assert 'device="gpu-1"' in page
    assert 'device="gpu-0"' not in page


@EACH_VARIANT
def test_an_allocation_expires_though_nobody_publishes(text_format: Format, gzipped: bool) -> None:
    """
    A poll loop that hangs must not keep old facts on the page, nor the claim that the kubelet is up.

    Totals stay, for a counter that disappears reads as a reset.
    """
    clock = FakeClock()
    shown, snapshot = exposition(clock), node_with("gpu-0")
    shown.publish(snapshot, clock.monotonic_seconds() + 120)
    clock.advance(119.5)
    before = read_back(text_of(shown.body(text_format, gzipped), gzipped=gzipped), text_format)
    clock.advance(0.5)

    after = read_back(text_of(shown.body(text_format, gzipped), gzipped=gzipped), text_format)

    assert {*said_by(snapshot, CATALOGUE)} <= {*before}
    assert {*said_by(snapshot.expired(), CATALOGUE)} <= {*after}
    assert set() == ({*said_by(snapshot, CATALOGUE)} - {*said_by(snapshot.expired(), CATALOGUE)}) & {*after}
    assert ("podres_source_up", (("source", "kubelet"),), 0.0) in after
    assert ("podres_snapshot_stale", (("part", "pods"),), 1.0) in after
    assert "podres_allocated_device_seconds_total" in {name for name, _, _ in after}


@EACH_VARIANT
def test_an_expired_allocation_comes_back_with_the_next_snapshot(text_format: Format, gzipped: bool) -> None:
    """The kubelet answered again and nothing had changed: the same record, published with a new expiry."""
    clock = FakeClock()
    shown, snapshot = exposition(clock), node_with("gpu-0")
    shown.publish(snapshot, clock.monotonic_seconds() + 120)
    clock.advance(200)
    shown.body(text_format, gzipped)
    shown.publish(snapshot, clock.monotonic_seconds() + 120)

    page = text_of(shown.body(text_format, gzipped), gzipped=gzipped)

    assert 'device="gpu-0"' in page


@EACH_VARIANT
def test_a_snapshot_without_an_allocation_takes_the_old_one_off_the_page(text_format: Format, gzipped: bool) -> None:
    """The poll loop itself says that the last good answer is too old."""
    shown, snapshot = exposition(FakeClock()), node_with("gpu-0")
    shown.publish(snapshot, FAR)
    shown.publish(replace(snapshot, allocation=None), FAR)
    without = text_of(shown.body(text_format, gzipped), gzipped=gzipped)
    shown.publish(snapshot, FAR)

    again = text_of(shown.body(text_format, gzipped), gzipped=gzipped)

    assert "podres_container" not in without
    assert "podres_source_up" in without
    assert 'device="gpu-0"' in again


def test_without_the_node_label_no_line_has_it() -> None:
    """--no-metrics.node-label, for clusters whose targets carry it (ecosystem.md 1.2)."""
    shown = Exposition("n1", CATALOGUE, own_metrics(), FakeClock(), node_label=False)
    shown.publish(node_with("gpu-0"), FAR)

    page = text_of(shown.body(Format.TEXT, False))

    assert 'node="n1"' not in page
    assert 'podres_container_devices{namespace="ml"' in page
    assert 'podres_exclusive_cpu_seconds_total{namespace="ml"' in page


@pytest.mark.usefixtures("eager_threads")
def test_scrapes_while_snapshots_are_published_get_whole_pages() -> None:
    """A page is of one snapshot: never half of one, never one's allocation with another one's totals."""
    clock, own = FakeClock(), own_metrics()
    one = node_with("gpu-0", 1.0)
    snapshots = [one, replace(one, sources=(SourceHealth("kubelet", False, 1.5),)), node_with("gpu-1", 2.0)]
    expected = set()
    for snapshot in snapshots:
        alone = exposition(clock, own)
        alone.publish(snapshot, FAR)
        expected |= {(each, text_of(alone.body(each, False))) for each in Format}
    shown = exposition(clock, own)
    shown.publish(snapshots[0], FAR)
    scrapers, published = 4, Event()
    together = Barrier(scrapers + 1, timeout=60)

    def scrape(number: int) -> set[tuple[Format, str]]:
        text_format, gzipped = list(Format)[number % 2], number >= 2
        together.wait()
        bodies = set[PageParts]()
        while not published.is_set():
            bodies.add(shown.body(text_format, gzipped))
        bodies.add(shown.body(text_format, gzipped))
        return {(text_format, text_of(body, gzipped=gzipped)) for body in bodies}

    with ThreadPoolExecutor(scrapers) as pool:
        running = [pool.submit(scrape, number) for number in range(scrapers)]
        together.wait()
        for _ in range(200):
            for snapshot in snapshots:
                shown.publish(snapshot, FAR)
        published.set()
        seen = set[tuple[Format, str]]().union(*(each.result() for each in running))

    assert set() == seen - expected
    assert {(each, page) for each, page in expected if 'device="gpu-1"' in page} <= seen


@EACH_VARIANT
def test_one_page_is_made_for_all_scrapes_that_wait_for_it(text_format: Format, gzipped: bool) -> None:
    """A flood of scrapes at a new snapshot must not make the page as often, nor keep as many copies of it."""
    writing, may_end, written = Event(), Event(), []

    def rows(_: Snapshot) -> Collection[Row]:
        written.append(1)
        writing.set()
        assert may_end.wait(60)
        return [("r", 1.0)]

    slow = UsageFamily("podres_slow_total", Kind.COUNTER, "Slow.", ("resource",), "usage", rows)
    shown = exposition(FakeClock(), families=(slow,))
    shown.publish(node_with("0"), FAR)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shown.body, text_format, gzipped)
        assert writing.wait(60)
        others = [pool.submit(shown.body, text_format, gzipped) for _ in range(7)]
        may_end.set()
        pages = [each.result() for each in (first, *others)]

    assert [1] == written
    assert all(each is pages[0] for each in pages)
