"""Ages of pods in kubectl's notation."""

from dataclasses import replace

import pytest
from scripted_metadata import meta

from podres_exporter.text.amounts import age_cell

DAY = 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (9 * 60 + 59, "9m59s"),
        (10 * 60 + 30, "10m"),
        (179 * 60, "179m"),
        (3 * 3600, "3h"),
        (7 * 3600 + 12 * 60, "7h12m"),
        (8 * 3600 + 12 * 60, "8h"),
        (47 * 3600, "47h"),
        (2 * DAY, "2d"),
        (7 * DAY + 4 * 3600, "7d4h"),
        (700 * DAY, "700d"),
        (2 * 365 * DAY, "2y"),
        (3 * 365 * DAY + 20 * DAY, "3y20d"),
        (9 * 365 * DAY + 20 * DAY, "9y"),
    ],
)
def test_an_age_is_in_its_two_largest_units_where_the_second_says_something(seconds: float, text: str) -> None:
    """The steps of kubectl's HumanDuration."""
    assert text == age_cell(replace(meta("a"), started_seconds=1000.0), 1000.0 + seconds)


def test_a_clock_that_is_behind_the_node_s_makes_nobody_younger_than_born() -> None:
    assert "0s" == age_cell(replace(meta("a"), started_seconds=1000.0), 990.0)


@pytest.mark.parametrize(("started", "now"), [(None, 5.0), (5.0, None)])
def test_what_is_not_known_has_no_age(started: float | None, now: float | None) -> None:
    assert "?" == age_cell(replace(meta("a"), started_seconds=started), now)
    assert "?" == age_cell(None, now)
