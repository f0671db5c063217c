"""Parse --web.listen-address."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

_HOST = re.compile(r"[A-Za-z0-9._-]+")
_EXAMPLE = "write it as ':10190', '127.0.0.1:10190' or '[::1]:10190'"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """
    A host (empty: every interface) and a TCP port (0: any free port).

    *scheme* is what is spoken there; a flag does not say it.
    """

    host: str
    port: int
    scheme: str = "http"

    def __str__(self) -> str:
        """Return the address as the flag takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL for a browser on the same machine, without a trailing slash."""
        is_wildcard = self.host in {"", "0.0.0.0", "::"}  # noqa: S104 - compared with, not bound
        return f"{self.scheme}://{ListenAddress('localhost', self.port) if is_wildcard else self}"


def parse_listen_address(text: str) -> ListenAddress:
    """
    Parse `HOST:PORT`, `[IPV6]:PORT` or `:PORT`; host names are not resolved.

    Raises ValueError with a sentence that names the fault and shows a good example.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port or port.endswith("]"):
        raise ValueError(f"listen address {text!r} has no port; {_EXAMPLE}")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError(f"port {port!r} of listen address {text!r} is not a number from 0 to 65535; {_EXAMPLE}")
    return ListenAddress(_parse_host(host, text), int(port))


def _parse_host(host: str, text: str) -> str:
    """Return the host without brackets; raises ValueError if it is neither a name nor an address."""
    if host.startswith("[") and host.endswith("]"):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError as error:
            raise ValueError(f"{host!r} in listen address {text!r} is not an IPv6 address; {_EXAMPLE}") from error
        return host[1:-1]
    if ":" in host:
        raise ValueError(f"listen address {text!r} has an IPv6 address without brackets; {_EXAMPLE}")
    if host and not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} in listen address {text!r} is not a host name; {_EXAMPLE}")
    return host
