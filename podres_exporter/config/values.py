"""Texts of flags to values. Each function raises ValueError with a sentence that says what would be right."""

import re
from collections.abc import Callable
from pathlib import Path

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist
from podres_exporter.quantity import parse_quantity

MAX_SOCKET_PATH_BYTES = 107
"""What fits into sockaddr_un, less its closing zero (unix(7))."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:[0-9]+(?:ms|s|m|h))+")
MAX_DURATION_SECONDS = 24 * 3600.0
"""Longer waits than a day are typing errors."""
_PART = re.compile(r"([0-9]+)(ms|s|m|h)")


def duration_seconds(text: str) -> float:
    """Return seconds of a Prometheus duration such as `500ms`, `10s` or `1m30s`."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write for example 500ms, 10s or 1m30s")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > MAX_DURATION_SECONDS:
        raise ValueError(f"{text!r} is too long; the most is 24h")
    return seconds


def at_least(least: float, text_of_least: str) -> Callable[[str], float]:
    """Return a parser of durations that refuses shorter ones."""

    def parse(text: str) -> float:
        seconds = duration_seconds(text)
        if seconds < least:
            raise ValueError(f"{text!r} is too short; the least is {text_of_least}")
        return seconds

    return parse


def socket_path(text: str) -> Path:
    """Return the path of a Unix socket, with or without the prefix `unix://`."""
    path = text.removeprefix("unix://")
    if not path.startswith("/"):
        raise ValueError(
            f"{text!r} is not an absolute path; write for example /var/lib/kubelet/pod-resources/kubelet.sock"
        )
    if len(path.encode()) > MAX_SOCKET_PATH_BYTES:
        raise ValueError(
            f"the path has {len(path.encode())} bytes, and a Unix socket's may have {MAX_SOCKET_PATH_BYTES}; "
            "mount the directory somewhere shorter"
        )
    return Path(path)


MESSAGE_BYTES = (4 << 20, 1 << 30)
"""From gRPC's own default to what still is an answer and no mistake."""


def message_size(text: str) -> int:
    """Return the bytes of a message, from 4Mi to 1Gi."""
    size = parse_quantity(text)
    if not MESSAGE_BYTES[0] <= size <= MESSAGE_BYTES[1]:
        raise ValueError(f"{text!r} is not a size from 4Mi to 1Gi")
    return size


def resource_name(text: str) -> str:
    """Return the name of an extended resource."""
    if not re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", text):
        raise ValueError(f"{text!r} is not an extended resource; write for example nvidia.com/gpu")
    return text


def plain(text: str) -> str:
    """Return a text that is one: not empty, printable, without spaces around it."""
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError(f"{text!r} is empty, or has spaces around it, or characters that cannot be printed")
    return text


def label_allowlist(text: str) -> LabelAllowlist:
    """Return the labels of pods that may be shown."""
    if not text:
        raise ValueError("names no labels; leave it out, or write for example pods=[app,team]")
    return parse_allowlist(text)


def folder(text: str) -> Path:
    """Return an absolute path."""
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not an absolute path; write for example /sys")
    return Path(text)


def file(text: str) -> Path:
    """Return the path of a file; whether there is one, and what it says, its reader finds out."""
    if not text or text.endswith("/"):
        raise ValueError(f"{text!r} is not the path of a file; write for example /etc/podres/web.yml")
    return Path(text)


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser that knows only *choices*."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is unknown; choose {', '.join(choices[:-1])} or {choices[-1]}")
        return text

    return parse


def boolean(text: str) -> bool:
    """Return the truth of an environment variable."""
    if text.lower() not in {"true", "false", "1", "0"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() in {"true", "1"}


def telemetry_path(text: str) -> str:
    """Return the path of the metrics."""
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", text):
        raise ValueError(f"{text!r} is not a path; write for example /metrics")
    if "//" in text or any(part in {".", ".."} for part in text.split("/")):
        raise ValueError(f"{text!r} is another path once a client or proxy has tidied it; write for example /metrics")
    if text == "/" or f"{text}/".startswith(("/-/", "/api/", "/assets/")):
        raise ValueError(f"{text!r} belongs to the exporter's own pages; write for example /metrics")
    return text


def count(text: str) -> int:
    """Return a whole number from 1 to 1000."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= 1000):
        raise ValueError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def node_name(text: str) -> str:
    """Return a name that the API server would accept for a node."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", text):
        raise ValueError(
            f"{text!r} is not a node name (lower-case letters, digits, - and .); "
            "in a pod, set NODE_NAME from the field spec.nodeName"
        )
    return text
