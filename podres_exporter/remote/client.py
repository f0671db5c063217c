"""Fetch the snapshot of a running exporter over HTTP."""

import base64
import contextlib
import http.client
import socket
import zlib
from dataclasses import dataclass

from podres_exporter import __version__
from podres_exporter.clock import Clock
from podres_exporter.document import decode_json
from podres_exporter.errors import DocumentError, Reason, SourceError
from podres_exporter.model import Snapshot
from podres_exporter.remote.address import SNAPSHOT_PATH, Address, ClientTls

_LONGEST_BODY = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_CODES = {
    401: (Reason.DENIED, "it requires a user and a password: http://USER@HOST:10190 and --password-file FILE"),
    403: (Reason.DENIED, "it refuses this user"),
    404: (
        Reason.NOT_FOUND,
        f"it has no {SNAPSHOT_PATH}: this is not a podres-exporter, or one older than this command",
    ),
    429: (Reason.THROTTLED, "it is busy with other requests (--web.max-requests); try again"),
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A snapshot, and when the exporter created it (Unix seconds)."""

    snapshot: Snapshot
    generated_at_seconds: float


class ExporterClient:
    """Client of one exporter; opens a new connection for each request."""

    def __init__(self, address: Address, timeout_seconds: float, clock: Clock, tls: ClientTls | None = None) -> None:
        """*tls* is for `https` URLs; without it, the system must trust the exporter's certificate."""
        self._address, self._timeout, self._clock, self._tls = address, timeout_seconds, clock, tls or ClientTls()
        self._etag = ""

    def fetch(self) -> Fetched | None:
        """
        Fetch the snapshot; return None if it has not changed since the last fetch.

        Raises SourceError; its text includes the remedy if there is one.
        """
        until = self._clock.monotonic_seconds() + self._timeout
        connection = self._connection()
        try:
            connection.request("GET", self._address.path, headers=self._headers())
            with contextlib.closing(connection.getresponse()) as response:
                if response.status == http.client.NOT_MODIFIED:
                    return None
                if response.status != http.client.OK:
                    raise self._refused(response)
                body = self._body(response, until)
                etag = response.headers.get("ETag", "")
        except OSError as error:
            raise self._broken(error) from error
        except http.client.IncompleteRead as error:
            raise self._error(Reason.UNAVAILABLE, "the answer was cut short") from error
        except http.client.HTTPException as error:
            raise self._error(Reason.MALFORMED, f"this is not HTTP ({type(error).__name__})") from error
        finally:
            connection.close()
        fetched = self._decoded(body)
        self._etag = etag
        return fetched

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        if not self._address.is_secure:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        import ssl  # noqa: PLC0415 - most exporters are asked without

        tls = self._tls
        file = tls.ca
        try:
            context = ssl.create_default_context(cafile=file)
            if tls.certificate is not None:
                file = tls.certificate
                context.load_cert_chain(file, tls.key)
        except OSError as error:
            remedy = "it must be a PEM file, and include the key if --url-key is not given"
            raise self._error(Reason.DENIED, f"{file} cannot be used: {error.strerror}; {remedy}") from error
        if not tls.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"podres-exporter/{__version__}",
        }
        if self._etag:
            headers["If-None-Match"] = self._etag
        if self._address.credentials:
            headers["Authorization"] = f"Basic {base64.b64encode(self._address.credentials.encode()).decode()}"
        return headers

    def _body(self, response: http.client.HTTPResponse, until: float) -> bytes:
        """Return the whole decompressed body; both its size and the time it takes are limited."""
        is_gzip = response.headers.get("Content-Encoding", "").lower() == "gzip"
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if is_gzip else None
        body = bytearray()
        try:
            while piece := response.read1(_PIECE_BYTES):
                body += inflate.decompress(piece, _LONGEST_BODY) if inflate else piece
                if len(body) > _LONGEST_BODY or (inflate and inflate.unconsumed_tail):
                    raise self._error(Reason.TOO_LARGE, f"the answer has more than {_LONGEST_BODY} bytes")
                if self._clock.monotonic_seconds() > until:
                    raise TimeoutError
        except zlib.error as error:
            raise self._error(Reason.MALFORMED, "the answer claims to be gzip but is not") from error
        if (inflate and not inflate.eof) or response.length:
            raise self._error(Reason.UNAVAILABLE, "the answer was cut short")
        return bytes(body)

    def _decoded(self, body: bytes) -> Fetched:
        try:
            decoded = decode_json(body)
        except DocumentError as error:
            raise self._error(Reason.MALFORMED, f"the answer is not a readable snapshot: {error}") from error
        except (ValueError, RecursionError) as error:
            raise self._error(Reason.MALFORMED, "the answer is not JSON; is this a podres-exporter?") from error
        return Fetched(decoded.snapshot, decoded.generated_at_seconds or 0.0)

    def _refused(self, response: http.client.HTTPResponse) -> SourceError:
        """Return the error for an answer that is neither 200 nor 304."""
        code = response.status
        if code in _CODES:
            reason, text = _CODES[code]
        elif 300 <= code < 400:
            reason, text = Reason.INTERNAL, f"it redirects to {response.headers.get('Location', 'elsewhere')!r}"
        else:
            reason, text = (Reason.UNAVAILABLE if code >= 500 else Reason.INTERNAL), response.reason[:80]
        return self._error(reason, f"HTTP {code}: {text}")

    def _broken(self, error: OSError) -> SourceError:
        """Translate an error of the connection."""
        if isinstance(error, TimeoutError):
            return self._error(Reason.TIMEOUT, f"no complete answer within {self._timeout:g} s")
        if isinstance(error, socket.gaierror):
            return self._error(Reason.UNAVAILABLE, f"unknown host ({error.strerror})")
        if isinstance(error, ConnectionRefusedError):
            return self._error(
                Reason.UNAVAILABLE, "no process listens there; is the exporter running, and is this its port?"
            )
        if type(error).__module__ == "ssl":
            untrusted = getattr(error, "verify_message", "")
            if untrusted:
                return self._error(Reason.DENIED, f"TLS: {untrusted}; name its CA with --url-ca, or use --insecure")
            remedy = "is it https, and does it require a client certificate (--url-cert)?"
            return self._error(Reason.DENIED, f"TLS: {error.strerror or error}; {remedy}")
        return self._error(Reason.UNAVAILABLE, error.strerror or str(error))

    def _error(self, reason: Reason, detail: str) -> SourceError:
        return SourceError("exporter", reason, f"{self._address}: {detail}")
