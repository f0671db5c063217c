"""Connections that another thread can cut."""

import contextlib
import socket
import threading
import weakref

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Shears:
    """
    Knows the open sockets of the pool managers that it was given, and cuts them all, once and for ever.

    A thread that reads from one of them sees its end at once, before the answer has begun as well as in its middle.
    """

    def __init__(self) -> None:
        """Begin without a socket."""
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.have_cut = False

    def hold(self, manager: PoolManager) -> None:
        """Keep track of what the manager connects from now on; SOCKS has connections of its own, and is left alone."""
        if type(manager) in {PoolManager, ProxyManager}:
            manager.pool_classes_by_scheme = _pool_classes(self)

    def add(self, connected: object) -> None:
        """Keep track of a socket; it is cut if everything is. TLS within a proxy's TLS is no socket."""
        if not isinstance(connected, socket.socket):
            return
        with self._lock:
            self._sockets.add(connected)
            if self.have_cut:
                _cut(connected)

    def cut(self) -> None:
        """End every connection, now and in future."""
        with self._lock:
            self.have_cut = True
            for each in list(self._sockets):
                _cut(each)


def _cut(connected: socket.socket) -> None:
    """End a connection below TLS: SSLSocket's own shutdown lets another thread write on without encryption."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _pool_classes(shears: Shears) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's own pools, whose connections are told to the shears when they are made."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            shears.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            shears.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
