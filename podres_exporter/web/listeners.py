"""Open the listening sockets, and identify clients by their addresses."""

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence

from podres_exporter.errors import ConfigError
from podres_exporter.listen import ListenAddress

# The kernel's backlog. A client that finds it full retries after a second, so it has room for a flood of idle
# connections, at a few hundred bytes each.
_BACKLOG = 1024


def open_listeners(addresses: Sequence[ListenAddress]) -> list[socket.socket]:
    """
    Return a listening, non-blocking socket per address, in order.

    Raises ConfigError with a sentence for each unusable address; then no socket is left open.
    """
    listeners: list[socket.socket] = []
    problems: list[str] = []
    for address in addresses:
        try:
            listeners.append(_listen(address))
        except OSError as error:
            problems.append(f"cannot listen on {address}: {_explain(error)}; see --web.listen-address")
    if problems:
        for listener in listeners:
            listener.close()
        raise ConfigError(problems)
    for listener in listeners:
        listener.setblocking(False)
        # Accepted sockets inherit it. The last packet of a page must not wait for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listeners


def bound_address(listener: socket.socket) -> ListenAddress:
    """Return the bound address of a listener: names resolved, port 0 replaced; an empty host is every interface."""
    host, port = listener.getsockname()[:2]
    return ListenAddress("" if host in {"0.0.0.0", "::"} else host, port)  # noqa: S104 - compared with, not bound


def client_of(address: str) -> str:
    """
    Return the identity of a client for fair sharing, from its address.

    IPv4 addresses unchanged, also IPv4-mapped ones; for IPv6 the /64 network, within which one machine can choose its
    addresses.
    """
    if ":" not in address:
        return address
    if address.startswith("::ffff:"):
        return address.removeprefix("::ffff:")
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))


def _listen(address: ListenAddress) -> socket.socket:
    """Return the listener; if a name has several addresses, the first IPv4 one is used, as in Go's net.Listen."""
    if not address.host:
        return _listen_everywhere(address.port)
    host = address.host.encode() if address.host.isascii() else address.host  # text loads the tables of IDNA
    found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = min(found, key=lambda each: each[0] != socket.AF_INET)
    return socket.create_server(where, family=family, backlog=_BACKLOG)


def _listen_everywhere(port: int) -> socket.socket:
    """Return a listener for IPv6 and IPv4 on every interface, for IPv4 only if the machine has no IPv6."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise
    return socket.create_server(("", port), backlog=_BACKLOG)


def _explain(error: OSError) -> str:
    """Return the cause, with the remedy if there is a usual one."""
    if error.errno == errno.EADDRINUSE:
        return "the address is in use; stop the other process or choose another port"
    if error.errno == errno.EACCES:
        return "not permitted; choose a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address"
    is_lookup = isinstance(error, socket.gaierror)
    return str(error.strerror if is_lookup else os.strerror(error.errno or 0)).lower()
