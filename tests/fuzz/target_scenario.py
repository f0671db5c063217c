"""Fuzz target: scenario files; an accepted one must be playable."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import yaml
from builders import TWO_NODES
from fuzz import mutators, trees
from fuzz.engine import GOOD, PromiseError, Target
from fuzz.outputs import check_message, check_page

from podres_exporter import sim
from podres_exporter.errors import ConfigError
from podres_exporter.join import Joiner
from podres_exporter.model import Snapshot
from podres_exporter.scenario import Scenario, conditions_at, life_at, node_at, parse_scenario
from podres_exporter.sim.podresources.answers import StateAnswers
from podres_exporter.wire import AllocatableDecoder, ListDecoder

_DATA = Path(sim.__file__).parents[1] / "scenario" / "data"
_CAPTURED = Path(__file__).parents[1] / "sim"
_SMALL_BYTES = 4096
"""Small scenarios are tried more often, for PyYAML takes its time."""
_SMALL = b"""\
node: n1
kubelet: {release: "1.36", cpu_manager: {reserved: "0"}, memory_manager: {reserved: {0: 1Gi}}, get: true}
numa:
  - {node: 0, cpus: "0-3", memory: 4Gi, hugepages: {2Mi: 1Gi}}
  - {node: 1, cpus: "4-7", memory: 4Gi}
resources:
  - {name: example.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}, {id: GPU-1, numa_nodes: [], healthy: false}]}
pods:
  - {name: a, start: 1, end: 5, repeat: 9, cpus: "1-2", containers: [{name: c, cpus: "1", sidecar: true}]}
  - name: b
    containers:
      - name: main
        devices: {example.com/gpu: [GPU-0]}
        memory: [{type: memory, size: 1Gi, numa_nodes: [0]}]
        claims: [{name: lane, devices: [{driver: d, pool: p, device: x, share_id: s, cdi: [v/c=x]}]}]
faults:
  - {kind: restart, at: 5, every: 60, duration: 2, window: 3, plugins: 8}
  - {kind: unhealthy, at: 1, duration: 1, resource: example.com/gpu, device: GPU-0}
"""
_ADMITTED = b"""\
numa: [{node: 0, cpus: "0-3", threads_per_core: 2, memory: 4Gi}]
resources: [{name: example.com/gpu, shared: true, external: true}]
claims: [{name: lane, devices: [{driver: d, pool: p, device: x}]}]
pods:
  - name: a
    labels: {app: a}
    owner: {kind: Job, name: j}
    start: 1
    finish: 3
    end: 5
    spec: {containers: [{name: m, resources: {limits: {cpu: 500m, example.com/gpu: 1}, claims: [{name: lane}]}}]}
"""
WORDS = (
    *("&a ", "*a ", "&a [*a]", "[*a, *a, *a, *a]", "<<: *a\n", "=", "? ", ": ", "- ", "[", "]", "{", "}", "|\n", ">\n"),
    *("!!int ", "!!float ", "!!bool ", "!!binary ", "!!timestamp ", "!!set ", "!!omap ", "!!python/name:os.x ", "!x "),
    *("'", '"', "#", "---\n", "...\n", "%YAML 9.9\n", "!<!> ", "~", "yes", "\t", "\\ud800", ".inf", "-.inf", ".nan"),
    *("1.0e+308", "0xffffffffffffffffffff", "0b1", "0o7", "1_000", "1:30:00", "190:20:30.15"),
    "2001-12-14t21:59:43.10-05:00",
)
"""What YAML gives a meaning to."""


@contextmanager
def scenario(_folder: Path) -> Iterator[Target]:
    """Yield the target; its seeds are the scenarios of the package and of the tests."""
    whole = [path.read_bytes() for path in (*sorted(_DATA.glob("*.yaml")), *sorted(_CAPTURED.glob("*.yaml")))]
    small = [_SMALL, _ADMITTED, *(text for text in whole if len(text) < _SMALL_BYTES)]
    plain = [json.dumps(yaml.safe_load(text)).encode() for text in small]
    yield Target("scenario", [*plain * 3, *small * 2, *whole], mutate_yaml, _check, peak_mib=48)


def mutate_yaml(data: bytes, rng: Random) -> bytes:
    """Return worse YAML; what is JSON is changed as a tree."""
    if data[:1] in (b"{", b"["):
        return trees.mutated(data, rng)
    if rng.random() < 0.5:
        return mutators.damaged(data, rng)
    starts = [index + 1 for index, byte in enumerate(data) if byte in b" :[{,\n"]
    place = rng.choice(starts or [0])
    skipped = rng.choice((0, 0, 1, 3, 8))
    return (data[:place] + rng.choice(WORDS).encode() + data[place + skipped :])[: mutators.LONGEST]


def _check(data: bytes, _is_thorough: bool) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:  # load_scenario says so
        return type(error).__name__
    try:
        found = parse_scenario(text, "name.yaml")
    except ConfigError as error:
        if not all(problem.startswith("name.yaml: ") for problem in error.problems):
            raise PromiseError(f"a problem that names no file: {error.problems!r}") from error
        if len(str(error)) > 100 * 1024:
            raise PromiseError(f"a message that nobody reads: {len(str(error))} characters") from error
        return check_message(error)
    _play(found)
    return f"{GOOD}{found.is_admitted}"


def _play(found: Scenario) -> None:
    """Ask the node at several moments, as its kubelet would be asked."""
    for seconds in (0.0, 2.5, 31.0, 1e6):
        conditions_at(found, seconds)
        for pod in found.pods:
            life_at(pod, seconds)
        state = node_at(found, seconds)
        answers = StateAnswers(found.kubelet, lambda state=state: state, Random(0))  # type: ignore[misc]  # noqa: S311
        listing = ListDecoder().decode(answers.list())
        allocatable = AllocatableDecoder().decode(answers.allocatable())
        if listing.malformed or allocatable.malformed:
            raise PromiseError(f"the node's own answers are damaged: {listing.malformed or allocatable.malformed!r}")
    check_page(Snapshot(found.node, Joiner().join(listing, allocatable, TWO_NODES)))
    json.dumps([pod.manifest for pod in found.pods])
