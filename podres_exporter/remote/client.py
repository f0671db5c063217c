"""Fetch the snapshot of a running exporter over HTTP."""

import http.client
from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.document import decode_json
from podres_exporter.errors import DocumentError, Reason, SourceError
from podres_exporter.model import Snapshot
from podres_exporter.remote.address import SNAPSHOT_PATH, Address, ClientTls
from podres_exporter.remote.http import HttpClient, Peer

_EXPORTER = Peer("exporter", "the exporter", "--url-ca", "--url-cert", "--url-key")
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
        self._http = HttpClient(_EXPORTER, address, timeout_seconds, clock, tls or ClientTls())
        self._address, self._etag = address, ""

    def fetch(self) -> Fetched | None:
        """
        Fetch the snapshot; return None if it has not changed since the last fetch.

        Raises SourceError; its text includes the remedy if there is one.
        """
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = self._http.exchange(self._read, self._address.path, headers)
        if answer is None:
            return None
        body, etag = answer
        fetched = self._decoded(body)
        self._etag = etag
        return fetched

    def _read(self, response: http.client.HTTPResponse, until: float) -> tuple[bytes, str] | None:
        """Return the body and its ETag; None where there is nothing new."""
        if response.status == http.client.NOT_MODIFIED:
            return None
        if response.status != http.client.OK:
            raise self._refused(response)
        return self._http.body(response, until), response.headers.get("ETag", "")

    def _decoded(self, body: bytes) -> Fetched:
        try:
            decoded = decode_json(body)
        except DocumentError as error:
            raise self._http.error(Reason.MALFORMED, f"the answer is not a readable snapshot: {error}") from error
        except (ValueError, RecursionError) as error:
            raise self._http.error(Reason.MALFORMED, "the answer is not JSON; is this a podres-exporter?") from error
        return Fetched(decoded.snapshot, decoded.generated_at_seconds or 0.0)

    def _refused(self, response: http.client.HTTPResponse) -> SourceError:
        """Return the error for an answer that is neither 200 nor 304."""
        code = response.status
        if 300 <= code < 400:
            return self._http.redirected(response)
        otherwise = (Reason.UNAVAILABLE if code >= 500 else Reason.INTERNAL, response.reason[:80])
        reason, text = _CODES.get(code, otherwise)
        return self._http.error(reason, f"HTTP {code}: {text}")
