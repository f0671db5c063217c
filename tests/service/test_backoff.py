"""When to ask again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.errors import Reason
from podres_exporter.service.backoff import held_delay, longest_delay, poll_delay, retry_delay

INTERVALS = st.floats(1.0, 86_400.0)
UNIFORMS = st.floats(0.0, 1.0, exclude_max=True)
FAILURES = st.integers(1, 10_000_000)
REASONS = st.sampled_from(Reason)
OTHER_REASONS = st.sampled_from([reason for reason in Reason if reason is not Reason.THROTTLED])


@pytest.mark.parametrize(("uniform", "seconds"), [(0.0, 9.5), (0.5, 10.0), (1.0, 10.5)])
def test_a_good_poll_is_followed_by_the_interval_with_five_percent_of_jitter(uniform: float, seconds: float) -> None:
    """Jitter keeps the exporters of a cluster from marching in step."""
    assert seconds == pytest.approx(poll_delay(10.0, uniform))


@pytest.mark.parametrize(("interval", "seconds"), [(1.0, 1.0), (2.0, 2.0), (10.0, 2.0), (60.0, 12.0), (600.0, 120.0)])
def test_a_held_answer_is_looked_at_again_soon_but_never_in_a_burst(interval: float, seconds: float) -> None:
    """A fifth of the interval, two seconds at least, the interval at most (kubernetes #119560)."""
    assert seconds == pytest.approx(held_delay(interval))


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(1, 0.25, 0.5), (2, 0.5, 1.0), (3, 1.0, 2.0), (4, 2.0, 4.0), (5, 4.0, 8.0), (6, 5.0, 10.0), (1000, 5.0, 10.0)],
)
def test_failures_double_the_wait_up_to_the_interval(failures: int, least: float, most: float) -> None:
    """min(interval, 0.5 s x 2^(n-1)), between half of it and the whole: a kubelet is back within seconds."""
    assert least == pytest.approx(retry_delay(failures, Reason.UNAVAILABLE, 10.0, 0.0))
    assert most == pytest.approx(retry_delay(failures, Reason.UNAVAILABLE, 10.0, 1.0))


@pytest.mark.parametrize(
    ("failures", "interval", "least"),
    [
        (1, 10.0, 10.0),
        (2, 10.0, 20.0),
        (3, 10.0, 40.0),
        (4, 10.0, 60.0),
        (99, 10.0, 60.0),
        (1, 300.0, 300.0),
        (9, 300.0, 300.0),
    ],
)
def test_throttling_doubles_the_interval_up_to_a_minute(failures: int, interval: float, least: float) -> None:
    """The limit of 100 calls a second is one for all clients of the kubelet (ratelimit.go; kubernetes #116459)."""
    assert least == pytest.approx(retry_delay(failures, Reason.THROTTLED, interval, 0.0))
    assert 1.5 * least == pytest.approx(retry_delay(failures, Reason.THROTTLED, interval, 1.0))


@given(INTERVALS, UNIFORMS)
def test_the_polling_rate_stays_within_five_percent_of_what_was_asked_for(interval: float, uniform: float) -> None:
    """Whatever the random number."""
    assert 0.95 * interval <= poll_delay(interval, uniform) <= 1.05 * interval


@given(INTERVALS)
def test_a_held_answer_never_waits_longer_than_a_good_one(interval: float) -> None:
    """Nor is it asked for more than once a second."""
    assert 1.0 <= held_delay(interval) <= interval


@given(FAILURES, OTHER_REASONS, INTERVALS, UNIFORMS)
def test_a_failure_waits_a_quarter_of_a_second_at_least_and_the_interval_at_most(
    failures: int, reason: Reason, interval: float, uniform: float
) -> None:
    """No request storm under any fault, and no outage that is noticed late."""
    assert 0.25 <= retry_delay(failures, reason, interval, uniform) <= interval


@given(FAILURES, INTERVALS, UNIFORMS)
def test_a_throttled_call_waits_the_whole_interval_at_least(failures: int, interval: float, uniform: float) -> None:
    """A client that tries harder takes from the others."""
    assert retry_delay(failures, Reason.THROTTLED, interval, uniform) >= interval


@given(FAILURES, REASONS, INTERVALS, UNIFORMS)
def test_another_failure_never_shortens_the_wait(
    failures: int, reason: Reason, interval: float, uniform: float
) -> None:
    """Patience grows; the same random number on both sides."""
    first = retry_delay(failures, reason, interval, uniform)

    assert first <= retry_delay(failures + 1, reason, interval, uniform)


@given(FAILURES, REASONS, INTERVALS, UNIFORMS)
def test_no_wait_is_longer_than_the_longest(failures: int, reason: Reason, interval: float, uniform: float) -> None:
    """The liveness probe's patience is computed from it: a longer wait would get a healthy exporter killed."""
    longest = longest_delay(interval)

    assert longest >= retry_delay(failures, reason, interval, uniform)
    assert longest >= poll_delay(interval, uniform)
    assert longest >= held_delay(interval)


@pytest.mark.parametrize(("interval", "seconds"), [(1.0, 90.0), (10.0, 90.0), (60.0, 90.0), (300.0, 450.0)])
def test_the_longest_wait_is_that_of_a_throttled_call(interval: float, seconds: float) -> None:
    """A minute or the interval, and half as much again of jitter."""
    assert seconds == pytest.approx(longest_delay(interval))
