"""Close every socket of the given pool managers, from any thread, so that blocked reads return."""

import contextlib
import socket
import threading
import weakref

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class OpenSockets:
    """
    The open sockets of pool managers. `close` ends them all, and those that are opened later as well.

    A thread that reads from one of them sees its end at once, before the answer has begun as well as in its middle.
    """

    def __init__(self) -> None:
        """Begin without a socket."""
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.is_closed = False

    def track(self, manager: PoolManager) -> None:
        """Keep track of what the manager connects from now on; SOCKS has connections of its own, and is left alone."""
        if type(manager) in {PoolManager, ProxyManager}:
            manager.pool_classes_by_scheme = _pool_classes(self)

    def add(self, connected: object) -> None:
        """Keep track of a socket; it is closed if everything is. TLS within a proxy's TLS is no socket."""
        if not isinstance(connected, socket.socket):
            return
        with self._lock:
            self._sockets.add(connected)
            if self.is_closed:
                _shut_down(connected)

    def close(self) -> None:
        """End every connection, now and in future."""
        with self._lock:
            self.is_closed = True
            for each in list(self._sockets):
                _shut_down(each)


def _shut_down(connected: socket.socket) -> None:
    """End a connection below TLS: SSLSocket's own shutdown lets another thread write on without encryption."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _pool_classes(sockets: OpenSockets) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's own pools, whose connections report their sockets when they are made."""

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
