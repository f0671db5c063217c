"""How the interval of a rate limit is written."""

import pytest

from podres_exporter.web.config.rate_limit import parse_interval


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("100ms", 0.1), ("1m30s", 90.0), ("1.5h", 5400.0), (".5s", 0.5), ("10us", 1e-5), ("0", 0.0)],
)
def test_an_interval_is_written_as_in_go(text: str, seconds: float) -> None:
    """time.ParseDuration."""
    assert seconds == pytest.approx(parse_interval(text))


@pytest.mark.parametrize("text", ["", "1", "-1s", "1 s", "s", "1d", "one"])
def test_anything_else_is_no_interval(text: str) -> None:
    """A number without a unit would be nanoseconds in Go, which nobody means."""
    with pytest.raises(ValueError, match="is not a duration; write for example 1s"):
        parse_interval(text)


@pytest.mark.parametrize("text", ["9" * 400 + "h", "2562048h", "9" * 400 + "ns"])
def test_no_interval_is_longer_than_those_of_go(text: str) -> None:
    """An int64 of nanoseconds; Retry-After could not say infinity."""
    with pytest.raises(ValueError, match="is beyond all bounds"):
        parse_interval(text)

    assert 2562047 * 3600.0 == parse_interval("2562047h")
