"""
Measure `kubectl podres` against thousands of nodes: time to the first and last row, memory, CPU.

python tests/bench/kubectl_nodes.py [--nodes 2000]

An API server on loopback passes on to as many exporters, which all have the document of one real page: pods of which
some hold GPUs, CPUs, memory and claims. The command runs in a terminal, as its users have it.
"""

# ruff: noqa: E402 - the helpers of the tests are found below
import argparse
import json
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / each) for each in ("rigs", "rigs/programs", "samples")]

from cluster_rig import Fleet, serving
from observed_rig import exporter, wait_until
from processes import get

from podres_exporter.clock import SystemClock

KUBECTL = [sys.executable, "-c", "import sys; from podres_exporter.cli import kubectl_main; sys.exit(kubectl_main())"]
COMMANDS = (["dump", "-A"], ["dump", "-A", "-o", "json"], ["dump", "--free"], ["fit", "--cpus=4"], ["check"])
CLOCK = SystemClock()


def page() -> bytes:
    """Return the document of the demo's node."""
    with tempfile.TemporaryDirectory(prefix="pr") as short, exporter(Path(short)) as port:
        url = f"http://127.0.0.1:{port}/api/v1/snapshot"
        assert wait_until(lambda: b"train-llm-0" in get(url)[1].encode(), 60)
        return get(url)[1].encode()


def run(command: list[str], environment: dict[str, str]) -> tuple[float, float, float, int, int]:
    """Return seconds to the first output and to the end, CPU seconds, peak MiB, and the exit code, in a terminal."""
    master, slave = pty.openpty()
    begun = CLOCK.monotonic_seconds()
    process = subprocess.Popen(
        [*KUBECTL, *command, "--deadline=10m"], stdout=slave, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(slave)
    first = 0.0
    try:
        while os.read(master, 1 << 20):
            first = first or CLOCK.monotonic_seconds() - begun
    except OSError:
        pass
    os.close(master)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = CLOCK.monotonic_seconds() - begun
    return first, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024, process.returncode


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=2000)
    nodes = parser.parse_args().nodes
    document = json.loads(page())
    with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder)) as fleet:
        answer = serving(document)
        for number in range(nodes):
            fleet.add(f"node-{number:04}", answer)
        environment = {"KUBECONFIG": str(fleet.config), "PATH": os.environ["PATH"], "HOME": folder, "TERM": "xterm"}
        print(f"{nodes} nodes, {len(json.dumps(document)) // 1024} KiB of JSON each")
        print("| command | first row, s | all, s | CPU, s | peak, MiB | exit |\n|---|---|---|---|---|---|")
        for command in COMMANDS:
            first, seconds, cpu, mib, code = run(command, environment)
            print(f"| `{' '.join(command)}` | {first:.1f} | {seconds:.1f} | {cpu:.1f} | {mib} | {code} |", flush=True)


if __name__ == "__main__":
    main()
