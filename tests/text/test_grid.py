"""Cells in columns, fitted to a terminal."""

import pytest

from podres_exporter.dump import ANSI, PLAIN, Grid, grid_lines
from podres_exporter.text.words import shortened


def test_columns_have_equal_left_edges_and_numbers_equal_right_ones() -> None:
    table = Grid(("NAME", "COUNT", "WHICH"), (("a", "1", "x"), ("longer", "10", "-")), right=frozenset({"COUNT"}))

    assert [
        "NAME    COUNT  WHICH",
        "a           1  x",
        "longer     10  -",
    ] == grid_lines(table, 80, PLAIN)


def test_a_cell_with_several_items_grows_downwards_before_a_name_is_cut() -> None:
    table = Grid(("POD", "HOLDS"), (("p" * 60, "first item, second item"),))

    assert [
        f"POD{' ' * 57}  HOLDS",
        f"{'p' * 60}  first item,",
        f"{' ' * 60}  second item",
    ] == grid_lines(table, 80, PLAIN)


def test_names_lose_their_middle_and_dear_columns_last() -> None:
    table = Grid(("POD", "HOLDS"), (("p" * 80 + "-x2lkq", f"{'h' * 60}, b"),), dear=frozenset({"HOLDS"}))

    assert [
        "POD                HOLDS",
        f"pppppppp..p-x2lkq  {'h' * 60},",
        f"{' ' * 19}b",
    ] == grid_lines(table, 80, PLAIN)


def test_the_comma_behind_a_cut_item_stays() -> None:
    (_, first, second) = grid_lines(Grid(("HOLDS",), (("x" * 100 + ", b",),)), 80, PLAIN)

    assert (80, "x,", "b") == (len(first), first[-2:], second)


def test_spare_columns_go_where_there_is_no_room() -> None:
    table = Grid(("POD", "OWNER"), (("p" * 70, "o" * 20),), spare=("OWNER",))

    assert ["POD", "p" * 70] == grid_lines(table, 80, PLAIN)
    assert f"{'p' * 70}  {'o' * 20}" == grid_lines(table, 120, PLAIN)[1]


def test_colours_take_no_room() -> None:
    table = Grid(("POD", "ALIGNED"), (("a", "no"), ("b", "-")))

    assert [
        "\x1b[1mPOD\x1b[0m  \x1b[1mALIGNED\x1b[0m",
        "a    \x1b[31mno\x1b[0m",
        "b    -",
    ] == grid_lines(table, 80, ANSI)


def test_columns_in_which_nobody_has_anything_can_be_left_out() -> None:
    table = Grid(("A", "B", "C"), (("-", "-", "?"), ("-", "?", "x")))

    assert Grid(("A", "C"), (("-", "?"), ("-", "x"))) == table.without_empty({"B", "C"})
    assert Grid(("A",), ()) == Grid(("A", "B"), ()).without_empty({"B"})


@pytest.mark.parametrize(
    ("width", "expected"), [(20, "GPU-1f0a5c3e-7d42-01"), (16, "GPU-1f0..7d42-01"), (5, "GP..1"), (4, "G..1")]
)
def test_a_name_that_is_too_long_loses_its_middle(width: int, expected: str) -> None:
    """Its ends tell it from others."""
    assert expected == shortened("GPU-1f0a5c3e-7d42-01", width)
