"""`kubectl podres check`: the health of the exporters and kubelets of all nodes."""

import argparse

from podres_exporter import __version__
from podres_exporter.check.finding import Verdict
from podres_exporter.cli.console import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PARTIAL,
    columns,
    wants_colours,
    write,
)
from podres_exporter.cli.flags.request import output_fault
from podres_exporter.cli.kubectl.collect import Cluster, cluster, make_way
from podres_exporter.cli.kubectl.command import complain, refuse
from podres_exporter.clock import Clock, SystemClock
from podres_exporter.cluster.documents import json_of
from podres_exporter.cluster.health import Health, judge
from podres_exporter.cluster.health_text import health_document, health_lines
from podres_exporter.cluster.outcome import is_interrupted, told, trouble_lines, troubles
from podres_exporter.dump import ANSI, PLAIN
from podres_exporter.errors import ApiServerError

FORMATS = ("text", "json")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return 0 if all is well, 1 if no exporter answers, 3 if something is missing anywhere."""
    faults = output_fault(arguments.output, FORMATS)
    way = make_way(arguments, faults)
    refuse(faults)
    clock = SystemClock()
    with cluster(way, clock) as found:
        health = _health(found, clock, are_all_asked=not arguments.node)
    complain(trouble_lines(health.troubles))
    if arguments.output == "json":
        now = clock.wall_seconds()
        write(json_of(health_document(health, generated_at_seconds=now, version=__version__)))
    else:
        style = ANSI if wants_colours() else PLAIN
        write("".join(f"{line}\n" for line in health_lines(health, columns=columns(otherwise=120), style=style)))
    if is_interrupted(health.troubles):
        return EXIT_INTERRUPTED
    if not health.nodes:
        return EXIT_FAILED
    return EXIT_OK if health.verdict is Verdict.OK else EXIT_PARTIAL


def _health(found: Cluster, clock: Clock, *, are_all_asked: bool) -> Health:
    outcomes = found.ask(takes_unready=True)
    names: list[str] | None = []
    if are_all_asked:
        try:
            names = found.api.nodes()
        except ApiServerError:
            names = None
    return judge(told(outcomes), troubles(outcomes), clock.wall_seconds(), names)
