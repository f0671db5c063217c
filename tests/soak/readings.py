"""Readings of a process from /proc."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One look: memory in KiB, what is open, and how much was done; *seconds* since the warm-up was over.

    *threads* are those that Python started. *grpc_threads* are gRPC's: it lets its pool grow when all of it is busy.
    *switches* are context switches of the threads that live.
    """

    seconds: float
    rss_kib: int
    private_kib: int
    descriptors: int
    threads: int
    grpc_threads: int
    switches: int
    log_lines: int


def read(pid: int, log: Path, seconds: float) -> Reading:
    """Return a reading of the process whose log is a file."""
    proc = Path(f"/proc/{pid}")
    names = [
        _name(proc / "task" / str(pid)),
        *(_name(task) for task in (proc / "task").iterdir() if task.name != str(pid)),
    ]
    status = (proc / "status").read_text(encoding="ascii")
    rollup = (proc / "smaps_rollup").read_text(encoding="ascii")
    return Reading(
        seconds,
        rss_kib=_field(status, "VmRSS"),
        private_kib=_field(rollup, "Private_Dirty"),
        descriptors=len(list((proc / "fd").iterdir())),
        threads=names.count(names[0]),
        grpc_threads=len(names) - names.count(names[0]),
        switches=sum(_switches(task) for task in (proc / "task").iterdir()),
        log_lines=log.read_bytes().count(b"\n"),
    )


def _name(task: Path) -> str:
    """Return the name of a thread; Python leaves the process's to its own."""
    try:
        return (task / "comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _switches(task: Path) -> int:
    """Return how often a thread has been on and off; one that ends meanwhile counts nothing."""
    try:
        status = (task / "status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return _field(status, "voluntary_ctxt_switches") + _field(status, "nonvoluntary_ctxt_switches")


def _field(text: str, name: str) -> int:
    match = re.search(rf"^{name}:\s+([0-9]+)", text, re.MULTILINE)
    if match is None:
        raise AssertionError(f"{name} is not in {text}")
    return int(match[1])
