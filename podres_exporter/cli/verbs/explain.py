"""`explain`: why a pod sits where it sits."""

import argparse
import json
import os
from collections.abc import Sequence

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, columns, complain, ended, write
from podres_exporter.cli.look.origin import gather
from podres_exporter.cli.look.plan import Plan, make_plan
from podres_exporter.clock import SystemClock
from podres_exporter.explain import explain
from podres_exporter.explain.document import to_dict
from podres_exporter.explain.text import explain_text
from podres_exporter.log import configure

FORMATS = ("text", "json")


def run(arguments: argparse.Namespace, problems: Sequence[str]) -> int:
    """Print the account; 0 if it is whole, 1 without such a pod, 3 where a source did not tell."""
    faults = list(problems)
    if arguments.output not in FORMATS:
        faults.append(f"-o: {arguments.output!r} is unknown; choose {' or '.join(FORMATS)}")
    inside, slash, name = arguments.pod.rpartition("/")
    if slash and arguments.namespace not in {None, inside}:
        faults.append(f"-n: says {arguments.namespace!r}, and the pod's name says {inside!r}")
    namespace = inside if slash else arguments.namespace
    if not name or namespace == "":
        faults.append("POD: the pod's name is empty; write NAME, or NAMESPACE/NAME")
    plan = make_plan(arguments, os.environ, faults)
    configure(plan.config.log_level, plan.config.log_format)
    return ended(lambda: _explain(plan, namespace, name, arguments))


def _explain(plan: Plan, namespace: str | None, name: str, arguments: argparse.Namespace) -> int:
    gathered = gather(plan, os.environ, SystemClock())
    complain(gathered.shortfalls)
    account = explain(gathered.snapshot, namespace, name, arguments.container)
    if arguments.output == "json":
        write(json.dumps(to_dict(account), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in explain_text(account, columns(otherwise=100))))
    return EXIT_PARTIAL if gathered.shortfalls else EXIT_OK
