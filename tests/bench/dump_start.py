"""
Measure the CPU time that `dump` takes to start: `make bench-start`.

CPU seconds of whole processes, the best of several: `dump` in front of a simulated kubelet, the same imports alone, and
Python alone. Bytecode is compiled beforehand, as pip does at an installation. Prints a table; asserts nothing.
"""

import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

from bench.rigs.program import venv_program

from podres_exporter.clock import SystemClock
from podres_exporter.sim.node import SimNode, builtin_scenario

RUNS = 9
IMPORTS = "import podres_exporter.cli.verbs.dump, podres_exporter.cli.look.origin, podres_exporter.cli.look.node, grpc"


@dataclass(frozen=True, slots=True)
class DumpCosts:
    """CPU seconds of `dump`, of its imports and of Python itself."""

    whole: float
    imports: float
    python: float


def least_cpu_seconds(command: list[str], runs: int) -> float:
    """Return the least CPU time of several runs."""
    taken = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def dump_costs(runs: int = RUNS) -> DumpCosts:
    """Measure."""
    python = str(venv_program().python)
    with tempfile.TemporaryDirectory(prefix="podres-") as folder:
        node = SimNode(builtin_scenario("demo"), Path(folder), SystemClock())
        with node:
            flags = [f"--kubelet.socket={node.socket_path}", f"--topology.sysfs={node.sysfs}"]
            dump = [python, "-m", "podres_exporter", "dump", "--metadata.source=none", *flags]
            return DumpCosts(
                least_cpu_seconds(dump, runs),
                least_cpu_seconds([python, "-c", IMPORTS], runs),
                least_cpu_seconds([python, "-c", ""], runs),
            )


def main() -> None:
    """Measure and print."""
    found = dump_costs()
    print(f"{'dump --metadata.source=none':<42}{found.whole * 1000:>7.0f} ms of CPU   budget 250 ms")
    for what, part in (("imports", found.imports), ("Python itself", found.python)):
        print(f"{f'of that: {what}':<42}{part * 1000:>7.0f} ms          {part / found.whole:.0%}")


if __name__ == "__main__":
    main()
