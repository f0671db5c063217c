"""Formatting of numbers and names in sentences."""

import pytest

from podres_exporter.text.amounts import age_text, seconds_text, size_text
from podres_exporter.text.words import counted, joined, pods_text, some


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 pods"), (1, "1 pod"), (2, "2 pods")], ids=["none", "one", "several"]
)
def test_a_noun_agrees_with_its_number(number: int, expected: str) -> None:
    assert expected == counted(number, "pod")


def test_a_plural_may_be_given() -> None:
    assert ("1 entry", "3 entries") == (counted(1, "entry", "entries"), counted(3, "entry", "entries"))


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (562, "562 B"), (1024, "1 KiB"), (1_300_000, "1.2 MiB"), (16 << 20, "16 MiB"), (5 << 50, "5120 TiB")],
)
def test_sizes_have_a_unit(size: int, expected: str) -> None:
    assert expected == size_text(size)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-0.1, "0 ms"), (0.0004, "0 ms"), (0.0126, "13 ms"), (1, "1.0 s"), (10.04, "10.0 s")]
)
def test_durations_are_told_in_milliseconds_or_seconds(seconds: float, expected: str) -> None:
    assert expected == seconds_text(seconds)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 minutes"), (7199, "120 minutes"), (7200, "2 hours"), (172800, "2 days")],
)
def test_ages_are_told_in_the_largest_unit_that_is_there_twice(seconds: float, expected: str) -> None:
    assert expected == age_text(seconds)


@pytest.mark.parametrize(
    ("words", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_words_are_joined_as_in_a_sentence(words: list[str], expected: str) -> None:
    assert expected == joined(words)


def test_of_many_names_the_first_are_told_and_the_rest_is_counted() -> None:
    assert ("a, b", "a, b, c and 2 more") == (some(["a", "b"]), some(list("abcde")))


def test_names_from_outside_do_not_reach_the_terminal_as_they_are() -> None:
    """A device id with an escape sequence would colour, or clear, the screen."""
    assert r"\x1b[2J" == some(["\x1b[2J"])


def test_pods_are_named_with_their_namespace_and_sorted() -> None:
    assert "a/z, b/a" == pods_text({("b", "a"), ("a", "z")})
