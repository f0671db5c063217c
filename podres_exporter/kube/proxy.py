"""Choose the proxy for a request from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """
    Return the URL of the proxy for *url*, None if no proxy applies.

    Loopback addresses are never proxied. NO_PROXY takes names (including their subdomains), addresses, CIDR networks
    and `*`, each except networks with an optional port.

    Source: golang.org/x/net/http/httpproxy, which kubectl uses; ALL_PROXY is curl's.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    proxy = _variable(environment, f"{parts.scheme}_proxy") or _variable(environment, "all_proxy")
    if not proxy or _is_loopback(host):
        return None
    port = parts.port or _PORTS.get(parts.scheme, 0)
    entries = (entry.strip().lower() for entry in _variable(environment, "no_proxy").split(","))
    if any(_matches(entry, host, port) for entry in entries if entry):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether one entry of NO_PROXY matches the host."""
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        pass  # one of the two is a name, or the entry has a port
    name, has_port, number = entry.rpartition(":")
    if has_port and number.isdecimal() and not (name.count(":") and not name.startswith("[")):
        if int(number) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").lstrip(".")
    return host == entry or host.endswith(f".{entry}")
