"""The grammar of durations."""

import pytest

from podres_exporter.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("100ms", 0.1),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("7ns", 7e-9),
        ("0", 0.0),
        ("0s", 0.0),
        ("1d2h30m", 95400.0),
        ("1w", 604800.0),
    ],
)
def test_a_duration_is_one_or_more_numbers_with_units(text: str, seconds: float) -> None:
    """What Go's time.ParseDuration and Prometheus write."""
    assert seconds == pytest.approx(parse_duration(text))


@pytest.mark.parametrize("text", ["", "1", "-1s", "+1s", "1 s", "s", ".s", "1y", "one", "1S", "1s\n", "\u0661s"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    """A number without a unit would be nanoseconds in Go and seconds elsewhere, so it is refused."""
    with pytest.raises(ValueError, match="is not a duration; write for example 500ms, 10s or 1m30s") as caught:
        parse_duration(text)

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["9" * 400 + "h", "2562048h", "9" * 400 + "ns", "9" * 5000 + "s"])
def test_no_duration_is_longer_than_those_of_go(text: str) -> None:
    """An int64 of nanoseconds; Retry-After could not say infinity, and 5,000 digits are no int in Python."""
    with pytest.raises(ValueError, match="is too long; the maximum is 292 years"):
        parse_duration(text)

    assert 2562047 * 3600.0 == parse_duration("2562047h")
