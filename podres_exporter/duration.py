"""
Parse durations such as `1m30s`: one grammar for flags, environment, the web config file and times like `-2h`.

A duration is `0`, or one or more decimal numbers, each with a unit: `ns`, `us`, `ms`, `s`, `m`, `h`, `d` (24 hours) or
`w` (7 days). So it accepts what Go's time.ParseDuration and Prometheus write, apart from signs and years.
"""

import re

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 7 * 86400.0,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h|d|w)")
_DURATION = re.compile(f"(?:{_PART.pattern})+")
MOST_SECONDS = (2**63 - 1) / 1e9
"""The longest duration: 292 years, an int64 of nanoseconds as in Go."""


def parse_duration(text: str) -> float:
    """
    Return the seconds of a duration. Raises ValueError with a valid example.

    Source: Go's time.ParseDuration; prometheus/common model.ParseDuration.
    """
    if text != "0" and not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write for example 500ms, 10s or 1m30s")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > MOST_SECONDS:
        raise ValueError(f"{text!r} is too long; the maximum is 292 years")
    return seconds
