"""Ages as kubectl's tables show them."""

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY

_STEPS = (
    (2 * _MINUTE, ((1, "s"),)),
    (10 * _MINUTE, ((_MINUTE, "m"), (1, "s"))),
    (3 * _HOUR, ((_MINUTE, "m"),)),
    (8 * _HOUR, ((_HOUR, "h"), (_MINUTE, "m"))),
    (2 * _DAY, ((_HOUR, "h"),)),
    (8 * _DAY, ((_DAY, "d"), (_HOUR, "h"))),
    (2 * _YEAR, ((_DAY, "d"),)),
    (8 * _YEAR, ((_YEAR, "y"), (_DAY, "d"))),
)
"""Below so many seconds, these units; above the last, years alone."""


def human_duration(seconds: float) -> str:
    """
    Return an age of two or three digits: `5s`, `3m20s`, `7h15m`, `2d3h`, `400d`, `2y10d`.

    A second unit that is zero is left out. An age a little below zero is `0s`, one further in the future `<invalid>`.
    Source: apimachinery util/duration.HumanDuration.
    """
    rest = int(seconds)
    if rest < -1:
        return "<invalid>"
    rest = max(rest, 0)
    units = next((units for limit, units in _STEPS if rest < limit), ((_YEAR, "y"),))
    text = ""
    for size, letter in units:
        number, rest = divmod(rest, size)
        if number or not text:
            text += f"{number}{letter}"
    return text
