"""The token bucket."""

from fake_clock import FakeClock

from podres_exporter.token_bucket import TokenBucket


def test_a_burst_is_taken_at_once_and_then_one_request_an_interval() -> None:
    """golang.org/x/time/rate: the bucket starts full and never holds more than the burst."""
    clock = FakeClock()
    bucket = TokenBucket(2.0, 3, clock.monotonic_seconds)
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
