"""Parse the text of flags. Each parser raises ValueError with a sentence that shows a valid value."""

import re
from collections.abc import Callable
from pathlib import Path

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist
from podres_exporter.duration import parse_duration
from podres_exporter.quantity import parse_quantity

MAX_SOCKET_PATH_BYTES = 107
"""The size of sun_path in sockaddr_un, less its terminating zero (unix(7))."""

MAX_DURATION_SECONDS = 24 * 3600.0
"""Durations longer than a day are assumed to be typing errors."""


def duration_seconds(text: str) -> float:
    """Parse a duration such as `500ms`, `10s` or `1m30s` to seconds, at most a day."""
    seconds = parse_duration(text)
    if seconds > MAX_DURATION_SECONDS:
        raise ValueError(f"{text!r} is too long; the maximum is 24h")
    return seconds


def at_least(least: float, text_of_least: str) -> Callable[[str], float]:
    """Return a duration parser that rejects shorter ones than *least*."""

    def parse(text: str) -> float:
        seconds = duration_seconds(text)
        if seconds < least:
            raise ValueError(f"{text!r} is too short; the minimum is {text_of_least}")
        return seconds

    return parse


def socket_path(text: str) -> Path:
    """Parse the absolute path of a Unix socket, with or without the prefix `unix://`."""
    path = text.removeprefix("unix://")
    if not path.startswith("/"):
        raise ValueError(
            f"{text!r} is not an absolute path; write for example /var/lib/kubelet/pod-resources/kubelet.sock"
        )
    if len(path.encode()) > MAX_SOCKET_PATH_BYTES:
        raise ValueError(
            f"the path has {len(path.encode())} bytes, and a Unix socket path may have at most "
            f"{MAX_SOCKET_PATH_BYTES}; mount the directory at a shorter path"
        )
    return Path(path)


MESSAGE_BYTES = (4 << 20, 1 << 30)
"""From gRPC's default to the largest size that is plausible for an answer."""


def message_size(text: str) -> int:
    """Parse a message size from 4Mi to 1Gi to bytes."""
    size = parse_quantity(text)
    if not MESSAGE_BYTES[0] <= size <= MESSAGE_BYTES[1]:
        raise ValueError(f"{text!r} is not a size from 4Mi to 1Gi")
    return size


def resource_name(text: str) -> str:
    """Parse the name of an extended resource."""
    if not re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", text):
        raise ValueError(f"{text!r} is not an extended resource; write for example nvidia.com/gpu")
    return text


def attribute_name(text: str) -> str:
    """Parse the name of an attribute of DRA devices: a C identifier, its domain before it where it has one."""
    if not re.fullmatch(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError(
            f"{text!r} is not an attribute of DRA devices; write for example gpu.example.com/driverVersion"
        )
    return text


def plain(text: str) -> str:
    """Parse a text that is not empty, is printable and has no surrounding spaces."""
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError(f"{text!r} is empty, has surrounding spaces or contains unprintable characters")
    return text


def label_allowlist(text: str) -> LabelAllowlist:
    """Parse the allow-list of pod labels."""
    if not text:
        raise ValueError("names no labels; omit the option, or write for example pods=[app,team]")
    return parse_allowlist(text)


def folder(text: str) -> Path:
    """Parse an absolute path."""
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not an absolute path; write for example /sys")
    return Path(text)


def file(text: str) -> Path:
    """Parse the path of a file; its existence and content are checked when it is read."""
    if not text or text.endswith("/"):
        raise ValueError(f"{text!r} is not the path of a file; write for example /etc/podres/web.yml")
    return Path(text)


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser that accepts only *choices*."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is unknown; choose {', '.join(choices[:-1])} or {choices[-1]}")
        return text

    return parse


def boolean(text: str) -> bool:
    """Parse a boolean environment variable."""
    if text.lower() not in {"true", "false", "1", "0"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() in {"true", "1"}


def telemetry_path(text: str) -> str:
    """Parse the HTTP path of the metrics."""
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", text):
        raise ValueError(f"{text!r} is not a path; write for example /metrics")
    if "//" in text or any(part in {".", ".."} for part in text.split("/")):
        raise ValueError(
            f"{text!r} would be rewritten by clients and proxies to another path; write for example /metrics"
        )
    if text == "/" or f"{text}/".startswith(("/-/", "/api/", "/assets/")):
        raise ValueError(f"{text!r} is reserved for the exporter's own pages; write for example /metrics")
    return text


def count(text: str) -> int:
    """Parse a whole number from 1 to 1000."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= 1000):
        raise ValueError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def node_name(text: str) -> str:
    """Parse a name that the API server would accept for a node."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", text):
        raise ValueError(
            f"{text!r} is not a node name (lower-case letters, digits, - and .); "
            "in a pod, set NODE_NAME from the field spec.nodeName"
        )
    return text
