"""Child processes of the benchmarks: start and end them, and measure their CPU time and memory."""

import contextlib
import multiprocessing
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FORK = multiprocessing.get_context("fork")
_SCHED_CLOCK = 2


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """End the process when the block is left."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def beside(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Run a function in a process of its own until the block is left."""
    process = FORK.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def cpu_seconds(pid: int) -> float:
    """
    Return the CPU time of all threads of a process, those that have ended included.

    Source: clock_getcpuclockid(3); the kernel makes the clock of a process of its number (posix-cpu-timers).
    """
    return time.clock_gettime(~pid << 3 | _SCHED_CLOCK)


def memory_mib(pid: int, field: str = "VmRSS") -> float:
    """Return a field of /proc/PID/status: VmRSS is what is resident, VmHWM the most that ever was."""
    return _kib(Path(f"/proc/{pid}/status"), field) / 1024


def private_mib(pid: int) -> float:
    """Return the resident memory that no other process shares and that only swap could take away."""
    return _kib(Path(f"/proc/{pid}/smaps_rollup"), "Private_Dirty") / 1024


def _kib(file: Path, field: str) -> int:
    line = next(line for line in file.read_text(encoding="ascii").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])
