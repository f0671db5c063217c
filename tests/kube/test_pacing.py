"""Backoff: growing, jittered, and bounded in requests per minute."""

import pytest

from podres_exporter.errors import Reason
from podres_exporter.kube.reflector.pacing import Pause, pause, pause_unreached

UNIFORMS = (0.0, 0.25, 0.5, 0.999)


@pytest.mark.parametrize(
    ("failures", "ceiling"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (8, 60.0), (500, 60.0)]
)
def test_pauses_double_up_to_a_minute(failures: int, ceiling: float) -> None:
    wait = pause(failures, Reason.UNAVAILABLE)

    assert pytest.approx(ceiling) == wait.seconds(1.0)
    assert pytest.approx(ceiling / 3) == wait.seconds(0.0)


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 12.0), (500, 12.0)])
def test_where_nobody_listens_the_wait_is_twelve_seconds_at_most(failures: int, ceiling: float) -> None:
    wait = pause_unreached(failures)

    assert pytest.approx(ceiling) == wait.seconds(1.0)
    assert pytest.approx(ceiling / 3) == wait.seconds(0.0)


def test_a_refusal_grows_to_five_minutes() -> None:
    assert pytest.approx(300.0) == pause(500, Reason.DENIED).seconds(1.0)
    assert pytest.approx(64.0) == pause(7, Reason.DENIED).seconds(1.0)


def test_an_orderly_end_waits_for_up_to_a_second() -> None:
    assert Pause(0.0, 1.0) == pause(0)


def test_the_first_expiry_waits_for_up_to_five_seconds() -> None:
    """An API server that restarts tells it to every node of the cluster at once."""
    assert Pause(0.0, 5.0) == pause(0, Reason.GONE)


@pytest.mark.parametrize("failures", [0, 1, 7])
def test_nodes_that_were_refused_together_do_not_come_back_together(failures: int) -> None:
    wait = pause(failures, Reason.THROTTLED, 30.0)

    assert 45.0 <= wait.seconds(1.0)


@pytest.mark.parametrize(
    ("failures", "asked", "least"), [(1, 20.0, 20.0), (0, 20.0, 20.0), (1, 86_400.0, 300.0), (7, 1.0, 20.0)]
)
def test_what_the_server_asks_for_is_a_minimum_of_which_five_minutes_count(
    failures: int, asked: float, least: float
) -> None:
    wait = pause(failures, Reason.THROTTLED, asked)

    assert pytest.approx(least) == wait.seconds(0.0)
    assert wait.seconds(0.5) > least


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("uniform", UNIFORMS)
def test_every_minute_but_the_first_has_single_digits_of_requests(reason: Reason, uniform: float) -> None:
    """A list and a watch for every failure, whatever the random numbers are."""
    elapsed, failures = 0.0, 0
    minutes = [0] * 10
    while elapsed < 600:
        minutes[int(elapsed // 60)] += 2
        failures += 1
        elapsed += pause(failures, reason).seconds(uniform)

    assert max(minutes[1:]) < 10
    assert minutes[0] <= 18
