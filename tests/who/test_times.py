"""Parsing and formatting times."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from podres_exporter.who.times import LocalZone, parse_time, time_text


class Berlin:
    """A zone with summer time."""

    zone = ZoneInfo("Europe/Berlin")

    def aware(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self.zone)

    def at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = utc("2026-11-20T09:30:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-20T09:30:00"),
        ("-2h", "2026-11-20T07:30:00"),
        ("-1d2h30m", "2026-11-19T07:00:00"),
        ("-1w", "2026-11-13T09:30:00"),
        ("03:12", "2026-11-20T02:12:00"),
        ("3:12", "2026-11-20T02:12:00"),
        ("10:30", "2026-11-20T09:30:00"),
        ("10:31", "2026-11-19T09:31:00"),
        ("23:59:58", "2026-11-19T22:59:58"),
        ("03:12Z", "2026-11-20T03:12:00"),
        ("03:12-05:00", "2026-11-20T08:12:00"),
        ("09:31Z", "2026-11-19T09:31:00"),
        ("2026-11-20", "2026-11-19T23:00:00"),
        ("2026-11-20 03:12", "2026-11-20T02:12:00"),
        ("2026-07-20T03:12:30", "2026-07-20T01:12:30"),
        ("2026-11-20T03:12:00Z", "2026-11-20T03:12:00"),
        ("2026-11-20 03:12:00+05:30", "2026-11-19T21:42:00"),
    ],
)
def test_a_moment_is_read_as_it_is_meant(text: str, expected: str) -> None:
    """A clock alone is the last time that it was so; the zone is that of the reader, unless there is an offset."""
    assert utc(expected) == parse_time(text, NOW, Berlin())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-2",
        "-2y",
        "25:00",
        "03:60",
        "3",
        "yesterday",
        "2026-13-01",
        "2026-11-20T03:12:00+99:00",
        "-",
        "-1m h",
    ],
)
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write for example 03:12, -2h, '2026-11-20 03:12' or 2026-"):
        parse_time(text, NOW, Berlin())


def test_an_age_without_its_sign_is_told_so() -> None:
    with pytest.raises(ValueError, match="'2h' lacks its sign; write -2h for so long ago"):
        parse_time("2h", NOW, Berlin())


def test_a_moment_is_written_with_its_offset_so_that_it_can_be_read_back() -> None:
    """In summer another one than in winter."""
    summer, winter = utc("2026-07-20T01:12:30"), utc("2026-11-20T02:12:30")

    assert "2026-07-20T03:12:30+02:00" == time_text(summer, Berlin())
    assert "2026-11-20T03:12:30+01:00" == time_text(winter, Berlin())
    assert summer == parse_time(time_text(summer, Berlin()), NOW, Berlin())


@pytest.fixture
def _kathmandu() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Kathmandu"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("_kathmandu")
def test_the_local_zone_is_that_of_the_machine() -> None:
    assert utc("2026-11-19T21:27:00") == parse_time("03:12", NOW, LocalZone())
    assert "2026-11-20T15:15:00+05:45" == time_text(NOW, LocalZone())
