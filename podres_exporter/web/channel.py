"""Read from and write to a client over a plain socket, and the interface that TLS shares with it."""

import socket
from typing import Protocol

_RECEIVE_BYTES = 16 * 1024


class Channel(Protocol):
    """A byte stream in both directions; every method may raise OSError."""

    def receive(self) -> bytes:
        """Wait for data and return it; empty once the client has closed its direction."""
        ...

    def send(self, head: bytes, body: bytes = b"", tail: bytes = b"") -> None:
        """Send the parts one after the other."""
        ...

    def finish(self) -> None:
        """Signal that nothing follows."""
        ...


class PlainHttpError(OSError):
    """A client speaks plain HTTP on a TLS port."""


class PlainChannel:
    """The socket itself."""

    def __init__(self, sock: socket.socket) -> None:
        """Use a connected, blocking socket."""
        self._sock = sock

    def receive(self) -> bytes:
        """Return what one receive call returns."""
        return self._sock.recv(_RECEIVE_BYTES)

    def send(self, head: bytes, body: bytes = b"", tail: bytes = b"") -> None:
        """Send in one call if the kernel accepts everything; the body is shared by all clients and never copied."""
        sent = self._sock.sendmsg([head, body, tail])
        for part in (head, body, tail):
            if sent < len(part):
                self._sock.sendall(memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def finish(self) -> None:
        """Shut down the sending direction."""
        self._sock.shutdown(socket.SHUT_WR)
