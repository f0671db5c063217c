"""Close every socket of the given pool managers, from any thread, so that blocked reads return."""

import contextlib
import socket
import threading
import weakref

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection


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
