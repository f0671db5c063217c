"""`fit`: whether this node would admit a pod with these requests now."""

import argparse
import json
import os

from podres_exporter.cli.console import EXIT_FAILED, EXIT_OK, EXIT_PARTIAL, columns, complain, ended, write
from podres_exporter.cli.flags.pod import ask_of_flags, one_of, options_of_flags
from podres_exporter.cli.flags.request import output_fault
from podres_exporter.cli.look.origin import SnapshotOrigin, missing
from podres_exporter.cli.look.resolve import origin_of
from podres_exporter.clock import SystemClock
from podres_exporter.fit import Ask, Fits, KubeletOptions, Policy, Scope, fit
from podres_exporter.fit.document import to_dict
from podres_exporter.fit.text import fit_text
from podres_exporter.log import configure

FORMATS = ("text", "json")
EXIT_CODES = {Fits.YES: EXIT_OK, Fits.NO: EXIT_FAILED, Fits.UNKNOWN: EXIT_PARTIAL}


def run(arguments: argparse.Namespace) -> int:
    """
    Print the answer; return 0 for yes, 1 for no, 3 if unknown.

    Without a snapshot the answer is unknown too: here, 1 means no.
    """
    faults = output_fault(arguments.output, FORMATS)
    ask = ask_of_flags(arguments, faults)
    policy = None if arguments.policy is None else one_of("--policy", arguments.policy, Policy, faults)
    scope = one_of("--scope", arguments.scope, Scope, faults) or Scope.CONTAINER
    options = options_of_flags(arguments, faults)
    origin = origin_of(arguments, os.environ, SystemClock(), faults)
    configure(origin.config.log_level, origin.config.log_format)
    return ended(lambda: _fit(origin, ask, (policy, scope, options), arguments.output), failed=EXIT_PARTIAL)


def _fit(origin: SnapshotOrigin, ask: Ask, kubelet: tuple[Policy | None, Scope, KubeletOptions], output: str) -> int:
    observation = origin.look()
    complain(missing(observation))
    answer = fit(observation.snapshot, ask, *kubelet[:2], options=kubelet[2])
    if output == "json":
        write(json.dumps(to_dict(answer), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in fit_text(answer, columns(otherwise=100))))
    return EXIT_CODES[answer.fits]
