"""CPU time of the whole process at the default poll interval."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.rigs.answers import News, Node
from bench.rigs.apiserver import api_server
from bench.rigs.children import cpu_seconds
from bench.rigs.exporter import Exporter, Setting, serving
from bench.rigs.kubelet import running_kubelet
from bench.rigs.program import Program
from bench.rigs.sizes import L, S
from bench.rigs.table import Row, no_more_than
from bench.rigs.timing import CLOCK, pause

USUAL_SECONDS = 10.0
LOOK_SECONDS = 0.1
BUDGETS = {S.name: no_more_than(0.1, "% of a core"), L.name: no_more_than(0.5, "% of a core")}


def cpu_rows(node: Node, program: Program, interval: float, seconds: float, *, watch: bool) -> Iterator[Row]:
    """
    Yield the share of a core, the same as CPU seconds an hour, and its two parts: polls, and what is between them.

    Polls are watched at a shorter *interval*, at which caches are as cold; both parts for so many seconds.
    """
    with running_kubelet(node) as kubelet, contextlib.ExitStack() as stack:
        account = None
        if watch:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podres-")))
            account = stack.enter_context(api_server(node.size, folder))
        setting = Setting(kubelet.socket(News.SAME), kubelet.sysfs, account)
        calm = stack.enter_context(serving(program, setting, 1.5 * seconds))
        busy = stack.enter_context(serving(program, setting, interval))
        share, polls_a_second = _polling(busy, interval, seconds)
        idle = _idle(calm, seconds)
    each = (share - idle) / polls_a_second
    share = idle + each / USUAL_SECONDS
    note = f"{program.label}, source {setting.source}, a gzip scrape a poll"
    size = node.size.name
    yield Row("cpu", "at an interval of 10 s", size, share * 100, "% of a core", budget=BUDGETS.get(size), note=note)
    yield Row("cpu", "the same, an hour", size, share * 3600, "s of CPU", note=note)
    yield Row("cpu", "a poll and a scrape of it", size, each * 1000, "ms CPU", note=note)
    yield Row("cpu", "between polls", size, idle * 100, "% of a core", note=note)


def _polling(exporter: Exporter, interval: float, seconds: float) -> tuple[float, float]:
    """Return the share of a core that is taken, with a scrape at each poll, and the polls a second."""
    _warm(exporter)
    polls, began, before = exporter.polls(), CLOCK.monotonic_seconds(), cpu_seconds(exporter.pid)
    while CLOCK.monotonic_seconds() - began < seconds:
        pause(interval)
        exporter.scrape()
    taken, lasted = cpu_seconds(exporter.pid) - before, CLOCK.monotonic_seconds() - began
    return taken / lasted, (exporter.polls() - polls) / lasted


def _idle(exporter: Exporter, seconds: float) -> float:
    """Return the share of a core that is taken from right after a poll on, so long that the next has not come."""
    _warm(exporter)
    before = cpu_seconds(exporter.pid)
    pause(seconds)
    return (cpu_seconds(exporter.pid) - before) / seconds


def _warm(exporter: Exporter) -> None:
    """Wait for the second poll, when nothing of the start is left to be paid."""
    while exporter.polls() < 2:
        pause(LOOK_SECONDS)
