"""The fuzzing loop: run a target, and detect crashes, hangs, excessive memory and broken promises."""

import hashlib
import re
import resource
import signal
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random

from fuzz.mutators import Mutator, spliced

from podres_exporter.clock import SystemClock

MIB = 1024 * 1024
DEADLINE_SECONDS = 2.0
"""CPU time of one input, none of which has more than 64 KiB; a busy machine does not shorten it."""

_BATCH = 50
_WEIGHED = 0.03
"""The share of the inputs that are tried again with every allocation counted."""
_THOROUGH = 0.25
"""The share of the inputs whose results are shown and read back."""
_POOL = 400
_POOL_INPUT_BYTES = 16 * 1024

GOOD = "ok"


class PromiseError(AssertionError):
    """What came out is neither a good result nor the error that belongs there."""


class HangError(BaseException):
    """The deadline is over. No Exception, so that nothing under test catches it."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    Something that takes bytes from outside.

    *check* returns GOOD, or the name of the documented error that refused the input; whatever it raises is a finding.
    The second argument says whether what came of a good input is to be looked at too, which may take much longer.
    *peak_mib* is how much memory one input may take at a time.
    """

    name: str
    seeds: Sequence[bytes]
    mutate: Mutator
    check: Callable[[bytes, bool], str]
    peak_mib: float = 24.0


@dataclass(slots=True)
class Finding:
    """One way to fail, by its *signature*, the first input that led to it, and how many did."""

    signature: str
    data: bytes
    text: str
    times: int = 1

    @property
    def file_name(self) -> str:
        """A name for the input that says what it did."""
        words = re.sub(r"[^A-Za-z0-9]+", "-", self.signature).strip("-").lower()[:60]
        return f"{words}-{hashlib.sha256(self.data).hexdigest()[:8]}"


@dataclass(slots=True)
class Tally:
    """What became of all inputs of a target."""

    target: str
    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest_seconds: float = 0.0
    peak_mib: float = 0.0
    findings: dict[str, Finding] = field(default_factory=dict)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise HangError in the block once it has used so much CPU time."""

    def over(_number: int, _frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def tried(
    target: Target, data: bytes, seconds: float = DEADLINE_SECONDS, *, is_thorough: bool = True
) -> tuple[str, Finding | None]:
    """Return the outcome of one input, and what is wrong if something is."""
    try:
        with deadline(seconds):
            return target.check(data, is_thorough), None
    except HangError as error:
        return "hang", Finding(f"hang in {_place(error)}", data, f"more than {seconds:g} s of CPU time")
    except Exception as error:  # noqa: BLE001 - that any may come is the point
        text = "".join(traceback.format_exception(error, limit=-6))
        what = str(error).partition(":")[0][:60] if isinstance(error, PromiseError) else _place(error)
        return type(error).__name__, Finding(f"{type(error).__name__} {what}", data, text[-3000:])


def _place(error: BaseException) -> str:
    """Return the innermost function of ours on the way to the error, by name: lines change, names hardly do."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/podres_exporter/" in f.filename]
    if not frames:
        return "outside"
    return f"{frames[-1].filename.rpartition('/podres_exporter/')[2]} {frames[-1].name}"


def weighed(target: Target, data: bytes) -> tuple[float, Finding | None]:
    """
    Return the most memory in MiB that one input takes at a time, and whether that is too much.

    To count every allocation is up to twenty times as slow, so what is not ready by the deadline is no finding here.
    """
    tracemalloc.start(1)
    try:
        before = tracemalloc.get_traced_memory()[0]
        tried(target, data)
        peak = (tracemalloc.get_traced_memory()[1] - before) / MIB
    finally:
        tracemalloc.stop()
    finding = None
    if peak > target.peak_mib:
        finding = Finding("too much memory", data, f"{peak:.1f} MiB at a time, of {len(data)} bytes")
    return peak, finding


class Fuzzer:
    """Feeds one target. What it tries is a function of the seed; how much of it, of the time there is."""

    def __init__(self, target: Target, rng: Random) -> None:
        """Begin with the seeds of the target."""
        self.tally = Tally(target.name)
        self._target, self._rng = target, rng
        self._pool = list(target.seeds)
        self._seen: set[str] = set()
        self._clock = SystemClock()

    def run(self, seconds: float, most: int | None = None) -> Tally:
        """Try the seeds as they are and then mutations, for so long and not more than so many."""
        began = self._clock.monotonic_seconds()
        for batch in count():
            taken = self._clock.monotonic_seconds() - began
            if taken >= seconds or (most is not None and self.tally.inputs >= most):
                break
            inputs = self._pool[:] if batch == 0 else [self._next() for _ in range(_BATCH)]
            self._run_batch(inputs, is_first=batch == 0)
        self.tally.seconds = self._clock.monotonic_seconds() - began
        return self.tally

    def _run_batch(self, inputs: Sequence[bytes], *, is_first: bool) -> None:
        """Try the inputs one by one; where they let the process grow permanently, find out which of them did."""
        rss = _peak_rss_mib()
        for data in inputs:
            self._try(data, is_thorough=is_first or self._rng.random() < _THOROUGH)
            if self._rng.random() < _WEIGHED:
                self._weigh(data)
        if _peak_rss_mib() - rss > self._target.peak_mib:
            for data in inputs:
                self._weigh(data)

    def _try(self, data: bytes, *, is_thorough: bool) -> None:
        began = self._clock.monotonic_seconds()
        outcome, finding = tried(self._target, data, is_thorough=is_thorough)
        self.tally.slowest_seconds = max(self.tally.slowest_seconds, self._clock.monotonic_seconds() - began)
        self.tally.inputs += 1
        self.tally.outcomes[outcome if finding is None else "finding"] += 1
        self._note(finding)
        if finding is None and outcome not in self._seen and len(data) <= _POOL_INPUT_BYTES and len(self._pool) < _POOL:
            self._seen.add(outcome)
            self._pool.append(data)

    def _weigh(self, data: bytes) -> None:
        peak, finding = weighed(self._target, data)
        self.tally.peak_mib = max(self.tally.peak_mib, peak)
        self._note(finding)

    def _note(self, finding: Finding | None) -> None:
        if finding is None:
            return
        known = self.tally.findings.setdefault(finding.signature, finding)
        known.times += known is not finding
        if len(finding.data) < len(known.data):
            known.data = finding.data

    def _next(self) -> bytes:
        """Return another input: one of the pool, mutated up to four times, now and then two of them put together."""
        data = self._rng.choice(self._pool)
        if self._rng.random() < 0.05:
            data = spliced(data, self._rng.choice(self._pool), self._rng)
        for _ in range(self._rng.choice((1, 1, 1, 2, 4))):
            data = self._target.mutate(data, self._rng)
        return data


def _peak_rss_mib() -> float:
    """Return the most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
