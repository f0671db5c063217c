"""Tables with the node in front, however many there are."""

from cluster_rig import busy, snapshot

from podres_exporter.cluster.tables import free_table, holder_lines, node_tables
from podres_exporter.dump import ANSI, PLAIN, table_lines
from podres_exporter.model import Snapshot

WIDE = 200


def holders(*snapshots: Snapshot, is_wide: bool = False, everything: bool = False) -> list[str]:
    return holder_lines(snapshots, columns=WIDE, style=PLAIN, is_wide=is_wide, everything=everything)


def test_a_single_node_is_named_too() -> None:
    """Forty-nine others may have failed."""
    head, row = holders(busy("n1"))

    assert ["NODE", "NAMESPACE", "POD"] == head.split()[:3]
    assert ["n1", "ml", "train-n1"] == row.split()[:3]


def test_several_nodes_are_the_table_of_dump() -> None:
    snapshots = [busy("n1"), busy("n2")]

    assert table_lines(snapshots, columns=WIDE) == holders(*snapshots)


def test_wide_has_a_row_for_each_thing() -> None:
    lines = holders(busy("n1"), is_wide=True)

    assert 5 == len(lines)
    assert ["n1", "ml", "train-n1", "main", "nvidia.com/gpu", "GPU-n1-0"] == lines[3].split()[:6]


def test_nobody_holds_anything_is_no_table() -> None:
    assert [] == holders(snapshot("n1"), snapshot("n2"))


def test_a_node_without_an_allocation_is_named_below() -> None:
    lines = holders(busy("n1"), Snapshot("n2", None, snapshot("n2").metadata))

    assert ["", "n2: nothing to show: the kubelet has not answered yet"] == lines[2:4]


def test_what_is_left_and_the_nodes_are_tables_of_their_own() -> None:
    free = free_table([busy("n1")], columns=WIDE, style=PLAIN)
    nodes = node_tables([busy("n1")], columns=WIDE, style=PLAIN)

    assert ["NODE", "RESOURCE", "NUMA", "FREE", "OF", "WHICH"] == free[0].split()
    assert ["n1", "nvidia.com/gpu", "1", "2", "2", "GPU-n1-2,", "GPU-n1-3"] == free[6].split()
    assert "NODE  RESOURCE" in nodes[0]
    assert [True] == ["METADATA" in line for line in nodes if line.startswith("NODE") and "PODS" in line]


def test_sentences_keep_to_the_width_and_have_their_colour() -> None:
    lines = holder_lines([Snapshot("n2", None)], columns=80, style=ANSI, is_wide=False)

    assert lines[0].startswith("\x1b[33mnothing to show")
