"""`fit`: would this node admit such a pod now."""

import argparse
import json
import os
from collections.abc import Sequence

from podres_exporter.cli.console import EXIT_FAILED, EXIT_OK, EXIT_PARTIAL, columns, complain, ended, write
from podres_exporter.cli.flags.pod import ask_of_flags, one_of
from podres_exporter.cli.look.origin import gather
from podres_exporter.cli.look.plan import Plan, make_plan
from podres_exporter.clock import SystemClock
from podres_exporter.fit import Ask, Fits, Policy, Scope, fit
from podres_exporter.fit.document import to_dict
from podres_exporter.fit.text import fit_text
from podres_exporter.log import configure

FORMATS = ("text", "json")
EXIT_CODES = {Fits.YES: EXIT_OK, Fits.NO: EXIT_FAILED, Fits.UNKNOWN: EXIT_PARTIAL}


def run(arguments: argparse.Namespace, problems: Sequence[str]) -> int:
    """
    Print the answer; 0 for yes, 1 for no, 3 where it is not known.

    Where there is no snapshot it is not known either: 1 is an answer here.
    """
    faults = list(problems)
    if arguments.output not in FORMATS:
        faults.append(f"-o: {arguments.output!r} is unknown; choose {' or '.join(FORMATS)}")
    ask = ask_of_flags(arguments, faults)
    policy = None if arguments.policy is None else one_of("--policy", arguments.policy, Policy, faults)
    scope = one_of("--scope", arguments.scope, Scope, faults) or Scope.CONTAINER
    plan = make_plan(arguments, os.environ, faults)
    configure(plan.config.log_level, plan.config.log_format)
    return ended(lambda: _fit(plan, ask, policy, scope, arguments.output), failed=EXIT_PARTIAL)


def _fit(plan: Plan, ask: Ask, policy: Policy | None, scope: Scope, output: str) -> int:
    gathered = gather(plan, os.environ, SystemClock())
    complain(gathered.shortfalls)
    answer = fit(gathered.snapshot, ask, policy, scope)
    if output == "json":
        write(json.dumps(to_dict(answer), indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for line in fit_text(answer, columns(otherwise=100))))
    return EXIT_CODES[answer.fits]
