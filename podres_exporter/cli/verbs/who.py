"""`who`: print who held a device at a given time, or over a period; for `podres-exporter` and `kubectl podres`."""

import argparse
import json
import os

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, columns, ended, remark, wants_colours, write
from podres_exporter.cli.flags.who_question import question_of
from podres_exporter.cli.look.prometheus import server_of
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError, SnapshotError, SourceError
from podres_exporter.remote.prometheus import PrometheusClient
from podres_exporter.text.grid import Layout
from podres_exporter.text.style import ANSI, PLAIN
from podres_exporter.text.words import ENDLESS
from podres_exporter.who.document import to_dict
from podres_exporter.who.history import Answer, ask
from podres_exporter.who.text import answer_lines, answer_notes
from podres_exporter.who.times import LocalZone


def run(arguments: argparse.Namespace) -> int:
    """
    Print the answer; return 0 if it is complete, 1 without such a device or without Prometheus, 3 if a part is unknown.
    """
    return ended(lambda: answered(arguments))


def answered(arguments: argparse.Namespace) -> int:
    """Print the answer and return the exit code. Raises SnapshotError, SelectionError and ConfigError."""
    faults: list[str] = []
    zone, clock = LocalZone(), SystemClock()
    question = question_of(arguments, clock.wall_seconds(), zone, faults)
    server = server_of(arguments, os.environ, faults)
    if faults:
        raise ConfigError(faults)
    client = PrometheusClient(server.address, server.timeout_seconds, clock, server.tls, server.bearer_token)
    try:
        answer = ask(client, question)
    except SourceError as error:
        raise SnapshotError(error.detail) from error
    if arguments.output == "json":
        write(json.dumps(to_dict(answer), indent=2) + "\n")
    else:
        style = ANSI if wants_colours() else PLAIN
        layout = Layout(columns(ENDLESS), style, not arguments.no_headers, arguments.sort_by.upper())
        write("".join(f"{line}\n" for line in answer_lines(answer, layout, zone)))
        remark(answer_notes(answer, layout, zone))
    return EXIT_PARTIAL if _is_partial(answer) else EXIT_OK


def _is_partial(answer: Answer) -> bool:
    return bool(answer.warnings) or any(each.unknown is not None for each in answer.periods)
