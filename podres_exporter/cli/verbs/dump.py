"""`dump`: print what a node holds now, for people and programs."""

import argparse
import os
from functools import partial
from pathlib import Path

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, complain, ended, remark, write
from podres_exporter.cli.flags.request import STANDARD_OUTPUT, View, record_path, selection_of, view_of, views
from podres_exporter.cli.look.origin import Keep, SnapshotOrigin, missing
from podres_exporter.cli.look.resolve import origin_of
from podres_exporter.cli.verbs.render import rendered
from podres_exporter.clock import SystemClock
from podres_exporter.dump import Selection, select
from podres_exporter.log import configure
from podres_exporter.recording import Recording


def run(arguments: argparse.Namespace) -> int:
    """Print it; 0 if it is complete, 1 if there is nothing to show, 3 if a source failed."""
    faults: list[str] = []
    view = view_of(arguments, faults)
    faults += _contradictions(arguments, view)
    record = record_path(arguments.record, faults)
    selection = selection_of(arguments, faults, namespaces=True)
    keep = None if record is None else _keep(record, hide_names=arguments.hash_names)
    origin = origin_of(arguments, os.environ, SystemClock(), faults, keep)
    configure(origin.config.log_level, origin.config.log_format)
    if arguments.watch:
        from podres_exporter.cli.verbs.follow import follow  # noqa: PLC0415 - only with --watch

        return ended(partial(follow, origin, selection, SystemClock(), is_json=view.output == "json"))
    if record == STANDARD_OUTPUT:
        return ended(partial(_record_alone, origin))
    return ended(partial(_dump, origin, selection, view))


def _dump(origin: SnapshotOrigin, selection: Selection, view: View) -> int:
    observation = origin.look()
    lacking = missing(observation)
    complain(lacking)
    shown = select(observation.snapshot, selection)
    text, notes = rendered(observation, shown, selection, view, origin.config)
    write(text)
    remark(notes)
    return EXIT_PARTIAL if lacking else EXIT_OK


def _record_alone(origin: SnapshotOrigin) -> int:
    """Write the recording to standard output, without a table."""
    lacking = missing(origin.look())
    complain(lacking)
    return EXIT_PARTIAL if lacking else EXIT_OK


def _keep(path: Path, *, hide_names: bool) -> Keep:
    """Return the function that records the raw answers."""

    def keep(recording: Recording) -> None:
        from podres_exporter.cli.look.record import save  # noqa: PLC0415 - only with --record

        save(recording, path, hide_names=hide_names)

    return keep


def _contradictions(arguments: argparse.Namespace, view: View) -> list[str]:
    """Return a sentence for each pair of flags that contradict each other."""
    found = []
    if arguments.watch:
        found += [
            f"--watch: prints changes as lines and cannot be combined with the table {flag}" for flag in views(view)
        ]
        if arguments.file is not None:
            found.append("--watch: a file does not change; omit --from")
        if view.output not in {"table", "json"}:
            found.append(f"--watch: prints changes as lines or, with -o json, as JSON; omit -o {view.output}")
        if view.sort_by or not view.headers:
            found.append("--watch: prints changes as lines; omit --sort-by and --no-headers")
        if view.everything:
            found.append("--watch: containers that hold nothing do not change; omit --all")
        if arguments.record is not None:
            found.append("--record: saves a single snapshot; omit --watch")
    if arguments.all_namespaces and arguments.namespace:
        found.append("-A and -n: are mutually exclusive; give one of them")
    if arguments.record is not None and (arguments.file is not None or arguments.url is not None):
        found.append("--record: saves a node's answers and cannot be combined with --from or --url")
    if arguments.hash_names and arguments.record is None:
        found.append("--hash-names: hides names in a recording; add --record FILE")
    return found
