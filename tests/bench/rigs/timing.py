"""Measure CPU times in interleaved rounds, and return medians."""

import gc
import statistics
import threading
import time
from collections.abc import Callable, Mapping

from podres_exporter.clock import SystemClock

CLOCK = SystemClock()
Work = Callable[[], object]


def pause(seconds: float) -> None:
    """Let time go by."""
    CLOCK.wait(threading.Event(), seconds)


def cpu_ms(work: Work) -> float:
    """Return the CPU time that the whole process takes meanwhile, gRPC's own threads included."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def side_by_side(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """
    Return the median CPU time of each work, in milliseconds.

    Each is done once beforehand. What lives by then is kept out of the collector's way, as the daemon does.
    """
    for work in works.values():
        work()
    gc.collect()
    gc.freeze()
    taken: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for number in range(rounds):
        for name in names if number % 2 == 0 else names[::-1]:
            taken[name].append(cpu_ms(works[name]))
    gc.unfreeze()
    return {name: statistics.median(values) for name, values in taken.items()}
