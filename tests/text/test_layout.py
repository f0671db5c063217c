"""Tables and paragraphs keep their width."""

from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.text.amounts import cpus_text, nodes_phrase, resource_amount
from podres_exporter.text.grid import table
from podres_exporter.text.words import folded, joined, shortened, wrapped


def test_amounts_have_their_units() -> None:
    assert ["1Gi", "2Mi", "4"] == [
        resource_amount("memory", 1 << 30),
        resource_amount("hugepages-2Mi", 2 << 20),
        resource_amount("cpu", 4),
    ]
    assert ["4", "500m", "2500m"] == [cpus_text(each) for each in (4000, 500, 2500)]
    assert ["no node", "node 1", "nodes 0-2,5"] == [nodes_phrase(each) for each in ([], [1], [5, 0, 1, 2])]
    assert ["", "a", "a and b", "a, b or c"] == [joined([]), joined(["a"]), joined(["a", "b"]), joined([*"abc"], "or")]


def test_long_ids_lose_their_middle_and_long_lists_their_end() -> None:
    assert "GPU-1f0..e8f1a00" == shortened("GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a00", 16)
    assert r"a\x1bb" == shortened("a\x1bb", 16)
    assert ["a", "b", "and 2 more"] == folded([*"abcd"], 2)
    assert ["a", "b", "(+2)"] == folded([*"abcd"], 2, "(+{})")
    assert ["a", "b"] == folded([*"ab"], 2)


def test_a_table_has_equal_left_edges_and_cells_grow_downwards() -> None:
    rows = [
        [[""], ["node 0"], ["node 1"]],
        [["cpu"], ["1-8,", "33-40"], ["."]],
        [["x"], ["aaaa", "bbbb", "cccc"], ["d"]],
    ]

    assert [
        "       node 0      node 1",
        "  cpu  1-8, 33-40  .",
        "  x    aaaa bbbb   d",
        "       cccc",
    ] == table(rows, 25, "  ")


def test_an_empty_cell_and_an_empty_table_are_nothing_special() -> None:
    assert [] == table([], 80)
    assert ["a", "b  c"] == table([[["a"]], [["b"], ["c"]]], 80)
    assert ["a"] == table([[["a"], []]], 80)


IDS = st.lists(st.text(min_size=1, max_size=60), max_size=8)


@given(st.lists(st.tuples(IDS, IDS, IDS), min_size=1, max_size=4), st.integers(80, 120))
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[list[str], list[str], list[str]]], columns: int) -> None:
    """Whatever the names are: they come from outside."""
    lines = table(rows, columns, "    ")

    assert all(len(line) <= columns and (line.isprintable()) for line in lines)


def test_sentences_are_wrapped_with_a_hanging_indent() -> None:
    assert ["- one two", "  three"] == wrapped("one two three", 10, "- ", "  ")
    assert ["  one two", "  three"] == wrapped("one two three", 10, "  ")
