"""Tables fitted to the width of a terminal."""

import pytest

from podres_exporter.dump import ANSI, Grid, Layout, grid_lines
from podres_exporter.text.grid import room_notes
from podres_exporter.text.words import shortened


def test_columns_have_equal_left_edges_and_numbers_equal_right_ones() -> None:
    table = Grid(("NAME", "COUNT", "WHICH"), (("a", "1", "x"), ("longer", "10", "-")), right=frozenset({"COUNT"}))

    assert [
        "NAME    COUNT  WHICH",
        "a           1  x",
        "longer     10  -",
    ] == grid_lines(table, Layout(80))


def test_a_cell_with_several_items_grows_downwards_before_a_name_is_cut() -> None:
    table = Grid(("POD", "HOLDS"), (("p" * 60, "first item, second item"),))

    assert [
        f"POD{' ' * 57}  HOLDS",
        f"{'p' * 60}  first item,",
        f"{' ' * 60}  second item",
    ] == grid_lines(table, Layout(80))


def test_a_name_is_never_cut_however_narrow_the_terminal_is() -> None:
    """It is pasted into the next command."""
    table = Grid(("POD", "HOLDS"), (("p" * 80 + "-x2lkq", f"{'h' * 60}, b"),))

    assert [
        f"POD{' ' * 85}HOLDS",
        f"{'p' * 80}-x2lkq  {'h' * 60},",
        f"{' ' * 88}b",
    ] == grid_lines(table, Layout(80))


def test_the_header_can_be_left_out_and_the_rows_sorted_by_a_column() -> None:
    """Numbers by their size; a column that there is not changes nothing."""
    table = Grid(("NAME", "COUNT"), (("gpu-10", "9"), ("gpu-9", "10"), ("a", "-")))

    assert ["a       -", "gpu-9   10", "gpu-10  9"] == grid_lines(table, Layout(80, headers=False, sort_by="NAME"))
    assert ["9", "10", "-"] == [row[1] for row in table.sorted_by("COUNT").rows]
    assert table == table.sorted_by("OTHER")


def test_spare_columns_go_where_there_is_no_room() -> None:
    table = Grid(("POD", "OWNER"), (("p" * 70, "o" * 20),), spare=("OWNER",))

    assert ["POD", "p" * 70] == grid_lines(table, Layout(80))
    assert f"{'p' * 70}  {'o' * 20}" == grid_lines(table, Layout(120))[1]


def test_what_has_no_room_is_said() -> None:
    """A column that goes without a word is taken for something that the program does not know."""
    table = Grid(("POD", "OWNER", "AGE"), (("p" * 70, "o" * 20, "1h"),), spare=("OWNER", "AGE"))

    assert [] == room_notes(table, Layout(120), "-o wide")
    assert ["no room for AGE: widen the terminal, or use -o wide"] == room_notes(table, Layout(95), "-o wide")
    assert ["no room for OWNER and AGE: widen the terminal, or use -o wide"] == room_notes(table, Layout(80), "-o wide")


def test_colours_take_no_room() -> None:
    table = Grid(("POD", "ALIGNED"), (("a", "no"), ("b", "-")))

    assert [
        "\x1b[1mPOD\x1b[0m  \x1b[1mALIGNED\x1b[0m",
        "a    \x1b[31mno\x1b[0m",
        "b    -",
    ] == grid_lines(table, Layout(80, ANSI))


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
