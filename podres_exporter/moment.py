"""Read and write RFC 3339 timestamps with all the digits of a float."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_SECONDS = 253_402_300_800.0
"""The year 10000 does not fit RFC 3339; an offset, or a fraction too small for a float, may lead there."""
_MOMENT = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?P<part>\.[0-9]{1,400})?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)


def write_moment(seconds: float) -> str:
    """
    Return Unix seconds, 0 or more, as `2026-11-20T08:00:00.25Z`.

    The fraction has as many digits as the number needs, so that the same number can be read back.
    """
    from decimal import Decimal  # noqa: PLC0415 - 0.3 MiB, and most exporters are never asked for the document

    whole, _, digits = f"{Decimal(repr(seconds)):f}".partition(".")
    fraction = digits.rstrip("0")
    moment = _EPOCH + timedelta(seconds=int(whole))
    return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{fraction}' if fraction else ''}Z"


def read_moment(text: str) -> float:
    """Return the Unix seconds of an RFC 3339 text. Raises ValueError: it is none, before 1970, or after 9999."""
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError("is not a time such as 2026-11-20T08:00:00Z")
    try:
        moment = datetime.fromisoformat(match["second"] + match["zone"].replace("Z", "+00:00"))
    except ValueError as error:
        raise ValueError(f"is not a valid time: {error}") from error
    whole = (moment - _EPOCH) // timedelta(seconds=1)
    if whole < 0:
        raise ValueError("is before 1970")
    seconds = float(f"{whole}{match['part'] or ''}")
    if seconds >= _END_SECONDS:
        raise ValueError("is after the year 9999")
    return seconds
