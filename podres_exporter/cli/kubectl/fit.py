"""`kubectl podres fit`: which nodes would admit a pod with these requests now."""

import argparse

from podres_exporter.cli.console import EXIT_FAILED, EXIT_OK, EXIT_PARTIAL, columns, write
from podres_exporter.cli.flags.pod import ask_of_flags, one_of, options_of_flags
from podres_exporter.cli.flags.request import output_fault
from podres_exporter.cli.kubectl.collect import cluster, make_way
from podres_exporter.cli.kubectl.command import named_troubles, refuse
from podres_exporter.clock import SystemClock
from podres_exporter.cluster.documents import json_of
from podres_exporter.cluster.fit import fit_document, fit_lines, ranked, verdict
from podres_exporter.cluster.outcome import told, troubles
from podres_exporter.fit import Fits, Policy, Scope

FORMATS = ("text", "json")
EXIT_CODES = {Fits.YES: EXIT_OK, Fits.NO: EXIT_FAILED, Fits.UNKNOWN: EXIT_PARTIAL}


def run(arguments: argparse.Namespace) -> int:
    """Print the answers; return 0 if some node says yes, 1 if all say no or none answers, 3 if some do not answer."""
    faults = output_fault(arguments.output, FORMATS)
    ask = ask_of_flags(arguments, faults)
    policy = None if arguments.policy is None else one_of("--policy", arguments.policy, Policy, faults)
    scope = one_of("--scope", arguments.scope, Scope, faults) or Scope.CONTAINER
    options = options_of_flags(arguments, faults)
    way = make_way(arguments, faults)
    refuse(faults)
    with cluster(way, SystemClock()) as found:
        outcomes = found.ask()
    code = named_troubles(outcomes)
    nodes = told(outcomes)
    if not nodes:
        return code
    answers = ranked([each.snapshot for each in nodes], ask, policy, scope, options)
    if arguments.output == "json":
        write(json_of(fit_document(answers, troubles(outcomes), ask)))
    else:
        write("".join(f"{line}\n" for line in fit_lines(answers, columns(otherwise=100))))
    return code or EXIT_CODES[verdict(answers)]
