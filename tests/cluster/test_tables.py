"""Tables with a NODE column, for any number of nodes."""

import pytest
from asking_rig import known, running, small_node
from builders import container, gpu, pod
from cluster_rig import busy, snapshot, trainer

from podres_exporter.cluster.tables import GrowingTable, free_table, holder_table, node_tables
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


@pytest.mark.parametrize("is_wide", [False, True])
def test_a_table_in_parts_has_one_header_and_columns_that_stay(is_wide: bool) -> None:
    """Parts whose names are shorter than those before them look as if all had been printed at once."""
    growing = GrowingTable(WIDE, 0.0, is_wide=is_wide)
    parts = growing.lines([busy("node-with-a-long-name"), busy("n1")]) + growing.lines([]) + growing.lines([busy("n2")])

    assert holders(busy("node-with-a-long-name"), busy("n1"), busy("n2"), is_wide=is_wide) == parts


def test_a_part_that_needs_another_column_has_a_header_of_its_own() -> None:
    """And where one needs fewer, they stay and are empty."""
    growing = GrowingTable(WIDE, 0.0, is_wide=False)
    plain = snapshot("n1", trainer("n1", cpus="", gpus=0))
    first, second, third = (
        growing.lines([each]) for each in (plain, busy("n2"), snapshot("n3", trainer("n3", gpus=0)))
    )

    assert ["NODE", "NODE"] == [each[0].split()[0] for each in (first, second)]
    assert "DEVICES" in second[0]
    assert ["n3"] == [line.split()[0] for line in third]
    assert second[0].index("MEMORY") == third[0].index("1Gi")


def narrow_node(name: str) -> Snapshot:
    """Return a node whose table needs 92 columns, and 80 if all holdings share one."""
    return snapshot(name, trainer(name, cpus="2-5,10-13,66-69,74-77", gpus=3))


@pytest.mark.parametrize("nodes", [1, 2, 3])
@pytest.mark.parametrize("columns", [80, 84, 88])
def test_holdings_share_a_column_where_the_terminal_is_too_narrow(nodes: int, columns: int) -> None:
    """As in `dump` of one node, and also if the rows come in parts."""
    snapshots = [narrow_node(f"node-{number}") for number in range(nodes)]
    lines, _ = holder_table(snapshots, Layout(columns), 0.0, is_wide=False)
    growing = GrowingTable(Layout(columns), 0.0, is_wide=False)
    parts = [line for each in snapshots for line in growing.lines([each])]

    assert "HOLDS" in lines[0]
    assert max(map(len, lines)) <= columns
    assert lines == parts


def test_a_part_without_any_holdings_keeps_the_shared_column() -> None:
    growing = GrowingTable(Layout(84), 0.0, is_wide=False, everything=True)
    first, second = (
        growing.lines([each]) for each in (narrow_node("n1"), snapshot("n2", pod("idle", container("main"))))
    )

    assert "HOLDS" in first[0]
    assert [("n2", "idle", "-")] == [
        (line.split()[0], line.split()[2], line[first[0].index("HOLDS") :].split()[0]) for line in second
    ]


def test_without_headers_there_is_none_in_any_part() -> None:
    growing = GrowingTable(Layout(200, headers=False), 0.0, is_wide=False)

    assert ["n1", "n2"] == [growing.lines([busy(name)])[0].split()[0] for name in ("n1", "n2")]


def test_a_column_that_has_no_room_is_named() -> None:
    node = small_node(
        pod("a", container("main", gpu("GPU-0", 0)), namespace="ml"),
        metadata=known(running("a", workload_kind="Deployment", workload_name="w" * 40)),
    )
    lines, notes = holder_table([node], Layout(100), 0.0, is_wide=False)

    assert "WORKLOAD" not in lines[0]
    assert "no room for WORKLOAD: widen the terminal, or use -o wide" in notes
    assert "WORKLOAD" in holders(node)[0]
