"""
Structured logging: an event name with keys, as logfmt or JSON.

    log.info("kubelet.up", extra={"outage_seconds": 3.2})

State changes are logged, not states. Device ids and pod labels are logged at DEBUG only.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _fields(record: logging.LogRecord, formatter: logging.Formatter) -> dict[str, object]:
    """Return the fields of a log record, in order."""
    fields: dict[str, object] = {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
    }
    fields.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
    if record.exc_info:
        fields["traceback"] = formatter.formatException(record.exc_info)
    return fields


class LogfmtFormatter(logging.Formatter):
    """`key=value` pairs; a value with a space, a quote, an equals sign or a control character is quoted as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in _fields(record, self).items())


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return json.dumps(_fields(record, self), default=str)


def _quoted(value: object) -> str:
    """Return the value quoted for logfmt, so that hostile text cannot forge a line or a pair."""
    text = str(value)
    plain = text.isprintable() and not any(character in text for character in ' "=\\') and text
    return text if plain else json.dumps(text)


def configure(level: str, line_format: str, stream: TextIO | None = None) -> None:
    """Log to *stream* (stderr), from *level* on, as `logfmt` or `json`."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if line_format == "json" else LogfmtFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
