"""Connection pools for one API server, with TLS and a proxy; any thread can cut their connections."""

import contextlib
import os
import socket
import ssl
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, disable_warnings, make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import InsecureRequestWarning
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

from podres_exporter.errors import ConfigError
from podres_exporter.kube.auth.credentials import Certificate, Endpoint


class OpenSockets:
    """
    Tracks the open sockets of pool managers. `close` shuts down all of them, and any that are opened later.

    A thread that is reading from one of them returns at once, whether or not the answer has begun.
    """

    def __init__(self) -> None:
        """Start without sockets."""
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.is_closed = False

    def track(self, manager: PoolManager) -> None:
        """Track the manager's future connections; SOCKS uses its own connection classes and is not tracked."""
        if type(manager) in {PoolManager, ProxyManager}:
            manager.pool_classes_by_scheme = _pool_classes(self)

    def add(self, connected: object) -> None:
        """Track a socket; it is closed at once if `close` was called. TLS inside a proxy's TLS is not a socket."""
        if not isinstance(connected, socket.socket):
            return
        with self._lock:
            self._sockets.add(connected)
            if self.is_closed:
                _shut_down(connected)

    def close(self) -> None:
        """Shut down every connection, present and future."""
        with self._lock:
            self.is_closed = True
            for each in list(self._sockets):
                _shut_down(each)


def _shut_down(connected: socket.socket) -> None:
    """
    Shut down a connection below TLS: SSLSocket's own shutdown would let another thread continue without encryption.
    """
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _pool_classes(sockets: OpenSockets) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's pool classes, with connections that report their sockets when they connect."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


_KEEPALIVE_SECONDS = 30


def pool_manager(endpoint: Endpoint, certificate: Certificate | None, connections: int) -> PoolManager:
    """Return a pool manager, which connects on demand. Raises ConfigError if files or the proxy cannot be used."""
    settings: dict[str, Any] = {
        "maxsize": connections,
        "ssl_context": _tls(endpoint, certificate) if endpoint.url.startswith("https:") else None,
        "server_hostname": endpoint.tls_name,
        "assert_hostname": endpoint.tls_name,
        "socket_options": _socket_options(),
    }
    given = {name: value for name, value in settings.items() if value is not None}
    if endpoint.proxy is None:
        return PoolManager(**given)
    proxy = parse_url(endpoint.proxy)
    if (proxy.scheme or "").startswith("socks"):
        raise ConfigError(["its proxy is a SOCKS proxy, and only http and https proxies are supported"])
    password: dict[str, Any] = {"proxy_headers": make_headers(proxy_basic_auth=proxy.auth)} if proxy.auth else {}
    return ProxyManager(endpoint.proxy, **password, **given)


def _tls(endpoint: Endpoint, certificate: Certificate | None) -> ssl.SSLContext:
    """
    Return the TLS context: how the server is verified, and the client certificate.

    VERIFY_X509_STRICT, the default since Python 3.13, rejects CAs that lack an extension; kubectl accepts them.
    """
    context = create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        if not endpoint.is_verified:
            # The user's kubeconfig disables verification; a warning at every request would be useless.
            disable_warnings(InsecureRequestWarning)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif endpoint.authority is None:
            context.load_default_certs()
        else:
            with _file(endpoint.authority) as authority:
                context.load_verify_locations(authority)
        if certificate is not None:
            with _file(certificate.chain) as chain, _file(certificate.key) as key:
                context.load_cert_chain(chain, key)
    except (OSError, ValueError) as error:
        raise ConfigError([f"its certificates cannot be used: {error}"]) from error
    return context


@contextlib.contextmanager
def _file(content: Path | bytes) -> Iterator[str]:
    """
    Yield the name of a file with the content, in memory if possible: OpenSSL accepts certificates only from files.
    """
    if isinstance(content, Path):
        yield str(content)
    elif hasattr(os, "memfd_create"):
        with open(os.memfd_create("pem"), "wb") as file:  # noqa: PTH123 - it has no path
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        import tempfile  # noqa: PLC0415 - not on Linux

        with tempfile.NamedTemporaryFile() as named:
            named.write(content)
            named.flush()
            yield named.name


def _socket_options() -> list[tuple[int, int, int]]:
    """
    Return TCP keepalive options, so that dead connections are noticed and firewalls keep quiet watches open.

    Source: client-go's dialer, whose keep-alive is 30 s.
    """
    options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    names = [name for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL") if hasattr(socket, name)]
    return [*options, *((socket.IPPROTO_TCP, getattr(socket, name), _KEEPALIVE_SECONDS) for name in names)]
