"""Throughput of scrapes compared with nginx, alone and during polls."""

import gzip
from collections.abc import Iterator

from bench.rigs.answers import News, Node
from bench.rigs.exporter import Setting, serving
from bench.rigs.kubelet import Kubelet, running_kubelet
from bench.rigs.load import Plan, Seen, Target, load
from bench.rigs.nginx import nginx, nginx_path
from bench.rigs.program import Program
from bench.rigs.sizes import S
from bench.rigs.table import Budget, Row, at_most

BUDGETS = {(True, 1): at_most(1.3), (True, 8): at_most(3.0), (False, 1): at_most(1.0), (False, 8): at_most(1.0)}
"""By whether the page is compressed, and the number of clients."""
BUSY_SECONDS = 0.25
QUIET = ("--kubelet.poll-interval=10m",)


def scrape_rows(node: Node, program: Program, plan: Plan) -> Iterator[Row]:
    """Yield p50 and p99 of every kind of scrape; *plan* is the one of a single client."""
    with running_kubelet(node) as kubelet:
        setting = Setting(kubelet.socket(News.SAME), kubelet.sysfs)
        with serving(program, setting, flags=QUIET) as exporter:
            compressed = exporter.scrape()
            ours = exporter.port
            server = nginx_path()
            if server is None:
                quiet = _alone(ours, plan)
            else:
                with nginx(server, gzip.decompress(compressed), compressed) as theirs:
                    quiet = _pairs(ours, theirs, plan)
        for (compress, clients), (mine, other) in quiet.items():
            yield from _rows(node, compress, clients, mine, other)
        yield from _during_polls(node, kubelet, program, plan, quiet)


Pairs = dict[tuple[bool, int], tuple[Seen, Seen | None]]


def _pairs(ours: int, theirs: int, plan: Plan) -> Pairs:
    found: Pairs = {}
    for compress, clients in BUDGETS:
        targets = [Target(port, "/metrics", compress) for port in (ours, theirs)]
        mine, other = load(targets, Plan(clients, plan.block_seconds, plan.blocks))
        found[compress, clients] = mine, other
    return found


def _alone(ours: int, plan: Plan) -> Pairs:
    return {
        (compress, clients): (load([Target(ours, "/metrics", compress)], Plan(clients, *_times(plan)))[0], None)
        for compress, clients in BUDGETS
    }


def _times(plan: Plan) -> tuple[float, int]:
    return plan.block_seconds, plan.blocks


def _rows(node: Node, compress: bool, clients: int, mine: Seen, other: Seen | None) -> Iterator[Row]:
    what, note = _what(compress, clients), "" if other else "nginx is not installed"
    against = "nginx, the same bytes"
    budget: Budget | None = BUDGETS[compress, clients] if node.size.name != S.name else None
    size = node.size.name
    yield Row("scrape", f"{what}, p50", size, mine.p50_ms, "ms", other.p50_ms if other else None, against, budget, note)
    yield Row("scrape", f"{what}, p99", size, mine.p99_ms, "ms", other.p99_ms if other else None, against, None, note)


def _during_polls(node: Node, kubelet: Kubelet, program: Program, plan: Plan, quiet: Pairs) -> Iterator[Row]:
    """Yield the same while everything changes four times a second, so each page is rendered and compressed again."""
    setting = Setting(kubelet.socket(News.ALL), kubelet.sysfs)
    with serving(program, setting, BUSY_SECONDS) as exporter:
        for compress in (True, False):
            (busy,) = load([Target(exporter.port, "/metrics", compress)], Plan(1, *_times(plan)))
            calm, _ = quiet[compress, 1]
            what, against = f"{_what(compress, 1)}, a changed poll every 0.25 s", "ours without polls"
            yield Row("scrape", f"{what}, p50", node.size.name, busy.p50_ms, "ms", calm.p50_ms, against)
            yield Row("scrape", f"{what}, p99", node.size.name, busy.p99_ms, "ms", calm.p99_ms, against)


def _what(compress: bool, clients: int) -> str:
    return f"{'gzip' if compress else 'identity'}, {clients} client{'s' if clients > 1 else ''}"
