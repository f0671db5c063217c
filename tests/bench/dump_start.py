"""
What `dump` costs before it says anything: `make bench-start`.

CPU seconds of whole processes, the best of several: `dump` in front of a simulated kubelet, the same imports alone, and
Python alone. Bytecode is compiled beforehand, as pip does at an installation. Prints a table; asserts nothing.
"""

import compileall
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import podres_exporter
from podres_exporter.clock import SystemClock
from podres_exporter.sim.builtin import builtin_scenario
from podres_exporter.sim.node import SimNode

RUNS = 9
IMPORTS = "import podres_exporter.cli.dump, podres_exporter.cli.gather, podres_exporter.cli.asknode, grpc"


def cpu_seconds(command: list[str]) -> float:
    """Return the least CPU time of several runs."""
    taken = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def main() -> None:
    """Measure and print."""
    compileall.compile_dir(str(Path(podres_exporter.__file__).parent), quiet=2)
    with tempfile.TemporaryDirectory(prefix="podres-") as folder:
        node = SimNode(builtin_scenario("demo"), Path(folder), SystemClock())
        with node:
            flags = [f"--kubelet.socket={node.socket_path}", f"--topology.sysfs={node.sysfs}"]
            dump = [sys.executable, "-m", "podres_exporter", "dump", "--metadata.source=none", *flags]
            whole = cpu_seconds(dump)
            imports = cpu_seconds([sys.executable, "-c", IMPORTS])
            python = cpu_seconds([sys.executable, "-c", ""])
    print(f"{'dump --metadata.source=none':<42}{whole * 1000:>7.0f} ms of CPU   budget 250 ms")
    print(f"{'of that: imports':<42}{imports * 1000:>7.0f} ms          {imports / whole:.0%}")
    print(f"{'of that: Python itself':<42}{python * 1000:>7.0f} ms          {python / whole:.0%}")


if __name__ == "__main__":
    main()
