"""Escaping names for a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GPU-7f3c::1", "GPU-7f3c::1"),
        ("0000:3b:02.0", "0000:3b:02.0"),
        ("", ""),
        ("caf\u00e9", "caf\u00e9"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("two\nlines\tand\r", r"two\x0alines\x09and\x0d"),
        ("\x7f\x85", r"\x7f\x85"),
        ("no\u00a0break", r"no\xa0break"),
        ("\u202eright", r"\u202eright"),
        ("e\u0301", r"e\u0301"),
        ("\u6f22", r"\u6f22"),
        ("\u05d0\u0627", r"\u05d0\u0627"),
        ("\U0001f600", r"\U0001f600"),
        ("\udc80", r"\udc80"),
    ],
)
def test_only_characters_of_one_column_are_left(text: str, expected: str) -> None:
    assert expected == printable(text)


@given(st.text(st.characters()))
def test_every_character_fills_one_column_and_none_commands(text: str) -> None:
    safe = printable(text)

    assert safe.isprintable()
    assert all(unicodedata.east_asian_width(each) not in {"W", "F"} for each in safe)
    assert safe == printable(safe)
