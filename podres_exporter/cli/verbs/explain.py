"""`explain`: why a pod sits where it sits."""

import argparse
import json
import os
from collections.abc import Sequence

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, columns, complain, ended, write
from podres_exporter.cli.flags.request import output_fault
from podres_exporter.cli.look.missing import missing
from podres_exporter.cli.look.origin import SnapshotOrigin
from podres_exporter.cli.look.resolve import origin_of
from podres_exporter.clock import SystemClock
from podres_exporter.explain import explain
from podres_exporter.explain.document import to_dict
from podres_exporter.explain.text import explain_text
from podres_exporter.log import configure

FORMATS = ("text", "json")


def run(arguments: argparse.Namespace, problems: Sequence[str]) -> int:
    """Print the account; 0 if it is whole, 1 without such a pod, 3 where a source did not tell."""
    faults = list(problems)
    faults += output_fault(arguments.output, FORMATS)
    inside, slash, name = arguments.pod.rpartition("/")
    if slash and arguments.namespace not in {None, inside}:
        faults.append(f"-n: says {arguments.namespace!r}, and the pod's name says {inside!r}")
    namespace = inside if slash else arguments.namespace
    if not name or namespace == "":
        faults.append("POD: the pod's name is empty; write NAME, or NAMESPACE/NAME")
    origin = origin_of(arguments, os.environ, SystemClock(), faults)
    configure(origin.config.log_level, origin.config.log_format)
    return ended(lambda: _explain(origin, namespace, name, arguments))


def _explain(origin: SnapshotOrigin, namespace: str | None, name: str, arguments: argparse.Namespace) -> int:
    observation = origin.look()
    lacking = missing(observation)
    complain(lacking)
    account = explain(observation.snapshot, namespace, name, arguments.container)
    if arguments.output == "json":
        write(json.dumps(to_dict(account), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in explain_text(account, columns(otherwise=100))))
    return EXIT_PARTIAL if lacking else EXIT_OK
