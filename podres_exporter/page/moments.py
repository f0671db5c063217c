"""Points in time for people: exact without a script, an age with it."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(seconds: float, *, since: bool = False) -> str:
    """
    Return Unix seconds as an element that says date and time in UTC; the script makes an age of it.

    *since*: the age stands behind the time, for sentences in which something has been so since then.
    """
    at = _EPOCH + timedelta(seconds=int(seconds))
    look = ' class="since"' if since else ""
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}"{look}>{at:%Y-%m-%d %H:%M:%S} UTC</time>'
