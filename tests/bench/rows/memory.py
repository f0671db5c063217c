"""Resident memory after 50 and 1,000 polls, its peak, and that of the libraries alone."""

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rigs.answers import News, Node
from bench.rigs.apiserver import Account, api_server
from bench.rigs.children import memory_mib, private_mib
from bench.rigs.exporter import DRA, Exporter, Setting, serving
from bench.rigs.kubelet import Kubelet, running_kubelet
from bench.rigs.program import VENV, Program
from bench.rigs.sizes import L, S
from bench.rigs.table import Budget, Row, no_more_than
from bench.rigs.timing import pause

INTERVAL_SECONDS = 0.03
SLICES = 10
"""ResourceSlices of the node, of 128 devices each, the most that one may have."""
BUDGETS = {
    (S.name, "none"): 38,
    (S.name, "apiserver"): 50,
    (S.name, DRA): 53,
    (L.name, "none"): 48,
    (L.name, "apiserver"): 62,
}
"""MiB of the image, by size and source."""
MORE_IN_VENV = 4
"""MiB that an installation by pip may take more."""
GROWTH = no_more_than(2, "MiB")
LIBRARIES = {
    "none": "import grpc, google.protobuf, prometheus_client",
    "apiserver": "import grpc, google.protobuf, prometheus_client, msgspec, urllib3",
    DRA: "import grpc, google.protobuf, prometheus_client, msgspec, urllib3",
}
"""What the exporter imports of others, by the source of metadata."""
_PRINT_RESIDENT = (
    "; print(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1], flush=True)"
)


@dataclass(frozen=True, slots=True)
class Resident:
    """What was resident early and late, the most that was, and what of it is the process's own."""

    early: float
    late: float
    most: float
    private: float


def memory_rows(node: Node, program: Program, polls: tuple[int, int]) -> Iterator[Row]:
    """Yield the memory of a program with each source of metadata; one pod in fifty changes at each poll."""
    with (
        tempfile.TemporaryDirectory(prefix="podres-") as temporary,
        running_kubelet(node) as kubelet,
        api_server(node.size, Path(temporary), SLICES) as account,
    ):
        settings = [_setting(kubelet), _setting(kubelet, account), _setting(kubelet, account, has_dra=True)]
        for setting, found in zip(settings, _measured(program, settings, polls), strict=True):
            yield from _rows(node, program, setting.source, found, polls)


def _setting(kubelet: Kubelet, account: Account | None = None, *, has_dra: bool = False) -> Setting:
    return Setting(kubelet.socket(News.FEW), kubelet.sysfs, account, has_dra=has_dra)


def _measured(program: Program, settings: Sequence[Setting], polls: tuple[int, int]) -> list[Resident]:
    """Return what each setting takes; the processes run side by side, which changes nothing for their memory."""
    early, late = polls
    with contextlib.ExitStack() as stack:
        exporters = [stack.enter_context(serving(program, setting, INTERVAL_SECONDS)) for setting in settings]
        first = [_after(each, early, memory_mib) for each in exporters]
        last = [_after(each, late, memory_mib) for each in exporters]
        return [
            Resident(before, after, memory_mib(each.pid, "VmHWM"), private_mib(each.pid))
            for each, before, after in zip(exporters, first, last, strict=True)
        ]


def _after(exporter: Exporter, polls: int, look: Callable[[int], float]) -> float:
    """Return what *look* finds once there were so many polls; pages are asked for meanwhile."""
    while exporter.polls() < polls:
        pause(10 * INTERVAL_SECONDS)
    return look(exporter.pid)


def _rows(node: Node, program: Program, source: str, found: Resident, polls: tuple[int, int]) -> Iterator[Row]:
    size, note = node.size.name, f"{program.label}, source {source}"
    early, late = polls
    floor, against = libraries_mib(program, source), "importing the libraries alone"
    budget = _budget(size, source, program)
    yield Row("memory", f"resident after {early} polls", size, found.early, "MiB", floor, against, budget, note)
    if late > early:
        growth, more = f"growth from {early} to {late:,} polls", found.late - found.early
        yield Row("memory", growth, size, more, "MiB", budget=GROWTH if budget else None, note=note)
    yield Row("memory", "peak", size, found.most, "MiB", found.late, "steady", note=note)
    yield Row("memory", "of that private", size, found.private, "MiB", note=note)


def _budget(size: str, source: str, program: Program) -> Budget | None:
    most = BUDGETS.get((size, source))
    return None if most is None else no_more_than(most + (MORE_IN_VENV if program.label == VENV else 0), "MiB")


def libraries_mib(program: Program, source: str) -> float:
    """Return what a process that only imports the libraries has resident."""
    command = [str(program.python), "-c", LIBRARIES[source] + _PRINT_RESIDENT]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(program.environment))
    return int(done.stdout) / 1024
