"""The command line of the storm (random fault injection), and its report."""

import argparse
import logging
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hypothesis import seed as seeded
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from storm.dra_machine import DraStorm
from storm.kept import Scenario, breaks, load, play, reduced
from storm.machine import PodsApiStorm, Storm, storm_settings
from storm.violation import Violation, say
from storm.world import World

import podres_exporter
from podres_exporter.clock import SystemClock

EXAMPLES_AT_ONCE = 10


def main(arguments: Sequence[str]) -> int:
    """Return 0 without a violation, 1 with one; with `--planted` 0 where every bug was found."""
    parser = argparse.ArgumentParser(prog="storm")
    parser.add_argument("--steps", type=int, default=2000, help="at least so many steps in all (%(default)s)")
    parser.add_argument(
        "--per-example", type=int, default=16, help="rules, of one to seven steps, in one life of a node (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--reduce", type=float, default=120.0, help="seconds to make a failure small (%(default)s)")
    parser.add_argument("--dra", action="store_true", help="the storm of slices and claims; it makes nothing small")
    parser.add_argument("--pods-api", action="store_true", help="the storm with metadata from the kubelet's Pods API")
    parser.add_argument("--planted", action="store_true", help="plant bugs, and find them")
    parser.add_argument("--only", default="", metavar="TEXT", help="of the planted bugs those with this in their name")
    parser.add_argument(
        "--no-own-list", action="store_true", help="do not compare with a List of our own: the exporter has to notice"
    )
    parser.add_argument("--play", type=Path, metavar="FILE", help="play one scenario of tests/storm/kept instead")
    asked = parser.parse_args(arguments)
    logging.getLogger().addHandler(logging.NullHandler())
    say(f"seed {asked.seed}, podres_exporter of {podres_exporter.__path__[0]}")
    if asked.play:
        return replay(asked.play)
    if asked.planted:
        from storm.planted import find_all  # noqa: PLC0415 - only for this

        return find_all(asked.seed, asked.steps, asked.only)
    if asked.dra:
        return dra_storm(asked.seed, asked.steps, asked.per_example)
    World.has_own_list = not asked.no_own_list
    machine = PodsApiStorm if asked.pods_api else Storm
    return storm(asked.seed, asked.steps, asked.per_example, reduce_seconds=asked.reduce, machine=machine)


def replay(path: Path) -> int:
    """Play one scenario; 0 where nothing breaks."""
    try:
        play(load(path))
    except Violation as violation:
        say(f"VIOLATION of {violation.invariant}\n{violation}")
        return 1
    say("no violation")
    return 0


def storm(seed: int, steps: int, per_example: int, *, reduce_seconds: float, machine: type[Storm] = Storm) -> int:
    """Run until there were so many steps, or a violation; print what happened."""
    clock, counts = SystemClock(), Counter[str]()
    began, run, found = clock.monotonic_seconds(), 0, None
    while found is None and number_of_steps(counts) < steps:
        left = (steps - number_of_steps(counts)) / (3 * per_example)
        examples = max(1, min(EXAMPLES_AT_ONCE, round(left)))
        found = violation_of(seed * 1000 + run, examples, per_example, counts, machine)
        run += 1
    seconds = clock.monotonic_seconds() - began
    for name, count in sorted(counts.items()):
        say(f"{name:32} {count:7}")
    taken = number_of_steps(counts)
    say(f"{taken} steps in {seconds:.1f} s, {taken / seconds:.1f} a second; seed {seed}")
    if found is None:
        say("no violation")
        return 0
    violation, scenario = found
    say(f"VIOLATION of {violation.invariant} after {taken} steps in all\n{violation}")
    if reduce_seconds:
        scenario = reduced(scenario, lambda each: breaks(each, violation.invariant), reduce_seconds)
    again = "again" if breaks(scenario, violation.invariant) else "not again"
    say(f"\nIt breaks {again} when it is played from this file in tests/storm/kept:\n")
    say(scenario.text(violation.invariant))
    return 1


def dra_storm(seed: int, steps: int, per_example: int) -> int:
    """Run the storm of slices and claims as `storm` does; it looks after each step."""
    counts, found, run = Counter[str](), list[Violation](), 0
    machine = type("DraStorm", (DraStorm,), {"counts": counts, "found": found})
    while not found and counts["looks"] < steps:
        settings = storm_settings(examples=EXAMPLES_AT_ONCE, steps=per_example)
        with suppress(Violation, Flaky):
            run_state_machine_as_test(seeded(seed * 1000 + run)(machine), settings=settings)
        run += 1
    for name, count in sorted(counts.items()):
        say(f"{name:32} {count:7}")
    if not found:
        say(f"no violation; seed {seed}")
        return 0
    say(f"VIOLATION of {found[0].invariant} after {counts['looks']} steps in all; seed {seed}\n{found[0]}")
    return 1


def violation_of(
    seed: int, examples: int, per_example: int, counts: Counter[str], kind: type[Storm] = Storm
) -> tuple[Violation, Scenario] | None:
    """Return the first violation of some examples with all that led to it; None where there is none."""
    found: list[tuple[Violation, Scenario]] = []
    machine = type(kind.__name__, (kind,), {"counts": counts, "found": found})
    try:
        run_state_machine_as_test(seeded(seed)(machine), settings=storm_settings(examples=examples, steps=per_example))
    except (Violation, Flaky):
        return found[0]
    return None


def number_of_steps(counts: Counter[str]) -> int:
    """Return how many steps were taken."""
    return sum(count for name, count in counts.items() if name.startswith("step "))
