"""Parse the URL of a running exporter."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

METRICS_PATH, SNAPSHOT_PATH = "/metrics", "/api/v1/snapshot"
EXPORTER_PORT = 10190
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of an exporter. *path* is that of the snapshot, *credentials* are `user:password` or empty."""

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
    TLS settings for an https exporter: trust and client certificate.

    *verify*: whether its certificate must be trusted, by *ca* (PEM) or else by the system. *certificate* and *key* are
    the client's, for exporters that require one; the key may be in the certificate's file.
    """

    verify: bool = True
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def parse_address(text: str) -> Address:
    """
    Return the address of an exporter's URL. Raises ValueError.

    The scheme may be omitted; the port then defaults to the exporter's. The path of the metrics or of the snapshot may
    be included, as in the URL given to curl or Prometheus.
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
