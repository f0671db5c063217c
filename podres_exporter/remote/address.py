"""The address of a running exporter, from a URL."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

METRICS_PATH, SNAPSHOT_PATH = "/metrics", "/api/v1/snapshot"
EXPORTER_PORT = 10190
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where an exporter is. *path* is that of the snapshot, *credentials* are `user:password` or empty."""

    is_secure: bool
    host: str
    port: int
    path: str
    credentials: str = ""

    def __str__(self) -> str:
        """Return the URL, without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class ClientTls:
    """
    How an https exporter is trusted, and what it is shown.

    *verify*: whether its certificate must be trusted, by *ca* (PEM) or else by the machine. *certificate* and *key* are
    the client's, for exporters that demand one; the key may stand in the file of the certificate.
    """

    verify: bool = True
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def parse_address(text: str) -> Address:
    """
    Return the address of an exporter's URL. Raises ValueError.

    A scheme may be left out, then with the exporter's own port, and the path of the metrics or of the snapshot may be
    there: it is the URL that curl and Prometheus are given.
    """
    has_scheme = "://" in text
    ports = _PORTS if has_scheme else {"http": EXPORTER_PORT}
    # What may have a password in it is not shown.
    shown = "this" if "@" in text else repr(text)
    wrong = ValueError(f"{shown} is not the URL of an exporter; write for example http://node1:10190")
    try:
        parts = urlsplit(text if has_scheme else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        raise wrong
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise wrong
    path = parts.path.rstrip("/").removesuffix(SNAPSHOT_PATH).removesuffix(METRICS_PATH) + SNAPSHOT_PATH
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    credentials = f"{user}:{password}" if user or password else ""
    return Address(parts.scheme == "https", parts.hostname, port or ports[parts.scheme], path, credentials)
