"""
A soak test of half an hour at ten times the usual speed: `make soak`.

The exporter is a process of its own in front of a simulated node: gRPC on a Unix socket, the API server over HTTP.
Pods come and go with every tenth of a second, something goes wrong with every sixth second, and clients of all kinds
ask several times a second. Ends with 1 where memory, descriptors or threads grow, the log floods, or anybody is not
served.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when it is loaded

from soak.plan import FACTOR
from soak.soaking import Soak, soak
from soak.verdict import judged, quarters

_WARM_UP_MINUTES = 20.0
"""One round of all faults: what is imported, compiled and pooled when it is first needed, gRPC's threads above all."""


def main() -> int:
    """Soak, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="simulated ones, after the warm-up of twenty")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers that choose among the pods")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was seen there")
    arguments = parser.parse_args()
    scaled = 60.0 / FACTOR
    say(f"{arguments.minutes:g} minutes of a node that is polled every 10 s, {FACTOR} times as fast, after "
        f"{_WARM_UP_MINUTES:g} minutes of the same")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="pr") as directory:
        seen = soak(
            Path(directory),
            _WARM_UP_MINUTES * scaled,
            arguments.minutes * scaled,
            every_seconds=2.0,
            seed=arguments.seed,
        )
    return report(seen, arguments.json)


def report(seen: Soak, path: Path | None) -> int:
    """Print the table and the judgements; return the exit code."""
    say(f"{'quarter':<9}{'RSS MiB':>9}{'private MiB':>13}{'descriptors':>13}{'threads':>9}{'of gRPC':>9}"
        f"{'log lines':>11}{'switches/s':>12}")  # fmt: skip
    for number, each in enumerate(quarters(seen), 1):
        say(f"{number:<9}{each.rss_kib / 1024:>9.2f}{each.private_kib / 1024:>13.2f}"
            f"{'{}-{}'.format(*each.descriptors):>13}{'{}-{}'.format(*each.threads):>9}"
            f"{'{}-{}'.format(*each.grpc_threads):>9}"
            f"{each.log_lines:>11}{each.switches_per_second:>12.0f}")  # fmt: skip
    for title, counts in (("pods", seen.events), ("faults", seen.faults), ("answers", seen.good)):
        say(f"{title}: {', '.join(f'{name} {times}' for name, times in sorted(counts.items()))}")
    judgements = judged(seen)
    for judgement in judgements:
        say(f"{'good' if judgement.is_good else 'BAD '}  {judgement.question}: {judgement.seen}")
    if path is not None:
        whole = {**dataclasses.asdict(seen), "judgements": [dataclasses.asdict(each) for each in judgements]}
        path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return 0 if all(each.is_good for each in judgements) else 1


def say(text: str) -> None:
    """Print without buffering."""
    print(text, flush=True)  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    sys.exit(main())
