"""Merging NUMA hints: the Topology Manager's documented policies, and the corner cases of the kubelet's own tests."""

import pytest

from podres_exporter.admission import Hint, Policy, ProviderHints, merge

TWO = frozenset([0, 1])
FOUR = frozenset([0, 1, 2, 3])
MERGING = [Policy.BEST_EFFORT, Policy.RESTRICTED, Policy.SINGLE_NUMA_NODE]


def yes(*nodes: int) -> Hint:
    return Hint(frozenset(nodes), preferred=True)


def no(*nodes: int) -> Hint:
    return Hint(frozenset(nodes), preferred=False)


def says(*hints: Hint, resource: str = "r") -> ProviderHints:
    return {resource: hints}


AGREED: dict[str, tuple[list[ProviderHints], Hint]] = {
    "both prefer node 0": ([says(yes(0)), says(yes(0))], yes(0)),
    "both prefer node 1": ([says(yes(1)), says(yes(1))], yes(1)),
    "one says nothing, the other decides": ([{}, says(yes(1))], yes(1)),
    "one has no preference, the other decides": ([{"r": None}, says(yes(1))], yes(1)),
    "the one that can go anywhere follows the one that cannot": ([says(yes(0), yes(1)), says(yes(1))], yes(1)),
    "the lower of two good nodes": ([says(yes(0), yes(1)), says(yes(0), yes(1))], yes(0)),
    "preferred and narrow beats what is wider": ([says(yes(0), yes(1)), says(yes(0), no(0, 1))], yes(0)),
    "preferred on node 1 beats not preferred on node 0": (
        [says(yes(1), no(0, 1)), says(yes(0), yes(1), no(0, 1))],
        yes(1),
    ),
    "two resources of one provider count like two providers": (
        [{"a": (yes(1), no(0, 1)), "b": (yes(0), yes(1), no(0, 1))}],
        yes(1),
    ),
}


@pytest.mark.parametrize("policy", MERGING)
@pytest.mark.parametrize("case", AGREED)
def test_what_everybody_prefers_is_taken_under_every_policy(policy: Policy, case: str) -> None:
    providers, expected = AGREED[case]

    assert (expected, True) == merge(policy, providers, TWO)


DISPUTED: dict[str, tuple[list[ProviderHints], Hint]] = {
    "no common node": ([says(yes(0)), says(yes(1))], no(0, 1)),
    "the same node, one of them unwilling": ([says(yes(0)), says(no(0))], no(0)),
    "one node and two nodes, both preferred, are not the same": ([says(yes(0)), says(yes(0, 1))], no(0)),
    "one of two good nodes, one unwilling wide hint": ([says(yes(0), yes(1)), says(no(0, 1))], no(0)),
    "one resource cannot be had at all": ([says(yes(1)), {"r": ()}], no(1)),
    "the only resource cannot be had at all": ([{"r": ()}], no(0, 1)),
}


@pytest.mark.parametrize("case", DISPUTED)
def test_best_effort_takes_the_best_of_a_dispute(case: str) -> None:
    providers, expected = DISPUTED[case]

    assert (expected, True) == merge(Policy.BEST_EFFORT, providers, TWO)


@pytest.mark.parametrize("case", DISPUTED)
def test_restricted_refuses_a_dispute(case: str) -> None:
    providers, expected = DISPUTED[case]

    assert (expected, False) == merge(Policy.RESTRICTED, providers, TWO)


@pytest.mark.parametrize("case", DISPUTED)
def test_single_numa_node_refuses_a_dispute(case: str) -> None:
    _, admit = merge(Policy.SINGLE_NUMA_NODE, DISPUTED[case][0], TWO)

    assert not admit


WIDE: dict[str, tuple[list[ProviderHints], Hint]] = {
    "two nodes, preferred by both": ([says(yes(0, 1), yes(0, 2)), says(yes(0, 1), yes(0, 2))], yes(0, 1)),
    "two nodes, preferred by one": ([says(yes(2, 3)), {}], yes(2, 3)),
}


@pytest.mark.parametrize("case", WIDE)
@pytest.mark.parametrize("policy", [Policy.BEST_EFFORT, Policy.RESTRICTED])
def test_several_nodes_are_fine_where_one_would_not_be_enough(policy: Policy, case: str) -> None:
    providers, expected = WIDE[case]

    assert (expected, True) == merge(policy, providers, FOUR)


@pytest.mark.parametrize("case", WIDE)
def test_single_numa_node_never_takes_several(case: str) -> None:
    _, admit = merge(Policy.SINGLE_NUMA_NODE, WIDE[case][0], FOUR)

    assert not admit


UNWILLING: dict[str, tuple[list[ProviderHints], Hint]] = {
    "as many nodes as the neediest wants": ([says(no(0, 1, 2, 3), no(0, 1)), says(no(0, 1))], no(0, 1)),
    "the neediest decides which": ([says(no(0, 1, 2, 3), no(0, 1)), says(no(0, 3))], no(0, 3)),
    "not fewer although fewer are left in common": ([says(no(0, 1, 2, 3), no(0, 1)), says(no(1, 2))], no(1, 2)),
    "fewer where nothing else is common": ([says(no(0, 1)), says(no(1, 2))], no(1)),
    "the lowest of several that are as good": ([says(no(2, 3), no(0, 1), no(1, 2))], no(0, 1)),
}


@pytest.mark.parametrize("case", UNWILLING)
def test_hints_that_nobody_prefers_merge_to_what_the_neediest_resource_wants(case: str) -> None:
    """HintMerger.BestNonPreferredAffinityCount: not the narrowest, as among preferred hints."""
    providers, expected = UNWILLING[case]

    assert (expected, True) == merge(Policy.BEST_EFFORT, providers, FOUR)


def test_fewer_nodes_than_wanted_beat_more() -> None:
    """The first wants two; in common they have only node 4, or nodes 0 to 2."""
    providers = [says(no(3, 4), no(0, 1, 2, 3, 4)), says(no(4), no(0, 1, 2))]

    assert (no(4), True) == merge(Policy.BEST_EFFORT, providers, frozenset(range(5)))


@pytest.mark.parametrize("providers", [[], [{}], [{"r": None}], [says(Hint(None, preferred=True))]])
@pytest.mark.parametrize("policy", [Policy.BEST_EFFORT, Policy.RESTRICTED])
def test_without_any_preference_every_node_will_do(policy: Policy, providers: list[ProviderHints]) -> None:
    assert (yes(0, 1), True) == merge(policy, providers, TWO)


@pytest.mark.parametrize("providers", [[], [{}], [{"r": None}], [says(Hint(None, preferred=True))]])
def test_single_numa_node_leaves_the_choice_to_the_managers_where_nobody_cares(providers: list[ProviderHints]) -> None:
    assert (Hint(None, preferred=True), True) == merge(Policy.SINGLE_NUMA_NODE, providers, TWO)


def test_on_one_node_single_numa_node_says_nothing() -> None:
    """Its only node is all nodes, and those are what no preference merges to."""
    assert (Hint(None, preferred=True), True) == merge(Policy.SINGLE_NUMA_NODE, [says(yes(0))], frozenset([0]))


def test_policy_none_asks_nobody() -> None:
    assert (Hint(None, preferred=False), True) == merge(Policy.NONE, [says(yes(0)), {"r": ()}], TWO)


def test_a_hint_for_nodes_that_the_machine_has_not_is_none() -> None:
    assert (no(0, 1), False) == merge(Policy.RESTRICTED, [says(yes(5))], TWO)
