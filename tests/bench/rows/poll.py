"""CPU time of a poll and of its steps, and growth with pods and devices."""

import contextlib
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc
from bench.rigs import naive
from bench.rigs.answers import News, Node, Round, node_of
from bench.rigs.kubelet import Kubelet, running_kubelet
from bench.rigs.naive import Prebuilt
from bench.rigs.pipeline import STEPS, FirstPages, Pipeline
from bench.rigs.sizes import NODE, S, Size
from bench.rigs.table import Row, at_most, times_as_fast
from bench.rigs.timing import CLOCK, side_by_side

from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.page import Exposition
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import DEFAULT_COLLECTORS
from podres_exporter.model import Snapshot
from podres_exporter.service import Changes, Poller, PollSettings, Sources
from podres_exporter.sources import FixedMetadata, KubeletClient, SysfsTopology

MAX_AGE_SECONDS = 3600.0
BUDGETS = {News.ALL: at_most(0.4), News.SAME: at_most(0.12), News.FEW: None}
REFERENCE = "decode + generate_latest"
METHODS = ("List", "GetAllocatableResources")


class Polled:
    """The exporter as `serve` puts it together, but polled by hand and not served."""

    def __init__(self, socket: Path, sysfs: Path) -> None:
        own = OwnMetrics(DEFAULT_COLLECTORS, {"version": "bench", "python": "bench", "grpc": "bench"})
        self._exposition = Exposition(NODE, selected(DEFAULT_COLLECTORS), own, CLOCK)
        self._client = KubeletClient(socket, 10.0, CLOCK, lambda call: own.rpc(call.rpc, call.seconds, call.reason))
        self._poller = Poller(
            PollSettings(NODE, 1e-6, MAX_AGE_SECONDS, 0.0),
            Sources(self._client, SysfsTopology(sysfs), FixedMetadata()),
            publish=self._publish,
            changes=Changes(lambda: None),
            events=own,
            clock=CLOCK,
        )
        self.snapshot: Snapshot | None = None

    def _publish(self, snapshot: Snapshot, expires_at_seconds: float) -> None:
        self.snapshot = snapshot
        self._exposition.publish(snapshot, expires_at_seconds)

    def poll(self) -> bytes:
        """Poll once; return the page."""
        self._poller.tick()
        return b"".join(self._exposition.body(Format.TEXT, gzip=False))

    def close(self) -> None:
        self._client.close()


class Bare:
    """A gRPC channel and nothing else: what asking costs at the least."""

    def __init__(self, socket: Path) -> None:
        options = [("grpc.default_authority", "localhost"), ("grpc.max_receive_message_length", 16 << 20)]
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=options)
        self._methods: list[Callable[..., bytes]] = [
            self._channel.unary_unary(f"/v1.PodResourcesLister/{method}") for method in METHODS
        ]

    def ask(self) -> Round:
        return Round(*(method(b"", timeout=10) for method in self._methods))

    def ask_and_parse(self) -> object:
        return naive.parse(self.ask())

    def close(self) -> None:
        self._channel.close()


def poll_rows(node: Node, rounds: int) -> Iterator[Row]:
    """Yield the rows of whole polls, then those of their steps."""
    with running_kubelet(node) as kubelet, contextlib.ExitStack() as stack:
        bare = Bare(kubelet.socket(News.SAME))
        stack.callback(bare.close)
        polled = {news: _polled(kubelet, news, stack) for news in News}
        reference = Prebuilt(_first(polled[News.SAME]), selected(DEFAULT_COLLECTORS))
        answers = node.rounds[News.ALL]

        def plainest() -> None:
            naive.decode(answers[0])
            reference.page()

        def first() -> None:
            Pipeline(answers, node.topology).poll()

        works = {"bare": bare.ask, "parsed": bare.ask_and_parse, "naive": plainest, "first": first}
        found = side_by_side({**works, **{news.value: each.poll for news, each in polled.items()}}, rounds)
    size = node.size.name
    for news in News:
        budget = BUDGETS[news] if size != S.name else None
        yield Row(
            "poll", f"socket to page, {news.value}", size, found[news], "ms CPU", found["naive"], REFERENCE, budget
        )
    first_answer = "bytes to page, the first answer of all"
    yield Row("poll", first_answer, size, found["first"], "ms CPU", found["naive"], REFERENCE)
    yield Row("poll", "step RPC: two bare calls, bytes", size, found["bare"], "ms CPU", found["parsed"], "and parsed")
    yield from _steps(node, rounds)


def _polled(kubelet: Kubelet, news: News, stack: contextlib.ExitStack) -> Polled:
    polled = Polled(kubelet.socket(news), kubelet.sysfs)
    stack.callback(polled.close)
    return polled


def _first(polled: Polled) -> Snapshot:
    polled.poll()
    assert polled.snapshot is not None
    assert polled.snapshot.allocation is not None
    return polled.snapshot


def _steps(node: Node, rounds: int) -> Iterator[Row]:
    """Yield the steps between the call and the page: parse and decode, join, render."""
    parsed = side_by_side({"parse": lambda: naive.parse(node.rounds[News.SAME][0])}, rounds)["parse"]
    for news in (News.SAME, News.ALL):
        found = _timed_steps(Pipeline(node.rounds[news], node.topology), rounds)
        reference, against = {"decode": parsed}, {"decode": "protobuf parse alone"}
        for step in STEPS:
            yield Row(
                "poll",
                f"step {step}, {news.value}",
                node.size.name,
                found[step],
                "ms CPU",
                reference.get(step),
                against.get(step, ""),
            )


def _timed_steps(pipeline: Pipeline, rounds: int) -> dict[str, float]:
    for _ in range(2):
        pipeline.poll()
    taken = [pipeline.timed() for _ in range(rounds)]
    return {step: statistics.median(each[step] for each in taken) for step in STEPS}


def render_rows(node: Node, rounds: int) -> Iterator[Row]:
    """Yield what the first page of a snapshot costs a series, nothing kept, against prometheus_client's text."""
    pipeline = Pipeline(node.rounds[News.SAME], node.topology)
    pipeline.poll()
    snapshot, reference = pipeline.snapshot, Prebuilt(pipeline.snapshot)
    ours = FirstPages(snapshot, rounds + 2)
    lines = [line for line in ours.page().splitlines() if not line.startswith(b"#")]
    if len(lines) != reference.count:
        raise AssertionError(f"{len(lines)} lines of ours, {reference.count} samples of the reference")
    found = side_by_side({"ours": ours.page, "theirs": reference.page}, rounds)
    figure, yardstick = (found[name] * 1000 / reference.count for name in ("ours", "theirs"))
    budget = times_as_fast(15) if node.size.name != S.name else None
    what = f"a series of {reference.count:,}, nothing kept"
    yield Row("render", what, node.size.name, figure, "us CPU", yardstick, "generate_latest", budget)


def growth_rows(pods: Sequence[int], devices: Sequence[int], rounds: int) -> Iterator[Row]:
    """Yield what polls cost on nodes of more and more pods, then of more and more devices, with the exponent."""
    by_pods = [Size(f"{count} pods", count, 1, devices=10 * count, device_holders=count) for count in pods]
    holders = 100
    by_devices = [
        Size(f"{count:,} ids", holders, 1, devices=count, device_holders=min(holders, count)) for count in devices
    ]
    for sizes, counts, of in ((by_pods, pods, "pods, 10 devices each"), (by_devices, devices, "devices on 100 pods")):
        measured = [_grown(size, rounds) for size in sizes]
        for name in measured[0]:
            for size, found in zip(sizes, measured, strict=True):
                yield Row("growth", name, size.name, found[name], "ms CPU")
            points = [(count, found[name]) for count, found in zip(counts, measured, strict=True)]
            upper = [point for point in points if point[0] * 100 >= counts[-1]]
            note = f"{upper[0][0]:,} to {upper[-1][0]:,} {of}"
            yield Row("growth", f"{name}: exponent", "", exponent(upper), "", note=note)


def _grown(size: Size, rounds: int) -> dict[str, float]:
    node = node_of(size, (News.SAME, News.ALL))
    same, changed = (Pipeline(node.rounds[news], node.topology) for news in (News.SAME, News.ALL))
    same.poll()
    first = FirstPages(same.snapshot, rounds + 1)
    return side_by_side(
        {
            f"bytes to page, {News.SAME.value}": same.poll,
            f"bytes to page, {News.ALL.value}": changed.poll,
            "first page of a snapshot": first.page,
        },
        rounds,
    )


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of a line through the points on paper with logarithms on both sides; 1 is proportional."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    return statistics.linear_regression([x for x, _ in logs], [y for _, y in logs]).slope
