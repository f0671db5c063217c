"""Poll jitter and backoff."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.errors import KubeletError, Reason
from podres_exporter.service.backoff import Failures, longest_delay, poll_delay, retry_delay

INTERVALS = st.floats(1.0, 86_400.0)
UNIFORMS = st.floats(0.0, 1.0, exclude_max=True)
COUNTS = st.integers(1, 10_000_000)
FAILURES = st.builds(Failures, throttled=st.just(0), other=COUNTS) | st.builds(Failures, throttled=COUNTS)


def after(*reasons: Reason | None) -> Failures:
    """Return the counts after polls that ended so, one after the other."""
    failures = Failures()
    for reason in reasons:
        failures = failures.after(None if reason is None else KubeletError("List", reason, "x"))
    return failures


@pytest.mark.parametrize(("uniform", "seconds"), [(0.0, 9.5), (0.5, 10.0), (1.0, 10.5)])
def test_a_good_poll_is_followed_by_the_interval_with_five_percent_of_jitter(uniform: float, seconds: float) -> None:
    """Jitter keeps the exporters of a cluster from marching in step."""
    assert seconds == pytest.approx(poll_delay(10.0, uniform))


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(1, 0.25, 0.5), (2, 0.5, 1.0), (3, 1.0, 2.0), (4, 2.0, 4.0), (5, 4.0, 8.0), (6, 5.0, 10.0), (1000, 5.0, 10.0)],
)
def test_failures_double_the_wait_up_to_the_interval(failures: int, least: float, most: float) -> None:
    """min(interval, 0.5 s x 2^(n-1)), between half of it and the whole: a kubelet is back within seconds."""
    assert least == pytest.approx(retry_delay(Failures(other=failures), 10.0, 0.0))
    assert most == pytest.approx(retry_delay(Failures(other=failures), 10.0, 1.0))


@pytest.mark.parametrize(
    ("throttled", "interval", "least"),
    [(1, 2.0, 2.0), (2, 2.0, 4.0), (3, 2.0, 8.0), (4, 2.0, 10.0), (1, 10.0, 10.0), (99, 10.0, 10.0), (1, 300.0, 10.0)],
)
def test_throttling_waits_ten_seconds_at_most_and_half_of_that_more(
    throttled: int, interval: float, least: float
) -> None:
    """The limit of 100 calls a second is one for all clients of the kubelet (ratelimit.go; kubernetes #116459)."""
    assert least == pytest.approx(retry_delay(Failures(throttled=throttled), interval, 0.0))
    assert 1.5 * least == pytest.approx(retry_delay(Failures(throttled=throttled), interval, 1.0))


def test_a_throttled_answer_after_an_outage_is_the_first_one() -> None:
    """All agents of a node ask a kubelet that comes back, and its burst is 10: that must not cost a minute."""
    down = [Reason.UNAVAILABLE] * 40

    assert 10.0 == retry_delay(after(*down, Reason.THROTTLED), 10.0, 0.0)
    assert 15.0 >= retry_delay(after(*down, Reason.THROTTLED), 10.0, 1.0)


def test_an_answer_that_is_not_throttled_begins_the_count_again() -> None:
    assert Failures() == after(Reason.THROTTLED, Reason.UNAVAILABLE, None)
    assert 1 == after(Reason.THROTTLED, Reason.THROTTLED, Reason.TIMEOUT, Reason.THROTTLED).throttled
    assert 0 == after(Reason.THROTTLED, Reason.TIMEOUT).throttled


@given(INTERVALS, UNIFORMS)
def test_the_polling_rate_stays_within_five_percent_of_what_was_asked_for(interval: float, uniform: float) -> None:
    """Whatever the random number."""
    assert 0.95 * interval <= poll_delay(interval, uniform) <= 1.05 * interval


@given(COUNTS, INTERVALS, UNIFORMS)
def test_a_failure_waits_a_quarter_of_a_second_at_least_and_the_interval_at_most(
    failures: int, interval: float, uniform: float
) -> None:
    """No request storm under any fault, and no outage that is noticed late."""
    assert 0.25 <= retry_delay(Failures(other=failures), interval, uniform) <= interval


@given(COUNTS, INTERVALS, UNIFORMS)
def test_a_throttled_call_costs_fifteen_seconds_at_most(throttled: int, interval: float, uniform: float) -> None:
    """And never less than the interval where that is shorter: who tries harder takes from the others."""
    assert min(interval, 10.0) <= retry_delay(Failures(throttled=throttled), interval, uniform) <= 15.0


@given(FAILURES, INTERVALS, UNIFORMS)
def test_no_wait_is_longer_than_the_longest(failures: Failures, interval: float, uniform: float) -> None:
    """The liveness probe's patience is computed from it: a longer wait would get a healthy exporter killed."""
    longest = longest_delay(interval)

    assert longest >= retry_delay(failures, interval, uniform)
    assert longest >= poll_delay(interval, uniform)
