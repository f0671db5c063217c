"""`dump`: what a node holds now, for people and for programs."""

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, complain, ended, write
from podres_exporter.cli.look.origin import gather
from podres_exporter.cli.look.plan import Plan, make_plan, record_path
from podres_exporter.cli.verbs.render import FORMATS, TABLES, View, rendered
from podres_exporter.clock import Clock, SystemClock
from podres_exporter.dump import Selection, select
from podres_exporter.log import configure
from podres_exporter.recording import Recording

_LARGEST_NODE = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; *record* is None where nothing is to be kept."""

    selection: Selection
    view: View
    record: Path | None = None
    hide_names: bool = False


def run(arguments: argparse.Namespace, problems: Sequence[str]) -> int:
    """Print it; 0 if it is whole, 1 where there is nothing to show, 3 where a source did not tell."""
    faults = list(problems)
    request = _request(arguments, faults)
    plan = make_plan(arguments, os.environ, faults, is_watch=arguments.watch)
    configure(plan.config.log_level, plan.config.log_format)
    if arguments.watch:
        from podres_exporter.cli.verbs.follow import follow  # noqa: PLC0415 - for those who watch

        return ended(partial(follow, plan, request.selection, os.environ, SystemClock()))
    return ended(partial(_dump, plan, request, SystemClock()))


def _dump(plan: Plan, request: Request, clock: Clock) -> int:
    gathered = gather(plan, os.environ, clock, partial(_keep, request))
    complain(gathered.shortfalls)
    shown = select(gathered.snapshot, request.selection)
    write(rendered(gathered, shown, request.selection, request.view, plan.config))
    return EXIT_PARTIAL if gathered.shortfalls else EXIT_OK


def _keep(request: Request, recording: Recording) -> None:
    if request.record is not None:
        from podres_exporter.cli.look.record import save  # noqa: PLC0415 - for those who record

        save(recording, request.record, hide_names=request.hide_names)


def _request(arguments: argparse.Namespace, faults: list[str]) -> Request:
    """Return what was asked for; *faults* names what contradicts itself."""
    view = View(arguments.output, is_free=arguments.free, is_summary=arguments.nodes, everything=arguments.all)
    if view.output not in FORMATS:
        faults.append(f"-o: {view.output!r} is unknown; choose {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    elif view.output not in TABLES:
        faults += [f"{flag}: is a table of its own, and -o {view.output} is none" for flag in _views(view)]
    if view.is_free and view.is_summary:
        faults.append("--free and --nodes: are tables of their own; ask for one after the other")
    if view.everything and (view.output != "table" or _views(view)):
        faults.append("--all: is for the table of containers; json and yaml have all of them anyway")
    faults += _contradictions(arguments, view)
    record = record_path(arguments.record, faults)
    return Request(_selection(arguments, faults), view, record, arguments.hash_names)


def _views(view: View) -> list[str]:
    return [flag for flag, is_given in (("--free", view.is_free), ("--nodes", view.is_summary)) if is_given]


def _contradictions(arguments: argparse.Namespace, view: View) -> list[str]:
    found = []
    if arguments.watch:
        found += [f"--watch: prints changes as lines, and {flag} is a table" for flag in _views(view)]
        if arguments.file is not None:
            found.append("--watch: nothing changes in a file; leave --from out")
        if view.output != "table":
            found.append(f"--watch: prints changes as lines; leave -o {view.output} out")
        if view.everything:
            found.append("--watch: containers that hold nothing do not change; leave --all out")
        if arguments.record is not None:
            found.append("--record: keeps one look; leave --watch out")
    if arguments.record is not None and (arguments.file is not None or arguments.url is not None):
        found.append("--record: keeps what a node answers, and with --from and --url none is asked")
    if arguments.hash_names and arguments.record is None:
        found.append("--hash-names: hides names in a recording; give --record FILE")
    return found


def _selection(arguments: argparse.Namespace, faults: list[str]) -> Selection:
    for flag, texts in (
        ("--namespace", arguments.namespace),
        ("--pod", arguments.pod),
        ("--container", arguments.container),
        ("--resource", arguments.resource),
        ("--device", [] if arguments.device is None else [arguments.device]),
    ):
        if "" in texts:
            faults.append(f"{flag}: the name is empty; leave the flag out for all of them")
    numbers = [text for text in arguments.numa_node if re.fullmatch(f"[0-9]{{1,{_LARGEST_NODE}}}", text)]
    faults += [
        f"--numa-node: {text!r} is not the number of a NUMA node; write for example 0"
        for text in arguments.numa_node
        if text not in numbers
    ]
    return Selection(
        tuple(arguments.namespace),
        tuple(arguments.pod),
        tuple(arguments.container),
        tuple(arguments.resource),
        arguments.device,
        frozenset(map(int, numbers)),
    )
