"""Devices allocated twice by the kubelet: with this exporter, with other clients, and without any."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.rigs.children import ended
from bench.rigs.exporter import Exporter
from bench.rigs.program import Program
from bench.rigs.race import OWN, Outcome, Race, listing
from bench.rigs.sizes import NODE
from bench.rigs.table import Budget, Row
from bench.rigs.timing import pause

from podres_exporter.sim.api import kubeconfig

GROUP = "race"
POLL_SECONDS = 10.0
NONE = Budget(0.0, "none", of_ratio=False)
ONE = Budget(1.0, "one", of_ratio=False)
AS_POLLING = Budget(1.0, "at most as many as List each 10 s")
IN_A_SECOND = Budget(1.0, "p95 under 1 s", of_ratio=False)


@dataclass(frozen=True, slots=True)
class Churn:
    """How much happens: pods on the node, how long Allocate takes, and seconds of a run."""

    pods: int = 500
    allocate_seconds: float = 0.2
    seconds: float = 60.0


def race_rows(program: Program, churn: Churn) -> Iterator[Row]:
    """Yield what happens on nodes with Get (1.36) and without (1.29, 1.33)."""
    size = f"{churn.pods} pods, Allocate {churn.allocate_seconds * 1000:.0f} ms"
    yield from _with_get(program, churn, size)
    for release in ("1.29", "1.33"):
        polled = _run(release, churn, lister_seconds=POLL_SECONDS)
        made = _run(release, churn, program)
        yield _doubles(f"given twice, {release} without Get, this exporter", size, made, polled.doubles, AS_POLLING)
        yield Row(GROUP, f"List calls, {release} without Get", size, made.calls["List"], "", note=_time(made))


def _with_get(program: Program, churn: Churn, size: str) -> Iterator[Row]:
    nobody = _run("1.36", churn)
    yield _doubles("given twice, 1.36, no client", size, nobody, None, NONE)
    listed = _run("1.36", churn, lister_seconds=1.0, times=2)
    yield _doubles("given twice, 1.36, a List each second", size, listed, None, None)
    made = _run("1.36", churn, program)
    yield _doubles("given twice, 1.36, this exporter", size, made, None, NONE)
    yield Row(GROUP, "List calls, 1.36, at the start", size, made.lists_at_start, "", budget=ONE)
    yield Row(GROUP, "List calls, 1.36, after that", size, made.calls["List"], "", budget=NONE, note=_time(made))
    yield Row(GROUP, "List calls, 1.36, after a restart of the kubelet", size, made.lists_of_restart, "", budget=ONE)
    yield Row(GROUP, "Get calls, 1.36", size, made.calls["Get"] / made.seconds, "a second", note="the limit is 100")
    note = f"of {len(made.delays)} pods"
    yield Row(GROUP, "pod event to page, Get, p95", size, made.p95_seconds, "s", budget=IN_A_SECOND, note=note)


def _doubles(what: str, size: str, found: Outcome, reference: float | None, budget: Budget | None) -> Row:
    """Return how many devices were given twice; a reference of 0 leaves no ratio, and is the budget itself."""
    note = f"of {found.admissions} admissions in {found.seconds:.0f} s"
    if reference is None:
        return Row(GROUP, what, size, found.doubles, "", budget=budget, note=note)
    most = Budget(reference, AS_POLLING.text, of_ratio=False)
    return Row(GROUP, what, size, found.doubles, "", reference, "List each 10 s", most, note)


def _time(found: Outcome) -> str:
    return f"in {found.seconds:.0f} s"


def _run(
    release: str, churn: Churn, program: Program | None = None, lister_seconds: float | None = None, times: int = 1
) -> Outcome:
    """Let pods come and go on a node of the release, in front of the program, of a client that lists, or of none."""
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        race = Race(Path(temporary), release, churn.pods, churn.allocate_seconds)
        with race.filled():
            if program is not None:
                with _serving(program, race, Path(temporary)) as made:
                    outcome = race.churn(churn.seconds, made.page)
                    race.restart(2 * POLL_SECONDS if churn.seconds > POLL_SECONDS else 1.0)
                    return outcome
            with listing(race.node.socket_path, lister_seconds):
                return race.churn(churn.seconds * times)


@contextlib.contextmanager
def _serving(program: Program, race: Race, directory: Path) -> Iterator[Exporter]:
    """Yield the exporter as its chart starts it: default flags, metadata, and its own pod's name."""
    config = directory / "kubeconfig"
    config.write_text(kubeconfig(race.node.api.url), encoding="utf-8")
    flags = [f"--kubelet.socket={race.node.socket_path}", f"--topology.sysfs={race.node.sysfs}", f"--node-name={NODE}"]
    flags += ["--web.listen-address=127.0.0.1:0", f"--metadata.kubeconfig={config}"]
    environment = {**program.environment, "POD_NAMESPACE": OWN[0], "POD_NAME": OWN[1]}
    process = subprocess.Popen([program.command, "serve", *flags], stderr=subprocess.PIPE, text=True, env=environment)
    with ended(process):
        made = Exporter(process)
        try:
            made.wait_for("podres_container_devices{", "podres_metadata_synced 1")
            pause(2.0)  # what a start has to ask is asked, and is no part of the run
            yield made
        finally:
            made.close()
