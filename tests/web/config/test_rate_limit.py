"""The token bucket and how its interval is written."""

import pytest
from fake_clock import FakeClock

from podres_exporter.web.config.rate_limit import RateLimit, TokenBucket, parse_interval


def test_a_burst_is_taken_at_once_and_then_one_request_an_interval() -> None:
    """golang.org/x/time/rate: the bucket starts full and never holds more than the burst."""
    clock = FakeClock()
    bucket = TokenBucket(RateLimit(2.0, 3), clock)
    taken = [bucket.take() for _ in range(4)]
    clock.advance(1.9)
    too_early = bucket.take()
    clock.advance(0.1)
    in_time = [bucket.take(), bucket.take()]
    clock.advance(1000)
    after_long = [bucket.take() for _ in range(4)]

    assert [True, True, True, False] == taken
    assert not too_early
    assert [True, False] == in_time
    assert [True, True, True, False] == after_long


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
