"""The Topology Manager: merge hints into one, and decide whether the policy admits the container."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from podres_exporter.admission.hints import NO_PREFERENCE, Hint, ProviderHints, narrowness
from podres_exporter.model.allocation import NumaNodes


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
