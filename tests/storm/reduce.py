"""Making a failure small: leave out steps as long as the same invariant breaks."""

from collections.abc import Callable

from storm.kept import Scenario, play
from storm.violation import Violation

from podres_exporter.clock import SystemClock


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
