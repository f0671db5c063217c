"""Parse the URLs of a running exporter and of a Prometheus."""

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

METRICS_PATH, SNAPSHOT_PATH = "/metrics", "/api/v1/snapshot"
EXPORTER_PORT, PROMETHEUS_PORT = 10190, 9090
_PROMETHEUS_PAGES = ("/api/v1", "/graph", "/query")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server. *path* is what is requested, *credentials* are `user:password` or empty."""

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
    TLS settings for an https server: trust and client certificate.

    *verify*: whether its certificate must be trusted, by *ca* (PEM) or else by the system. *certificate* and *key* are
    the client's, for servers that require one; the key may be in the certificate's file.
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
    address = _parsed(text, "an exporter", f"http://node1:{EXPORTER_PORT}", EXPORTER_PORT)
    path = address.path.removesuffix(SNAPSHOT_PATH).removesuffix(METRICS_PATH) + SNAPSHOT_PATH
    return replace(address, path=path)


def parse_prometheus(text: str) -> Address:
    """
    Return the address of a Prometheus, whose path is what stands before `/api/v1`. Raises ValueError.

    The path of its user interface may be there: it is the URL that a browser shows.
    """
    bare = text.partition("?")[0].partition("#")[0].rstrip("/")
    page = next((each for each in _PROMETHEUS_PAGES if bare.endswith(each)), "")
    example = f"http://prometheus:{PROMETHEUS_PORT}"
    return _parsed(bare.removesuffix(page) if page else text, "a Prometheus", example, PROMETHEUS_PORT)


def _parsed(text: str, what: str, example: str, port_without_scheme: int) -> Address:
    """Return the address of a URL; its path has no slash at the end. Raises ValueError."""
    has_scheme = "://" in text
    ports = _PORTS if has_scheme else {"http": port_without_scheme}
    # What may have a password in it is not shown.
    shown = "this" if "@" in text else repr(text)
    wrong = ValueError(f"{shown} is not the URL of {what}; write for example {example}")
    try:
        parts = urlsplit(text if has_scheme else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        raise wrong
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise wrong
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    credentials = f"{user}:{password}" if user or password else ""
    path = parts.path.rstrip("/")
    return Address(parts.scheme == "https", parts.hostname, port or ports[parts.scheme], path, credentials)
