"""Probability distributions over time on a grid of GRID_SECONDS. Pure."""

import itertools
from collections.abc import Sequence

from podres_exporter.kube.reflector.pacing import Pause

GRID_SECONDS = 0.02


def bins(seconds: float) -> int:
    """Return how many places of the grid a time is."""
    return round(seconds / GRID_SECONDS)


def at_zero(seconds: float) -> list[float]:
    """Return the density of what happens at 0, on a grid of so many seconds."""
    return [1.0, *itertools.repeat(0.0, bins(seconds))]


def after(density: Sequence[float], rest: Pause) -> list[float]:
    """Return when that happens which comes a pause later; what falls beyond the grid is lost."""
    sums = [0.0, *itertools.accumulate(density)]
    first, width = bins(rest.least_seconds), max(1, bins(rest.spread_seconds))

    def until(place: int) -> float:
        return sums[max(0, place)]

    return [(until(place - first + 1) - until(place - first - width + 1)) / width for place in range(len(density))]


def added(one: Sequence[float], other: Sequence[float], sign: float = 1.0) -> list[float]:
    """Return the sum of two densities, place by place."""
    return [left + sign * right for left, right in zip(one, other, strict=True)]


def per_second(nodes: int, density: Sequence[float]) -> tuple[float, ...]:
    """Return how many of the nodes there are in each second, up to the last that has any."""
    places = bins(1.0)
    return tuple(nodes * sum(density[start : start + places]) for start in range(0, len(density), places))
