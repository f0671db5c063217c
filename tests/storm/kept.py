"""Scenarios that once broke something, as data: steps to be played again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import yaml
from storm.world import Step, World

DIRECTORY = Path(__file__).parent / "kept"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A node of a kubelet release, with an API server that the exporter asks or not, and what happens to it."""

    release: int
    metadata: bool
    steps: tuple[Step, ...]

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
        head = f"why: {json.dumps(why)}\nrelease: {self.release}\nmetadata: {json.dumps(self.metadata)}\nsteps:\n"
        return head + "".join(f"  - {json.dumps(step)}\n" for step in self.steps)


def load(path: Path) -> Scenario:
    """Return the scenario of a file."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = tuple(tuple(step) for step in document["steps"])
    return Scenario(document["release"], document["metadata"], steps)


def play(scenario: Scenario) -> None:
    """Play a scenario to its end, and let the storm end. Raises Violation."""
    with World(scenario.release, metadata=scenario.metadata) as world:
        for step in scenario.steps:
            world.do(step)
        world.calm()
