"""Tables with the node in front, however many there are."""

from cluster_rig import busy, snapshot

from podres_exporter.cluster.tables import free_table, holder_table, node_tables
from podres_exporter.dump import Layout, table_lines
from podres_exporter.model import Snapshot

WIDE = Layout(200)


def holders(*snapshots: Snapshot, is_wide: bool = False, everything: bool = False) -> list[str]:
    return holder_table(snapshots, WIDE, 0.0, is_wide=is_wide, everything=everything)[0]


def test_a_single_node_is_named_too() -> None:
    """Forty-nine others may have failed."""
    head, row = holders(busy("n1"))

    assert ["NODE", "NAMESPACE", "POD"] == head.split()[:3]
    assert ["n1", "ml", "train-n1"] == row.split()[:3]


def test_several_nodes_are_the_table_of_dump() -> None:
    snapshots = [busy("n1"), busy("n2")]

    assert table_lines(snapshots, WIDE) == holders(*snapshots)


def test_wide_has_a_row_for_each_thing() -> None:
    lines = holders(busy("n1"), is_wide=True)

    assert 5 == len(lines)
    assert ["n1", "ml", "train-n1", "main", "nvidia.com/gpu", "GPU-n1-0"] == lines[3].split()[:6]


def test_nobody_holds_anything_is_no_table() -> None:
    assert [] == holders(snapshot("n1"), snapshot("n2"))


def test_a_node_without_an_allocation_is_named_in_the_notes() -> None:
    lines, notes = holder_table([busy("n1"), Snapshot("n2", None, snapshot("n2").metadata)], WIDE, 0.0, is_wide=False)

    assert 2 == len(lines)
    assert "n2: nothing to show: the kubelet has not answered yet" == notes[0]


def test_what_is_left_and_the_nodes_are_tables_of_their_own() -> None:
    free = free_table([busy("n1")], WIDE)[0]
    nodes = node_tables([busy("n1")], WIDE)[0]

    assert ["NODE", "RESOURCE", "NUMA", "FREE", "OF", "WHICH"] == free[0].split()
    assert ["n1", "nvidia.com/gpu", "1", "2", "2", "GPU-n1-2,", "GPU-n1-3"] == free[6].split()
    assert "NODE  RESOURCE" in nodes[0]
    assert [True] == ["METADATA" in line for line in nodes if line.startswith("NODE") and "PODS" in line]
