"""
Requests of thousands of nodes to one API server, computed, and simulated for hundreds: `make scale`.

The reflectors are the exporter's own, in this process; the simulated API servers are processes of their own. Time is
simulated too, so that a busy machine makes it slower and nothing else. Prints tables; asserts nothing.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

from scale import claims, model
from scale.comparison import Row, comeback_rows, paper_rows, start_rows, steady_rows
from scale.fleet import Fleet
from scale.model import Cluster, Comeback
from scale.phases import Phase, Simulation
from scale.server import remote_server

from podres_exporter.clock import SystemClock

REFLECTORS_PER_SERVER = 150
"""The simulated server has a thread per watch, which looks around twenty times a second: this many fill half a core."""

DRA_NODES = 30
"""So many followers of slices and claims are counted, on real time."""

OUTAGES: Sequence[tuple[str, float, float | None, bool]] = (
    ("cut, another answers", 0.0, None, False),
    ("away for 10 s", 10.0, None, False),
    ("away for 10 s, versions lost", 10.0, None, True),
    ("away for 60 s, versions lost", 60.0, None, True),
    ("429 for 20 s, Retry-After 1", 20.0, 1.0, False),
    ("429 for 5 s, Retry-After 30", 5.0, 30.0, False),
)
"""Name, seconds, Retry-After where the server is there and says so, and whether it comes back without a history."""


def simulate(fleet: Fleet, small: Cluster, large: Cluster) -> Iterator[tuple[Phase, list[Row], Comeback | None]]:
    """Yield phase after phase, with what was computed for it."""
    simulation = Simulation(fleet)
    phase = simulation.start()
    yield phase, list(start_rows(phase, small, large)), None
    phase = simulation.steady(small.events_per_second)
    yield phase, list(steady_rows(phase, small, large)), None
    for name, seconds, retry_after, forgets in OUTAGES:
        if retry_after is None:
            phase = simulation.restart(name, seconds, forgets=forgets)
        else:
            phase = simulation.storm(name, seconds, int(retry_after))
        few, many = (model.comeback(each, seconds, retry_after, forgets=forgets) for each in (small, large))
        yield phase, list(comeback_rows(phase, int(seconds), few, many)), many


def main() -> None:
    """Compute, simulate and print."""
    options = _options()
    logging.getLogger("podres_exporter").addHandler(logging.NullHandler())
    large = Cluster(options.nodes, options.pods, options.pod_bytes, options.churn)
    small = Cluster(options.reflectors, options.pods, options.pod_bytes, options.churn)
    _say(f"{large.nodes:,} nodes, {large.pods_per_node} pods each of {large.pod_bytes / 1024:.0f} KiB, computed")
    for what, value in paper_rows(large):
        _say(f"  {what:<50} {value:>24}")
    for what, value in claims.paper_rows(large, options.claims):
        _say(f"  {what:<50} {value:>24}")
    with tempfile.TemporaryDirectory(prefix="podres-") as directory:
        for what, asked in claims.counted(DRA_NODES, options.claims, Path(directory)):
            found = ", ".join(f"{number} {kind}" for kind, number in sorted(asked.items())) or "nothing"
            _say(f"  DRA, {DRA_NODES} nodes, {what}: {found}")
    clock = SystemClock()
    began, phases = clock.monotonic_seconds(), []
    servers = options.servers or -(-small.nodes // REFLECTORS_PER_SERVER)
    _say(f"\n{small.nodes} reflectors, {servers} server processes; at {large.nodes:,} nodes as computed")
    _say(f"{'what':<30} {'measured':>10} {'computed':>10} {'ratio':>7} {'at scale':>12}")
    with ExitStack() as stack:
        made = [stack.enter_context(remote_server()) for _ in range(servers)]
        fleet = Fleet(made, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podres-"))), small.nodes)
        stack.callback(fleet.stop)
        for number, server in enumerate(made):
            server.fill(fleet.nodes_of(number), small.pods_per_node, small.pod_bytes)
        for phase, rows, computed in simulate(fleet, small, large):
            _say(f"{phase.name} ({clock.monotonic_seconds() - began:.0f} s of real time so far)")
            for row in rows:
                seen = f"{row.measured:>10,.1f} {row.computed:>10,.1f} {row.ratio:>7}"
                _say(f"  {row.what:<28} {seen} {row.at_scale:>12,.1f}")
            _say(f"  servers' record: {phase.by_code()}; asked: {phase.causes()}")
            phases.append((phase, rows, computed))
    if options.json:
        document = [_document(*each) for each in phases]
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _document(phase: Phase, rows: Sequence[Row], computed: Comeback | None) -> dict[str, object]:
    """Return a phase for the JSON file."""
    return {
        "phase": phase.name,
        "rows": [asdict(row) for row in rows],
        "servers": phase.by_code(),
        "causes": phase.causes(),
        "totals": dict(phase.totals),
        "requests_per_second": phase.per_second(),
        "at_scale_requests_per_second": [round(each, 1) for each in computed.requests] if computed else [],
        "at_scale_answered_per_second": [round(each, 1) for each in computed.answered] if computed else [],
    }


def _options() -> argparse.Namespace:
    """Return what the command line says."""
    whole = Cluster()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reflectors", type=int, default=300, help="how many are simulated")
    parser.add_argument("--servers", type=int, default=0, help="processes of the simulated API server")
    parser.add_argument("--nodes", type=int, default=whole.nodes, help="how many are computed")
    parser.add_argument("--pods", type=int, default=whole.pods_per_node, help="pods per node")
    parser.add_argument("--pod-bytes", type=int, default=whole.pod_bytes, help="JSON of a pod")
    parser.add_argument("--claims", type=int, default=3, help="claims of pods per node")
    parser.add_argument("--churn", type=float, default=whole.churn_per_hour, help="share of the pods replaced an hour")
    parser.add_argument("--json", metavar="FILE", help="write everything, second by second, there")
    return parser.parse_args()


def _say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
