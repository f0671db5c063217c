"""
Measure what the exporter costs, next to references of the same run: `make bench`.

`--only GROUP` (repeatable) measures one group, `--json FILE` and `--markdown FILE` write the table, `--quick` makes
nodes and rounds so small that the figures mean nothing and only shows that every row comes. Prints a table; a budget
that is not kept is no failure. PODRES_PROGRAM names another program than the image's: see program.py.
"""

import argparse
import functools
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read when gRPC is loaded: what servers say when clients leave

from bench.dump_start import dump_costs
from bench.rigs.answers import Node, node_of
from bench.rigs.load import Plan
from bench.rigs.machine import facts
from bench.rigs.program import IMAGE, Program, asked_program, image_program, venv_program
from bench.rigs.sizes import SIZES, XL, L, S, Size, small
from bench.rigs.table import Row, as_json, markdown, text_table
from bench.rigs.timing import CLOCK
from bench.rows.change import change_rows
from bench.rows.cpu import cpu_rows
from bench.rows.memory import memory_rows
from bench.rows.poll import growth_rows, poll_rows, render_rows
from bench.rows.race import Churn, race_rows
from bench.rows.scrape import scrape_rows
from bench.rows.size import size_rows
from bench.rows.start import dump_rows, start_rows
from bench.rows.unit import unit_rows
from bench.rows.watch import watch_rows

FAILED = "failed, see above"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done: rounds, runs, seconds, and by how much the nodes are made smaller."""

    rounds: int
    runs: int
    changes: int
    change_seconds: int
    interval: float
    cpu_seconds: float
    polls: tuple[int, int]
    plan: Plan
    pods: tuple[int, ...]
    devices: tuple[int, ...]
    divisor: int = 1
    churn: Churn = Churn()  # noqa: RUF009 - frozen


FULL = Effort(
    rounds=9,
    runs=7,
    changes=40,
    change_seconds=2,
    interval=1.0,
    cpu_seconds=8.0,
    polls=(50, 1000),
    plan=Plan(1, 0.75, 4),
    pods=(1, 10, 100, 1000),
    devices=(10, 100, 1000, 10_000, 50_000),
)
QUICK = Effort(
    rounds=1,
    runs=1,
    changes=2,
    change_seconds=1,
    interval=0.1,
    cpu_seconds=0.3,
    polls=(3, 5),
    plan=Plan(1, 0.05, 1),
    pods=(1, 10),
    devices=(10, 100),
    divisor=25,
    churn=Churn(12, 0.05, 2.0),
)


class Workbench:
    """What the groups share: nodes and programs, each made when it is first wanted."""

    def __init__(self, effort: Effort, *, quick: bool) -> None:
        self.effort, self._quick = effort, quick
        self.node = functools.cache(self._node)

    @functools.cached_property
    def venv(self) -> Program:
        return venv_program()

    @functools.cached_property
    def image(self) -> Program | None:
        """The program that the image runs, None where it cannot be built, or where there is no time for that."""
        asked = asked_program()
        if asked is not None or self._quick:
            return asked
        try:
            return image_program()
        except subprocess.CalledProcessError as error:
            print(f"the image's program cannot be built: {error.stderr.decode().strip()}", file=sys.stderr)
            return None

    @property
    def lacks_image(self) -> bool:
        """Whether that program was wanted and could not be built."""
        return "image" in vars(self) and self.image is None

    @property
    def programs(self) -> list[Program]:
        """Every program there is."""
        return [self.venv, self.image] if self.image else [self.venv]

    @property
    def shipped(self) -> Program:
        """The image's program if there is one."""
        return self.image or self.venv

    def _node(self, size: Size) -> Node:
        return node_of(small(size, self.effort.divisor) if self.effort.divisor > 1 else size)


def polls(bench: Workbench) -> Iterator[Row]:
    for size in SIZES:
        yield from poll_rows(bench.node(size), bench.effort.rounds)


def rendering(bench: Workbench) -> Iterator[Row]:
    for size in SIZES:
        yield from render_rows(bench.node(size), bench.effort.rounds)


def cpu(bench: Workbench) -> Iterator[Row]:
    effort = bench.effort
    for size in SIZES:
        for watch in (False, True) if size is not XL else (False,):
            yield from cpu_rows(bench.node(size), bench.shipped, effort.interval, effort.cpu_seconds, watch=watch)


def scrapes(bench: Workbench) -> Iterator[Row]:
    for size in SIZES:
        yield from scrape_rows(bench.node(size), bench.shipped, bench.effort.plan)


def start(bench: Workbench) -> Iterator[Row]:
    yield from start_rows(bench.node(S), bench.programs, bench.effort.runs)
    yield from dump_rows(dump_costs(bench.effort.runs))


def memory(bench: Workbench) -> Iterator[Row]:
    early, late = bench.effort.polls
    for size in (S, L):
        yield from memory_rows(bench.node(size), bench.shipped, (early, late))
        if bench.image is not None:
            yield from memory_rows(bench.node(size), bench.venv, (early, early))
    yield from memory_rows(bench.node(XL), bench.shipped, (early, early))


def watch_event(bench: Workbench) -> Iterator[Row]:
    yield from watch_rows(bench.effort.rounds)


def change(bench: Workbench) -> Iterator[Row]:
    yield from change_rows(bench.shipped, bench.effort.changes, bench.effort.change_seconds)


def race(bench: Workbench) -> Iterator[Row]:
    yield from race_rows(bench.shipped, bench.effort.churn)


def sizes(bench: Workbench) -> Iterator[Row]:
    for size in SIZES:
        yield from size_rows(bench.node(size))


def growth(bench: Workbench) -> Iterator[Row]:
    yield from growth_rows(bench.effort.pods, bench.effort.devices, min(5, bench.effort.rounds))


def units(bench: Workbench) -> Iterator[Row]:
    yield from unit_rows(min(3, bench.effort.rounds), bench.effort.divisor)


GROUPS: Mapping[str, Callable[[Workbench], Iterator[Row]]] = {
    "scrape": scrapes,
    "render": rendering,
    "poll": polls,
    "cpu": cpu,
    "watch": watch_event,
    "memory": memory,
    "start": start,
    "change": change,
    "size": sizes,
    "growth": growth,
    "race": race,
    "units": units,
}


def measure(bench: Workbench, groups: list[str]) -> Iterator[Row]:
    """Yield the rows of the groups and tell how far it is; one that fails says so in a row, and the rest goes on."""
    began = CLOCK.monotonic_seconds()
    for name in groups:
        print(f"{CLOCK.monotonic_seconds() - began:5.0f} s  {name}", file=sys.stderr, flush=True)
        try:
            yield from GROUPS[name](bench)
        except Exception:  # noqa: BLE001 - what one group could not measure says nothing of the others
            traceback.print_exc()
            yield Row(name, FAILED, "", None, "")
    print(f"{CLOCK.monotonic_seconds() - began:5.0f} s  done", file=sys.stderr, flush=True)


def main() -> int:
    """Measure, print and write; return 1 where a group could not be measured."""
    parser = argparse.ArgumentParser(description="What the exporter costs, against references of the same run.")
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group; may be given again")
    parser.add_argument("--quick", action="store_true", help="show that every row comes; the figures mean nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the rows as a Markdown table")
    arguments = parser.parse_args()
    known = facts()
    bench = Workbench(QUICK if arguments.quick else FULL, quick=arguments.quick)
    found = measure(bench, arguments.only or list(GROUPS))
    rows = [replace(row, judged=not arguments.quick) for row in found]
    if bench.lacks_image:
        known["missing"] = f"the program {IMAGE}"
    if arguments.quick:
        known["run"] = "quick, figures mean nothing"
    print("; ".join(f"{name} {value}" for name, value in known.items()))
    print(*(f"{size}" for size in SIZES), sep="\n")
    print(text_table(rows))
    if arguments.json:
        arguments.json.write_text(as_json(rows, known), encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(rows, known), encoding="utf-8")
    return 1 if any(row.what == FAILED for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
