"""The outcomes of all nodes: their order and their messages."""

from cluster_rig import told

from podres_exporter.cluster import outcome
from podres_exporter.cluster.outcome import INTERRUPTED, Outcome, Trouble, is_interrupted, trouble_lines, troubles
from podres_exporter.errors import Reason


def trouble(node: str, detail: str = "asleep", pod: str = "") -> Trouble:
    return Trouble(node, pod, Reason.UNAVAILABLE, detail)


def test_both_kinds_come_by_node() -> None:
    """Answers come in the order in which nodes are fast."""
    mixed: list[Outcome] = [trouble("n4"), told("n3"), trouble("n2", pod="m/b"), told("n1"), trouble("n2", pod="m/a")]

    assert ["n1", "n3"] == [each.node for each in outcome.told(mixed)]
    assert [("n2", "m/a"), ("n2", "m/b"), ("n4", "")] == [(each.node, each.pod) for each in troubles(mixed)]


def test_every_node_is_named_and_those_with_the_same_trouble_share_a_sentence() -> None:
    """Never folded: a node that is not named is skipped silently."""
    found = [trouble("n1", pod="m/a"), trouble("n2", "broken"), *(trouble(f"x{number}") for number in range(30))]
    asleep, broken = trouble_lines(found)

    assert asleep.startswith("n1 (m/a), x0, x1, ")
    assert asleep.endswith(", x29: asleep")
    assert "n2: broken" == broken


def test_a_node_that_is_not_known_has_a_name_too() -> None:
    assert ["a node not known yet (m/a): asleep"] == trouble_lines([trouble("", pod="m/a")])


def test_names_are_made_safe_to_print() -> None:
    assert ["n\\x1b: asleep"] == trouble_lines([trouble("n\x1b")])


def test_nodes_that_were_not_waited_for_are_counted_and_not_listed() -> None:
    """Of two thousand, most may be missing after Ctrl-C."""
    late = [Trouble(f"n{number}", "", Reason.UNAVAILABLE, INTERRUPTED) for number in range(1000)]
    down = Trouble("n1000", "", Reason.TIMEOUT, "is down")

    assert ["n1000: is down", "interrupted: 1000 nodes missing, as n0, n1, n2 and 997 more"] == trouble_lines(
        [*late, down]
    )
    assert is_interrupted([down, *late])
    assert not is_interrupted([down])
