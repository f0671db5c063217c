"""RFC 3339 timestamps, exact to the digit."""

import pytest

from podres_exporter.moment import read_moment, write_moment


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000.1, "2023-11-14T22:13:20.1Z"),
        (1_700_000_000.1234567, "2023-11-14T22:13:20.1234567Z"),
        (1e-7, "1970-01-01T00:00:00.0000001Z"),
        (253_402_300_799.0, "9999-12-31T23:59:59Z"),
    ],
)
def test_a_moment_is_written_with_as_many_digits_as_it_has(seconds: float, text: str) -> None:
    """RFC 3339, 5.6: any number of digits, and Z for UTC."""
    assert text == write_moment(seconds)
    assert seconds == read_moment(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2023-11-14T23:13:20+01:00", 1_700_000_000.0), ("2023-11-14T18:43:20.5-03:30", 1_700_000_000.5)],
)
def test_another_offset_is_read_as_well(text: str, seconds: float) -> None:
    """Tools that rewrite a document may put a local time."""
    assert seconds == read_moment(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not a time such as 2026-11-20T08:00:00Z"),
        ("2026-11-20", "is not a time such as 2026-11-20T08:00:00Z"),
        ("2026-11-20T08:00:00", "is not a time such as 2026-11-20T08:00:00Z"),
        ("2026-11-20T08:00:00.Z", "is not a time such as 2026-11-20T08:00:00Z"),
        ("2026-13-20T08:00:00Z", "is not a valid time: month must be in 1..12"),
        ("1969-12-31T23:59:59Z", "is before 1970"),
        ("9999-12-31T23:59:59-00:01", "is after the year 9999"),
        ("9999-12-31T23:59:59.99999999999999999Z", "is after the year 9999"),
        ("0001-01-01T00:00:00+23:59", "is before 1970"),
        ("2026-11-20T08:00:00+24:00", "is not a valid time: "),
    ],
)
def test_what_is_no_moment_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        read_moment(text)
