"""The Topology Manager: merge hints into one, and decide whether the policy admits the container."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
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


class Policy(StrEnum):
    """The kubelet's `topologyManagerPolicy`."""

    NONE = "none"
    BEST_EFFORT = "best-effort"
    RESTRICTED = "restricted"
    SINGLE_NUMA_NODE = "single-numa-node"


class Scope(StrEnum):
    """The kubelet's `topologyManagerScope`: one merge per container, or one for the whole pod."""

    CONTAINER = "container"
    POD = "pod"


def merge(policy: Policy, providers: Sequence[ProviderHints], numa_nodes: NumaNodes) -> tuple[Hint, bool]:
    """
    Return the merged hint for the managers, and whether the policy admits it.

    The best is a preferred hint on the fewest and lowest nodes; preferred means that every manager's hint was preferred
    and all named the same nodes. Under `none` there are no hints and the result has no preference.

    Source: kubelet topologymanager policy_*.go and policy.go (HintMerger), without prefer-closest-numa-nodes. The
    kubelet iterates over the whole cross product; here equal partial results are merged, with the same outcome.
    """
    if policy is Policy.NONE:
        return Hint(None, preferred=False), True
    choices = [choice for provider in providers for choice in _choices(provider)]
    if policy is Policy.SINGLE_NUMA_NODE:
        choices = [tuple(filter(_on_one_node, choice)) for choice in choices]
    best = _best(choices, numa_nodes)
    if policy is Policy.SINGLE_NUMA_NODE and best.numa_nodes == numa_nodes:
        # "No preference" merges to all nodes of the machine; the managers then choose themselves.
        best = Hint(None, preferred=best.preferred)
    return best, best.preferred or policy is Policy.BEST_EFFORT


def _choices(provider: ProviderHints) -> Iterable[tuple[Hint, ...]]:
    """Return the hints to choose from for each resource; an impossible resource has one non-preferred hint."""
    if not provider:
        return [(NO_PREFERENCE,)]
    return [
        (NO_PREFERENCE,) if hints is None else hints or (Hint(None, preferred=False),) for hints in provider.values()
    ]


def _on_one_node(hint: Hint) -> bool:
    return hint.preferred and (hint.numa_nodes is None or len(hint.numa_nodes) == 1)


def _best(choices: Sequence[tuple[Hint, ...]], numa_nodes: NumaNodes) -> Hint:
    """Return the best combination of one hint per resource; all nodes, not preferred, if there is none."""
    merged = {NO_PREFERENCE}
    for choice in choices:
        merged = {_meet(left, right) for left in merged for right in choice}
    found = [
        Hint(numa_nodes if hint.numa_nodes is None else hint.numa_nodes & numa_nodes, preferred=hint.preferred)
        for hint in merged
    ]
    wanted = _widest_need(choices)
    possible = [(_rank(hint, wanted), hint) for hint in found if hint.numa_nodes]
    return min(possible, key=lambda ranked: ranked[0])[1] if possible else Hint(numa_nodes, preferred=False)


def _meet(left: Hint, right: Hint) -> Hint:
    """Return what both hints allow; preferred only if both are and neither narrows the other (mergePermutation)."""
    preferred = left.preferred and right.preferred
    if left.numa_nodes is None or right.numa_nodes is None:
        return Hint(right.numa_nodes if left.numa_nodes is None else left.numa_nodes, preferred=preferred)
    return Hint(left.numa_nodes & right.numa_nodes, preferred=preferred and left.numa_nodes == right.numa_nodes)


def _widest_need(choices: Iterable[tuple[Hint, ...]]) -> int:
    """Return the number of nodes of the most demanding resource (maxOfMinAffinityCounts); 0 if none is stated."""
    sizes = ([len(hint.numa_nodes) for hint in choice if hint.numa_nodes is not None] for choice in choices)
    return max((min(stated) for stated in sizes if stated), default=0)


def _rank(hint: Hint, wanted: int) -> tuple[int, ...]:
    """
    Return the order of preference, smallest first.

    Preferred hints: the narrowest. Others: as many nodes as the most demanding resource needs, else the next smaller,
    else the next larger number. The kubelet's HintMerger.compare implements the same order case by case.
    """
    count, bits = narrowness(hint.numa_nodes or frozenset())
    if hint.preferred:
        return 0, 0, count, bits
    return 1, int(count > wanted), abs(count - wanted), bits
