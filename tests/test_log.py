"""Log lines: one record is one line with its own keys, whatever the values are."""

import io
import json
import logging
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.errors import Reason
from podres_exporter.log import JsonFormatter, LogfmtFormatter, configure

log = logging.getLogger("podres.test_log")

HOSTILE = [
    "x level=error event=forged",
    'x" event="forged',
    "x\nts=2026-01-01T00:00:00.000Z level=info event=forged",
    "x\r\nevent=forged",
    "x\tevent=forged",
    "x\x1b[2K\x1b[1Gevent=forged",
    "x\u2028event=forged",
    "x\x85event=forged",
    "x\u202eevent=forged",
    "\\",
    '"',
    "",
    "=",
    "\ud800",
]


def record(event: str = "kubelet.up", level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("podres", level, __file__, 1, event, (), None)
    made.created = 1_700_000_000.1234
    vars(made).update(extra)
    return made


def pairs(line: str) -> list[tuple[str, str]]:
    """Read a logfmt line as other programs do: a quoted value is a JSON string."""
    found, rest = [], line
    while rest:
        key, _, rest = rest.partition("=")
        if rest.startswith('"'):
            value, end = json.JSONDecoder().raw_decode(rest)
        else:
            value = rest.split(" ", 1)[0]
            end = len(value)
        found.append((key, value))
        rest = rest[end:].removeprefix(" ")
    return found


def parsed_json(line: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_line_has_the_time_the_level_the_event_and_then_the_keys() -> None:
    """An event name and keys; the time is UTC with milliseconds."""
    line = LogfmtFormatter().format(record("kubelet.up", outage_seconds=3.2, source="kubelet"))

    assert "ts=2023-11-14T22:13:20.123Z level=info event=kubelet.up outage_seconds=3.2 source=kubelet" == line


def test_a_time_of_whole_seconds_has_milliseconds_too() -> None:
    """Lines of one width sort and align."""
    made = record()
    made.created = 1_700_000_000.0

    assert "ts=2023-11-14T22:13:20.000Z" == LogfmtFormatter().format(made).split(" ")[0]


def test_a_json_line_has_the_same_keys() -> None:
    """One JSON object per line, for machines; numbers stay numbers."""
    line = JsonFormatter().format(record("source.down", logging.WARNING, reason=Reason.TIMEOUT, seconds=10))

    assert {
        "ts": "2023-11-14T22:13:20.123Z",
        "level": "warning",
        "event": "source.down",
        "reason": "timeout",
        "seconds": 10,
    } == parsed_json(line)


def test_a_value_that_json_has_no_type_for_is_written_as_text() -> None:
    """A log line must never fail because of what it says."""
    line = JsonFormatter().format(record(error=OSError("gone")))

    assert "gone" == parsed_json(line)["error"]


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_hostile_value_cannot_begin_a_line_or_a_pair_of_its_own(value: str) -> None:
    """Names of pods, paths and texts of servers come from others; CWE-117."""
    line = LogfmtFormatter().format(record("source.down", detail=value, source="kubelet"))

    assert line.isprintable()
    assert [("event", "source.down"), ("detail", value), ("source", "kubelet")] == pairs(line)[2:]


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_hostile_event_cannot_begin_a_line_or_a_pair_of_its_own(value: str) -> None:
    """Libraries log messages of their own, and those may quote others."""
    line = LogfmtFormatter().format(record(value, source="kubelet"))

    assert line.isprintable()
    assert [("event", value), ("source", "kubelet")] == pairs(line)[2:]


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_hostile_value_stays_one_value_in_json(value: str) -> None:
    """The same for machines."""
    line = JsonFormatter().format(record("source.down", detail=value))

    assert line.isprintable()
    assert ["ts", "level", "event", "detail"] == list(parsed_json(line))
    assert value == parsed_json(line)["detail"]


def test_an_empty_value_is_quoted() -> None:
    """`detail= source=kubelet` would read as if the detail were what follows."""
    line = LogfmtFormatter().format(record("source.down", detail="", source="kubelet"))

    assert line.endswith('event=source.down detail="" source=kubelet')


@given(st.text())
def test_any_value_can_be_read_back_from_both_formats(value: str) -> None:
    """Nothing is lost and nothing is added, whatever the text."""
    made = record("event", detail=value, last="one")

    assert [("detail", value), ("last", "one")] == pairs(LogfmtFormatter().format(made))[3:]
    assert value == parsed_json(JsonFormatter().format(made))["detail"]


def test_a_plain_line_can_be_split_by_a_shell() -> None:
    """People read logs with grep and awk: what needs no quotes has none."""
    line = LogfmtFormatter().format(record("started", urls="http://localhost:10190/metrics,http://[::1]:1/metrics"))

    assert line.split(" ") == shlex.split(line)
    assert '"' not in line


def failure(error: Exception) -> logging.LogRecord:
    """Return the record that `log.exception` would make of the error."""
    try:
        raise error
    except ValueError as caught:
        made = record("poll.failed", logging.ERROR)
        made.exc_info = (type(caught), caught, caught.__traceback__)
        return made


@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()])
def test_a_traceback_stays_in_its_line(formatter: logging.Formatter) -> None:
    """A traceback of many lines would break line-based collectors, and its text may be hostile too."""
    line = formatter.format(failure(ValueError("x\nlevel=info event=forged")))
    fields = parsed_json(line) if isinstance(formatter, JsonFormatter) else dict(pairs(line))

    assert line.isprintable()
    assert ["ts", "level", "event", "traceback"] == list(fields)
    assert "poll.failed" == fields["event"]
    assert fields["traceback"].startswith("Traceback (most recent call last):")
    assert fields["traceback"].endswith("ValueError: x\nlevel=info event=forged")


def test_arguments_of_a_message_are_filled_in() -> None:
    """Libraries log with arguments."""
    made = logging.LogRecord("urllib3", logging.INFO, __file__, 1, "retry %d of %s", (1, "a b"), None)

    assert 'event="retry 1 of a b"' in LogfmtFormatter().format(made)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["a.debug", "an.info", "a.warning", "an.error"]),
        ("info", ["an.info", "a.warning", "an.error"]),
        ("warning", ["a.warning", "an.error"]),
        ("error", ["an.error"]),
    ],
)
def test_lines_below_the_level_are_left_out(level: str, expected: list[str]) -> None:
    """`--log.level` takes these four."""
    stream = io.StringIO()
    configure(level, "logfmt", stream)
    log.debug("a.debug")
    log.info("an.info")
    log.warning("a.warning")
    log.error("an.error")

    assert expected == [dict(pairs(line))["event"] for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(("line_format", "start"), [("logfmt", "ts="), ("json", '{"ts": ')])
def test_the_format_is_the_one_asked_for(line_format: str, start: str) -> None:
    """`--log.format` is logfmt or json."""
    stream = io.StringIO()
    configure("info", line_format, stream)
    log.info("started")

    assert stream.getvalue().startswith(start)


def test_a_record_is_written_once_however_often_logging_is_configured() -> None:
    """A second handler beside the first would double every line."""
    first, second = io.StringIO(), io.StringIO()
    configure("info", "logfmt", first)
    configure("info", "logfmt", second)
    log.info("started")

    assert "" == first.getvalue()
    assert 1 == len(second.getvalue().splitlines())


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to what a command prints."""
    configure("info", "logfmt")
    log.info("started")
    captured = capsys.readouterr()

    assert "" == captured.out
    assert captured.err.endswith("level=info event=started\n")
