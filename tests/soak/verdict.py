"""Judge a soak test, quarter by quarter."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from soak.plan import POLL_SECONDS, allowed_lines
from soak.readings import Reading
from soak.soaking import Soak

MOST_GROWTH_KIB = 2 * 1024
"""From the mean of the first quarter to that of the last."""

_PASSING = 2
"""Descriptors or threads that may come beside the usual ones: of a connection, or of gRPC's pool."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the time; memory is the mean in KiB, the pairs are the least and the most."""

    readings: int
    rss_kib: float
    private_kib: float
    descriptors: tuple[int, int]
    threads: tuple[int, int]
    grpc_threads: tuple[int, int]
    usual_descriptors: float
    usual_threads: float
    log_lines: int
    switches_per_second: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """One question, what was seen, and whether it is as it should be."""

    question: str
    seen: str
    is_good: bool


def quarters(soak: Soak) -> list[Quarter]:
    """Return the four quarters of the readings."""
    count = len(soak.readings)
    return [_quarter(soak.readings[count * n // 4 : count * (n + 1) // 4]) for n in range(4)]


def _quarter(readings: Sequence[Reading]) -> Quarter:
    first, last = readings[0], readings[-1]
    descriptors, threads = [each.descriptors for each in readings], [each.threads for each in readings]
    grpc_threads = [each.grpc_threads for each in readings]
    switches = sum(max(0, later.switches - sooner.switches) for sooner, later in pairwise(readings))
    return Quarter(
        len(readings),
        fmean(each.rss_kib for each in readings),
        fmean(each.private_kib for each in readings),
        (min(descriptors), max(descriptors)),
        (min(threads), max(threads)),
        (min(grpc_threads), max(grpc_threads)),
        median(descriptors),
        median(threads),
        last.log_lines - first.log_lines,
        switches / max(1.0, last.seconds - first.seconds),
    )


def judged(soak: Soak) -> list[Judgement]:
    """Return all judgements."""
    return [*_memory(soak), *_handles(soak), *log_judgements(soak), *_service(soak)]


def _memory(soak: Soak) -> list[Judgement]:
    parts = quarters(soak)
    grown = parts[-1].rss_kib - parts[0].rss_kib
    private = parts[-1].private_kib - parts[0].private_kib
    seen = f"{grown:+.0f} KiB (private and dirty {private:+.0f} KiB) from the first quarter to the last"
    return [Judgement("memory is flat", seen, grown <= MOST_GROWTH_KIB)]


def _handles(soak: Soak) -> list[Judgement]:
    """
    Judge what must not leak: the usual number, and the numbers at rest before and after.

    In the middle of a fault a connection may be missing, or the next one may be there before the last one is gone.
    """
    parts = quarters(soak)
    found = []
    for name, usual, spans, rest in (
        (
            "descriptors",
            [p.usual_descriptors for p in parts],
            [p.descriptors for p in parts],
            _rest(soak, "descriptors"),
        ),
        ("threads", [p.usual_threads for p in parts], [p.threads for p in parts], _rest(soak, "threads")),
    ):
        most = max(most for _, most in spans)
        is_constant = len(set(usual)) == 1 and most <= usual[0] + _PASSING and rest[0] == rest[1]
        seen = f"usually {usual}, spans {spans}, at rest {rest[0]} before and {rest[1]} after"
        found.append(Judgement(f"{name} are constant", seen, is_constant))
    least, most = parts[0].grpc_threads[0], max(part.grpc_threads[1] for part in parts)
    is_bounded = most <= least + _PASSING
    return [*found, Judgement("gRPC's pool of threads does not grow on", f"from {least} to {most}", is_bounded)]


def _rest(soak: Soak, name: str) -> tuple[int, int]:
    return getattr(soak.before, name), getattr(soak.after, name)


def log_judgements(soak: Soak) -> list[Judgement]:
    """Judge the log: nothing unexpected, and nothing more often than it happened."""
    allowed = allowed_lines(soak.faults)
    floods = {name: times for name, times in soak.lines.items() if times > allowed.get(name, 0)}
    seen = ", ".join(f"{name} {times} of {allowed.get(name, 0)}" for name, times in sorted(soak.lines.items()))
    return [
        Judgement("no event is logged more often than it happened", seen, not floods),
        Judgement("no traceback is logged", str(soak.tracebacks), not soak.tracebacks),
    ]


def _service(soak: Soak) -> list[Judgement]:
    answered, failed = sum(soak.good.values()), sum(soak.bad.values())
    usual = median(soak.gaps)
    per_second = soak.polls / soak.seconds
    return [
        Judgement("every client is served", f"{answered} good, {failed} bad {list(soak.problems)}", not failed),
        Judgement(
            "the poll interval is kept",
            f"usually {usual:.2f} s, {per_second:.2f} polls a second with those that try again",
            0.9 <= usual / POLL_SECONDS <= 1.15 and 0.7 <= per_second * POLL_SECONDS <= 1.5,
        ),
        Judgement("SIGTERM ends it well", f"exit code {soak.exit_code}", soak.exit_code == 0),
    ]
