"""Scenarios that once broke something, as data: played again, and reduced to the steps that matter."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import yaml
from storm.violation import Violation
from storm.world import Step, World

from podres_exporter.clock import SystemClock

DIRECTORY = Path(__file__).parent / "kept"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A node of a kubelet release, with a source of metadata that the exporter has or not, and what happens to it."""

    release: int
    metadata: bool
    steps: tuple[Step, ...]
    pods_api: bool = False

    def with_(
        self, *, release: int | None = None, metadata: bool | None = None, steps: Sequence[Step] | None = None
    ) -> Self:
        """Return the scenario with something else."""
        return replace(
            self,
            release=self.release if release is None else release,
            metadata=self.metadata if metadata is None else metadata,
            steps=self.steps if steps is None else tuple(steps),
        )

    def text(self, why: str) -> str:
        """Return the file to keep it in."""
        head = f"why: {json.dumps(why)}\nrelease: {self.release}\nmetadata: {json.dumps(self.metadata)}\n"
        head += "pods_api: true\nsteps:\n" if self.pods_api else "steps:\n"
        return head + "".join(f"  - {json.dumps(step)}\n" for step in self.steps)


def load(path: Path) -> Scenario:
    """Return the scenario of a file."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = tuple(tuple(step) for step in document["steps"])
    return Scenario(document["release"], document["metadata"], steps, document.get("pods_api", False))


def play(scenario: Scenario) -> None:
    """Play a scenario to its end, and let the storm end. Raises Violation."""
    with World(scenario.release, metadata=scenario.metadata, pods_api=scenario.pods_api) as world:
        for step in scenario.steps:
            world.do(step)
        world.calm()


def reduced(scenario: Scenario, still_breaks: Callable[[Scenario], bool], seconds: float) -> Scenario:
    """
    Return a scenario with as few steps as are found within a time; the same where it does not break again.

    Chunks are left out, from the whole down to single steps, until no single step can be spared.
    """
    clock = SystemClock()
    until = clock.monotonic_seconds() + seconds
    if not still_breaks(scenario):
        return scenario
    for simpler in (scenario.with_(metadata=False), scenario.with_(release=36)):
        if simpler != scenario and still_breaks(simpler):
            scenario = simpler
    size = len(scenario.steps)
    while size and clock.monotonic_seconds() < until:
        start, is_smaller = 0, False
        while start < len(scenario.steps) and clock.monotonic_seconds() < until:
            shorter = scenario.with_(steps=(*scenario.steps[:start], *scenario.steps[start + size :]))
            if still_breaks(shorter):
                scenario, is_smaller = shorter, True
            else:
                start += size
        if size > 1 or not is_smaller:
            size //= 2
    return scenario


def breaks(scenario: Scenario, invariant: str) -> bool:
    """Return whether this invariant breaks when the scenario is played."""
    try:
        play(scenario)
    except Violation as violation:
        return violation.invariant == invariant
    return False
