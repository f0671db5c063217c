"""Topology hints: the sets of NUMA nodes that could serve a request."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class Hint:
    """
    One set of NUMA nodes that can serve a request; None means any node.

    *preferred*: no smaller set could serve the request, even on an idle node.

    Source: kubelet topologymanager TopologyHint.
    """

    numa_nodes: NumaNodes | None
    preferred: bool


ProviderHints = Mapping[str, tuple[Hint, ...] | None]
"""
One manager's hints by resource: a list of hints, None for no preference, or an empty list if no set of nodes is
suitable.

A missing entry also means no preference, as in the kubelet's filterProvidersHints.
"""

NO_PREFERENCE = Hint(None, preferred=True)
"""The hint of a manager without preference."""


def masks(numa_nodes: Collection[int]) -> Iterator[NumaNodes]:
    """Return every non-empty set of *numa_nodes*, fewest nodes first; 2^n of them (kubelet: IterateBitMasks)."""
    ordered = sorted(numa_nodes)
    for size in range(1, len(ordered) + 1):
        yield from map(frozenset, combinations(ordered, size))


def narrowness(numa_nodes: NumaNodes) -> tuple[int, int]:
    """Return the key by which fewer nodes come first, then lower numbers (kubelet: BitMask.IsNarrowerThan)."""
    return len(numa_nodes), sum(1 << node for node in numa_nodes)


def fitting_hints(
    numa_nodes: Collection[int], *, could: Callable[[NumaNodes], bool], can: Callable[[NumaNodes], bool]
) -> tuple[Hint, ...]:
    """
    Return a hint for each set of *numa_nodes* that *can* serve the request now, fewest nodes first.

    Preferred are those with as few nodes as *could* serve it if nothing were allocated: on a full node a wider set is
    possible, but not preferred. All three managers of the kubelet do this (minAffinitySize).
    """
    every = tuple(masks(numa_nodes))
    fewest = min((len(mask) for mask in every if could(mask)), default=0)
    return tuple(Hint(mask, preferred=len(mask) == fewest) for mask in every if can(mask))
