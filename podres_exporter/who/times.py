"""Parse times on the command line (`03:12`, `-2h`, RFC 3339), and format them with their UTC offset."""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from podres_exporter.duration import parse_duration
from podres_exporter.moment import read_moment

_CLOCK = re.compile(r"(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?")
_AGE = re.compile(r"(?:[0-9]+[a-z]+)+")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")
_WRONG = "{!r} is not a time; write for example 03:12, -2h, '2026-11-20 03:12' or 2026-11-20T03:12:00Z"


class Zone(Protocol):
    """The time zone used if no offset is given; its offset differs in summer."""

    def aware(self, local: datetime) -> datetime:
        """Return a local time with the offset that applied then."""
        ...

    def at(self, seconds: float) -> datetime:
        """Return Unix seconds as a time of this zone."""
        ...


class LocalZone:
    """The zone of this machine, or of the environment variable TZ."""

    def aware(self, local: datetime) -> datetime:
        """Return the time with the machine's offset of that day."""
        return local.astimezone()

    def at(self, seconds: float) -> datetime:
        """Return the machine's local time."""
        return datetime.fromtimestamp(seconds, UTC).astimezone()


def parse_time(text: str, now_seconds: float, zone: Zone) -> float:
    """
    Parse a time to Unix seconds. Raises ValueError with valid examples.

    `03:12` is the most recent such time of day, in *zone* unless it has an offset; `-2h` counts back from now; a date
    alone is its midnight.
    """
    if text == "now":
        return now_seconds
    try:
        if text.startswith("-"):
            return now_seconds - parse_duration(text.removeprefix("-"))
        if clock := _CLOCK.fullmatch(text):
            return _last(clock["time"], clock["zone"], now_seconds, zone)
        if _LOCAL.fullmatch(text):
            return zone.aware(datetime.fromisoformat(text)).timestamp()
        return read_moment(text.replace(" ", "T", 1))
    except (ValueError, OverflowError) as error:
        if _AGE.fullmatch(text):
            raise ValueError(f"{text!r} lacks its sign; write -{text} for so long ago") from error
        raise ValueError(_WRONG.format(text)) from error


def _last(clock: str, offset: str | None, now_seconds: float, zone: Zone) -> float:
    """Return the most recent time with this time of day."""
    hour, minute, *second = map(int, clock.split(":"))
    today = datetime.fromtimestamp(now_seconds, UTC) if offset else zone.at(now_seconds)
    if offset:
        today = today.astimezone(datetime.fromisoformat(f"2000-01-01T00:00:00{offset.replace('Z', '+00:00')}").tzinfo)
    for days in (0, 1):
        day = (today - timedelta(days=days)).replace(hour=hour, minute=minute, second=sum(second), microsecond=0)
        found = (day if offset else zone.aware(day.replace(tzinfo=None))).timestamp()
        if found <= now_seconds:
            break
    return found


def time_text(seconds: float, zone: Zone) -> str:
    """Return a time as `2026-11-20T03:12:00+01:00`, which can be pasted into another command."""
    return zone.at(seconds).replace(microsecond=0).isoformat()
