"""Cost of thousands of units of one device in one container, as plugins that list each MiB have."""

from collections.abc import Callable, Iterator, Mapping

from bench.rigs.table import Row, at_most, no_more_than
from bench.rigs.timing import side_by_side

from podres_exporter.dump import json_text
from podres_exporter.explain import explain
from podres_exporter.explain.text import explain_text
from podres_exporter.join import Joiner
from podres_exporter.model import Allocatable, Container, Device, Listing, Pod, Snapshot, Topology
from podres_exporter.page.assets import PageLinks, load_assets
from podres_exporter.page.document import render

RESOURCE, HELD, FREE = "volcano.sh/vgpu-memory", 40_960, 20_000
_UUID = "GPU-7abbb7a9-40e1-053c-f605-00000000000"
TWICE = at_most(2.0)


def unit_rows(rounds: int, divisor: int) -> Iterator[Row]:
    """Yield the CPU time of `explain` against `dump -o json` of the same node, and the size of the page."""
    snapshot = units(HELD // divisor, FREE // divisor)
    assets = load_assets()
    works: Mapping[str, Callable[[], str | list[str]]] = {
        "explain": lambda: explain_text(explain(snapshot, None, "llm-0")),
        "dump": lambda: json_text([snapshot], generated_at_seconds=0.0, version="bench"),
        "page": lambda: render(snapshot, 0.0, assets, PageLinks("/metrics", "/api/v1/snapshot")),
    }
    taken = side_by_side(works, rounds)
    size = f"{HELD // divisor} units"
    yield Row("units", "explain", size, taken["explain"], "ms CPU", taken["dump"], "dump -o json", TWICE)
    yield Row("units", "page, CPU", size, taken["page"], "ms CPU", taken["dump"], "dump -o json")
    kib = len(works["page"]()) / 1024
    yield Row("units", "page, size", size, kib, "KiB", budget=no_more_than(300, "KiB"))


def units(held: int, free: int) -> Snapshot:
    """Return a node on which one container holds so many units of one GPU, and so many of another are free."""
    ours = [Device(RESOURCE, f"{_UUID}1-{number}", frozenset()) for number in range(held)]
    others = [Device(RESOURCE, f"{_UUID}2-{number}", frozenset()) for number in range(free)]
    by_id = tuple(sorted(ours, key=lambda device: device.device_id))
    every = tuple(sorted([*ours, *others], key=lambda device: device.device_id))
    pod = Pod("ml", "llm-0", (Container("main", by_id),))
    topology = Topology({0: frozenset(range(32)), 1: frozenset(range(32, 64))})
    report = Allocatable(every, frozenset(), ())
    return Snapshot("n1", Joiner().join(Listing((pod,)), report, topology))
