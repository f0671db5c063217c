"""TLS to a client over a plain socket; imported only if TLS is configured, because OpenSSL takes 4 MiB."""

import socket
import ssl
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import TypeVar, cast

from podres_exporter.web.channel import PlainHttpError

T = TypeVar("T")

_RECEIVE_BYTES = 16 * 1024
_ENCRYPT_BYTES = 256 * 1024
_NAME_KINDS = {"DNS", "IP Address", "email", "URI"}


class TlsChannel:
    """
    TLS over a socket that remains an ordinary one.

    Uses memory BIOs and not ssl.SSLSocket, whose shutdown() removes the encryption at once, so that a connection closed
    from another thread could still send a few bytes unencrypted.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        """Use a connected, blocking socket; nothing is sent or read yet."""
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def handshake(self) -> None:
        """Perform the handshake; raises PlainHttpError or another OSError if it fails."""
        try:
            self._complete(self._tls.do_handshake)
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                raise PlainHttpError from error
            raise

    @property
    def is_resumed(self) -> bool:
        """Whether the client resumed an earlier session without showing a certificate again."""
        return bool(self._tls.session_reused)

    def peer_names(self) -> frozenset[str]:
        """
        Return the DNS, IP, e-mail and URI names of the client's verified certificate, empty without one.

        Addresses are formatted as in Go: IPv6 compressed and in lower case, IPv4-mapped IPv6 as IPv4. Raises ValueError
        if a name is not text.
        """
        certificate = self._tls.getpeercert() or {}
        names = cast("Iterable[tuple[str, str]]", certificate.get("subjectAltName", ()))
        return frozenset(
            _go_address(name) if kind == "IP Address" else name for kind, name in names if kind in _NAME_KINDS
        )

    def receive(self) -> bytes:
        """Return decrypted data; a client that leaves without TLS's close_notify counts as gone too."""
        try:
            return self._complete(lambda: self._tls.read(_RECEIVE_BYTES))
        except ssl.SSLEOFError:
            return b""

    def send(self, head: bytes, body: bytes = b"", tail: bytes = b"") -> None:
        """Encrypt and send piece by piece, so that a large body is in memory once."""
        self._tls.write(head + body[:_ENCRYPT_BYTES])
        rest = memoryview(body)
        for start in range(_ENCRYPT_BYTES, len(body), _ENCRYPT_BYTES):
            self._flush()
            self._tls.write(rest[start : start + _ENCRYPT_BYTES])
        if tail:
            self._tls.write(tail)
        self._flush()

    def finish(self) -> None:
        """Send TLS's close_notify and shut down this direction, without waiting for the client's."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the client's close_notify has not arrived yet, or comes after more data
        finally:
            self._flush()
        self._sock.shutdown(socket.SHUT_WR)

    def _complete(self, step: Callable[[], T]) -> T:
        """Run a TLS step to completion, feeding it the bytes that it waits for."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except ssl.SSLError:
                self._flush()  # send the alert that tells the client why
                raise
            else:
                self._flush()
                return result

    def _fill(self) -> None:
        """Read from the socket into the BIO, including end of file."""
        if data := self._sock.recv(_RECEIVE_BYTES):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        """Send the encrypted data."""
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())


def _go_address(text: str) -> str:
    """Return an address in the format of Go's net.IP.String; OpenSSL writes every group, in upper case."""
    address = ip_address(text)
    return str(getattr(address, "ipv4_mapped", None) or address)
