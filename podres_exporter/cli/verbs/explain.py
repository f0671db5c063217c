"""`explain`: print why a pod has the CPUs, memory and devices it has."""

import argparse
import json
import os

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, columns, complain, ended, write
from podres_exporter.cli.flags.request import PodName, explained_pod, output_fault
from podres_exporter.cli.look.origin import SnapshotOrigin, missing
from podres_exporter.cli.look.resolve import origin_of
from podres_exporter.clock import SystemClock
from podres_exporter.explain import explain
from podres_exporter.explain.document import to_dict
from podres_exporter.explain.text import explain_text
from podres_exporter.log import configure

FORMATS = ("text", "json")


def run(arguments: argparse.Namespace) -> int:
    """Print the account; return 0 if it is complete, 1 without such a pod, 3 if a source failed."""
    faults = output_fault(arguments.output, FORMATS)
    pod = explained_pod(arguments.pod, arguments.namespace, faults)
    origin = origin_of(arguments, os.environ, SystemClock(), faults)
    configure(origin.config.log_level, origin.config.log_format)
    return ended(lambda: _explain(origin, pod, arguments))


def _explain(origin: SnapshotOrigin, pod: PodName, arguments: argparse.Namespace) -> int:
    observation = origin.look()
    lacking = missing(observation)
    complain(lacking)
    account = explain(observation.snapshot, pod.namespace, pod.name, arguments.container)
    if arguments.output == "json":
        write(json.dumps(to_dict(account), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in explain_text(account, columns(otherwise=100), observation.now_seconds)))
    return EXIT_PARTIAL if lacking else EXIT_OK
