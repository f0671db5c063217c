"""Send an HTTP request to a server that a user named, with a deadline, a size limit, TLS and translated errors."""

import base64
import contextlib
import http.client
import socket
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from podres_exporter import __version__
from podres_exporter.clock import Clock
from podres_exporter.errors import Reason, SourceError
from podres_exporter.remote.address import Address, ClientTls

_LONGEST_BODY = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Peer:
    """The name of a server in messages, and the flags for its certificates."""

    source: str
    name: str
    ca: str
    certificate: str
    key: str


class HttpClient:
    """Client of one server; opens a new connection for each request."""

    def __init__(self, peer: Peer, address: Address, timeout_seconds: float, clock: Clock, tls: ClientTls) -> None:
        """*tls* is for `https` URLs."""
        self._peer, self._address, self._tls = peer, address, tls
        self.timeout_seconds, self._clock = timeout_seconds, clock

    def exchange(
        self,
        read: Callable[[http.client.HTTPResponse, float], T],
        path: str,
        headers: Mapping[str, str],
        body: str | None = None,
    ) -> T:
        """
        Return the result of *read*, which must finish by the monotonic second that it is passed.

        Raises SourceError; its text includes the remedy if there is one.
        """
        until = self._clock.monotonic_seconds() + self.timeout_seconds
        connection = self._connection()
        try:
            connection.request("GET" if body is None else "POST", path, body, {**self._headers(), **headers})
            with contextlib.closing(connection.getresponse()) as response:
                return read(response, until)
        except OSError as error:
            raise self._broken(error) from error
        except http.client.IncompleteRead as error:
            raise self.error(Reason.UNAVAILABLE, "the answer was cut short") from error
        except http.client.HTTPException as error:
            raise self.error(Reason.MALFORMED, f"this is not HTTP ({type(error).__name__})") from error
        finally:
            connection.close()

    def body(self, response: http.client.HTTPResponse, until: float) -> bytes:
        """Return the whole decompressed body; both its size and the time it takes are limited."""
        is_gzip = response.headers.get("Content-Encoding", "").lower() == "gzip"
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if is_gzip else None
        body = bytearray()
        try:
            while piece := response.read1(_PIECE_BYTES):
                body += inflate.decompress(piece, _LONGEST_BODY) if inflate else piece
                if len(body) > _LONGEST_BODY or (inflate and inflate.unconsumed_tail):
                    raise self.error(Reason.TOO_LARGE, f"the answer has more than {_LONGEST_BODY} bytes")
                if self._clock.monotonic_seconds() > until:
                    raise TimeoutError
        except zlib.error as error:
            raise self.error(Reason.MALFORMED, "the answer claims to be gzip but is not") from error
        if (inflate and not inflate.eof) or response.length:
            raise self.error(Reason.UNAVAILABLE, "the answer was cut short")
        return bytes(body)

    def error(self, reason: Reason, detail: str) -> SourceError:
        """Return an error that names the address, without the password."""
        return SourceError(self._peer.source, reason, f"{self._address}: {detail}")

    def redirected(self, response: http.client.HTTPResponse) -> SourceError:
        """Return the error of an answer that names another address."""
        where = response.headers.get("Location", "elsewhere")
        return self.error(Reason.INTERNAL, f"HTTP {response.status}: it redirects to {where!r}")

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        if not self._address.is_secure:
            return http.client.HTTPConnection(host, port, timeout=self.timeout_seconds)
        import ssl  # noqa: PLC0415 - most servers are asked without

        tls = self._tls
        file = tls.ca
        try:
            context = ssl.create_default_context(cafile=file)
            if tls.certificate is not None:
                file = tls.certificate
                context.load_cert_chain(file, tls.key)
        except OSError as error:
            remedy = f"it must be a PEM file, and include the key if {self._peer.key} is not given"
            raise self.error(Reason.DENIED, f"{file} cannot be used: {error.strerror}; {remedy}") from error
        if not tls.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=self.timeout_seconds, context=context)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"podres-exporter/{__version__}",
        }
        if self._address.credentials:
            headers["Authorization"] = f"Basic {base64.b64encode(self._address.credentials.encode()).decode()}"
        return headers

    def _broken(self, error: OSError) -> SourceError:
        """Translate an error of the connection."""
        peer = self._peer
        if isinstance(error, TimeoutError):
            return self.error(Reason.TIMEOUT, f"no complete answer within {self.timeout_seconds:g} s")
        if isinstance(error, socket.gaierror):
            return self.error(Reason.UNAVAILABLE, f"unknown host ({error.strerror})")
        if isinstance(error, ConnectionRefusedError):
            problem = f"no process listens there; is {peer.name} running, and is this its port?"
            return self.error(Reason.UNAVAILABLE, problem)
        if type(error).__module__ == "ssl":
            untrusted = getattr(error, "verify_message", "")
            if untrusted:
                return self.error(Reason.DENIED, f"TLS: {untrusted}; name its CA with {peer.ca}, or use --insecure")
            remedy = f"is it https, and does it require a client certificate ({peer.certificate})?"
            return self.error(Reason.DENIED, f"TLS: {error.strerror or error}; {remedy}")
        return self.error(Reason.UNAVAILABLE, error.strerror or str(error))
