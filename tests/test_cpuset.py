"""The kernel's list format: `0-3,8`."""

import pytest

from podres_exporter.cpuset import format_cpuset, parse_cpuset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0-3,8", {0, 1, 2, 3, 8}, id="range and number"),
        pytest.param("8,0-3", {0, 1, 2, 3, 8}, id="any order"),
        pytest.param("5", {5}, id="one number"),
        pytest.param("0", {0}, id="CPU 0"),
        pytest.param("7-7", {7}, id="range of one"),
        pytest.param("0-3,2-5,4", {0, 1, 2, 3, 4, 5}, id="overlapping ranges"),
        pytest.param("10-11", {10, 11}, id="two digits"),
        pytest.param("", set(), id="empty"),
        pytest.param("\n", set(), id="sysfs file of a node without CPUs"),
        pytest.param("0-3\n", {0, 1, 2, 3}, id="sysfs file"),
        pytest.param(" 1 , 2-3 ", {1, 2, 3}, id="blanks around parts"),
        pytest.param("1,,2,", {1, 2}, id="empty parts"),
    ],
)
def test_a_list_names_its_numbers(text: str, expected: set[int]) -> None:
    """Numbers and ascending ranges, comma-separated ("List format" of cpuset(7))."""
    assert expected == parse_cpuset(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("0-3,x", "'x' is not a CPU number or a range such as 0-3", id="letter"),
        pytest.param("-1", "'-1' is not a CPU number or a range such as 0-3", id="negative number"),
        pytest.param("2-", "'2-' is not a CPU number or a range such as 0-3", id="open range"),
        pytest.param("0--3", "'0--3' is not a CPU number or a range such as 0-3", id="range to a negative number"),
        pytest.param("1-2-3", "'1-2-3' is not a CPU number or a range such as 0-3", id="range of three"),
        pytest.param("0 - 3", "'0 - 3' is not a CPU number or a range such as 0-3", id="blanks inside a range"),
        pytest.param("0x1", "'0x1' is not a CPU number or a range such as 0-3", id="hexadecimal"),
        pytest.param("1.5", "'1.5' is not a CPU number or a range such as 0-3", id="fraction"),
        pytest.param("0,3-1", "range '3-1' runs backwards", id="range backwards"),
    ],
)
def test_the_part_that_is_no_number_is_named(text: str, problem: str) -> None:
    """A wrong list is refused whole, with the part to mend."""
    with pytest.raises(ValueError, match="^" + problem.replace(".", r"\.") + "$"):
        parse_cpuset(text)


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param([], "", id="empty"),
        pytest.param([0], "0", id="one number"),
        pytest.param([3, 1, 0, 2], "0-3", id="unsorted"),
        pytest.param([0, 1], "0-1", id="range of two"),
        pytest.param([0, 2, 4], "0,2,4", id="no neighbours"),
        pytest.param([0, 1, 3, 5, 6, 7], "0-1,3,5-7", id="ranges and a number"),
        pytest.param([9, 10, 11], "9-11", id="numbers, not texts, are sorted"),
    ],
)
def test_a_set_is_written_with_the_longest_ranges(cpus: list[int], expected: str) -> None:
    """Ascending, as the kernel prints it, so that equal sets are equal texts."""
    assert expected == format_cpuset(frozenset(cpus))
