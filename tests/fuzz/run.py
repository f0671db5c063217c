"""
Fuzz all parsers of external input: `make fuzz`.

Each target gets so many seconds, and what fails is made small and written to tests/fuzz/kept, where a test replays it.
The same seed tries the same inputs in the same order, as far as the time allows. Ends with 1 where anything was found.
"""

import argparse
import logging
import os
import resource
import sys
import tempfile
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when it is loaded

from fuzz.engine import Fuzzer, Tally, Target
from fuzz.reduction import reduced
from fuzz.targets import KEPT, TARGETS

_MORE_MEMORY = 2 * 1024**3
"""Bytes that the process may grow by: an input that wants more gets a MemoryError, and the machine lives on."""


def main() -> int:
    """Fuzz, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of the random numbers; by default another each time")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="only this one; repeatable")
    arguments = parser.parse_args()
    seed = Random().randrange(2**32) if arguments.seed is None else arguments.seed  # noqa: S311 - no secret
    _limit_memory()
    logging.getLogger("podres_exporter").addHandler(
        logging.NullHandler()
    )  # a log of what is wrong would be all there is
    say(f"seed {seed}")
    say(f"{'target':<11}{'inputs':>9}{'good':>9}{'refused':>9}{'seconds':>9}{'inputs/s':>10}{'slowest s':>11}"
        f"{'peak MiB':>10}{'findings':>10}")  # fmt: skip
    found = 0
    for name in arguments.target or TARGETS:
        with tempfile.TemporaryDirectory(prefix="podres-fuzz-") as folder, TARGETS[name](Path(folder)) as target:
            tally = Fuzzer(target, Random(f"{seed}/{name}")).run(arguments.seconds)  # noqa: S311 - no secret
            report(tally)
            keep(target, tally)
        found += len(tally.findings)
    return 1 if found else 0


def report(tally: Tally) -> None:
    """Print a target's line, and the classes of its refusals."""
    failed = tally.outcomes["finding"]
    refused = {name: times for name, times in tally.outcomes.items() if name.endswith("Error")}
    good = tally.inputs - failed - sum(refused.values())
    say(f"{tally.target:<11}{tally.inputs:>9}{good:>9}{sum(refused.values()):>9}{tally.seconds:>9.1f}"
        f"{tally.inputs / tally.seconds:>10.0f}{tally.slowest_seconds:>11.2f}{tally.peak_mib:>10.1f}"
        f"{len(tally.findings):>10}")  # fmt: skip
    for name, times in sorted(refused.items(), key=lambda pair: -pair[1])[:6]:
        say(f"    {times:>9} x {name}")


def keep(target: Target, tally: Tally) -> None:
    """Print each finding, make its input small, and write it down."""
    folder = KEPT / target.name
    for finding in sorted(tally.findings.values(), key=lambda each: each.signature):
        finding.data = reduced(target, finding)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / finding.file_name
        path.write_bytes(finding.data)
        say(f"  FOUND {finding.times} x {finding.signature}\n    {path}\n    {finding.data[:300]!r}\n{finding.text}")


def say(text: str) -> None:
    """Print without buffering."""
    print(text, flush=True)  # noqa: T201 - that is what it is for


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _MORE_MEMORY, hard))


if __name__ == "__main__":
    sys.exit(main())
