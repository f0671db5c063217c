"""A server that answers every request with prepared bytes."""

import contextlib
import socket
import ssl
import threading
from typing import Self


def chunked(*chunks: bytes, is_whole: bool = True) -> bytes:
    """Return a 200 with these chunks, without the last one unless it is whole."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks)
    return (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        + body
        + (b"0\r\n\r\n" if is_whole else b"")
    )


def whole(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return an answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class RawServer:
    """Gives each connection the next answer, the last one from then on; `heads` are the requests. *tls*: HTTPS."""

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._answers, self._tls = list(answers), tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heads: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.settimeout(60)
            with accepted, contextlib.suppress(OSError), self._secured(accepted) as connection:
                head = connection.recv(4096)
                while head[:1].isalpha() and b"\r\n\r\n" not in head:  # the beginning of TLS is no text
                    head += connection.recv(4096)
                self.heads.append(head)
                connection.sendall(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(0.1)
                while connection.recv(4096):  # closing with unread bytes would reset the connection
                    pass

    def _secured(self, accepted: socket.socket) -> socket.socket:
        return accepted if self._tls is None else self._tls.wrap_socket(accepted, server_side=True)
