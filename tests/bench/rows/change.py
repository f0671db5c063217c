"""Latency from the creation of a pod to a page that shows its device."""

import statistics
from collections.abc import Iterator

from bench.metadata import seen_after
from bench.rigs.program import Program
from bench.rigs.sizes import S
from bench.rigs.table import Budget, Row

USUAL_SECONDS = 10
WITH_GET = Budget(1.0, "p95 under 1 s", of_ratio=False)
JITTER = 1.05


def change_rows(program: Program, count: int, interval_seconds: int) -> Iterator[Row]:
    """
    Yield p50 and p95 in front of a kubelet with Get, and the most in front of one without.

    The latter is asked at intervals alone, of *interval_seconds*, and a fourth of the changes is enough to see that.
    """
    size, note = S.name, program.label
    seen = seen_after(program, "1.36", count, max(interval_seconds, USUAL_SECONDS) if count > 2 else interval_seconds)
    yield Row("change", "pod event to page, Get, p50", size, statistics.median(seen), "s", note=note)
    p95 = statistics.quantiles(seen, n=20)[-1]
    yield Row("change", "pod event to page, Get, p95", size, p95, "s", budget=WITH_GET, note=note)
    seen = seen_after(program, "1.33", max(1, count // 4), interval_seconds)
    what, against = "pod event to page, no Get, most", "one interval and its jitter of 5 %"
    budget = Budget(JITTER, "one interval")
    yield Row("change", what, size, max(seen), "s", interval_seconds * JITTER, against, budget, note)
