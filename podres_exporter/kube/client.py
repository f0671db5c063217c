"""The client of the API server: get, list, watch and post, each with a deadline and a size limit."""

import contextlib
import json
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from urllib3 import BaseHTTPResponse, HTTPHeaderDict, PoolManager, Timeout
from urllib3.exceptions import HTTPError, SSLError

from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.auth.credentials import Certificate, Endpoint, Identity, MakeCredentials
from podres_exporter.kube.errors import refused, retry_after, translated
from podres_exporter.kube.interfaces import LIST_VERB, WATCH_VERB
from podres_exporter.kube.transport import OpenSockets, pool_manager


def complete_lines(pieces: Iterable[bytes], longest_bytes: int) -> Generator[bytes]:
    """
    Yield every complete line without its end; empty lines are skipped.

    Raises ApiServerError: too_large for a longer line, of which only the permitted length is kept in memory;
    unavailable if the stream ends within a line, because everything before it was delivered.
    """
    begun: list[bytes] = []
    begun_bytes = 0
    for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = b"".join((*begun, end))
            begun.clear()
            begun_bytes = 0
            _refuse_longer(len(line), longest_bytes)
            if line:
                yield line
        begun_bytes += len(rest)
        _refuse_longer(begun_bytes, longest_bytes)
        if rest:
            begun.append(rest)
    if begun:
        raise ApiServerError(WATCH_VERB, Reason.UNAVAILABLE, "the stream ended within a line")


def _refuse_longer(length: int, longest: int) -> None:
    if length > longest:
        raise ApiServerError(WATCH_VERB, Reason.TOO_LARGE, f"a line of more than {longest} bytes")


JSON = "application/json"
WITHOUT_MANAGED_FIELDS = "application/json;drop=metadata.managedFields, application/json"
"""
Requests objects without `managedFields`, which are not used and are a third of a pod's bytes.

Source: KEP-5958 (alpha in 1.38). Older API servers ignore unknown parameters (tried on 1.36).
"""

_PIECE_BYTES = 64 * 1024
_REFUSAL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Timeouts and size limits.

    A list must be complete within *list_seconds*, which is also its read timeout. A watch may be idle for
    *silence_seconds*: bookmarks arrive once a minute. A pod has at most 1.5 MB (etcd's limit), and somewhat more as
    JSON.
    """

    connect_seconds: float = 5.0
    list_seconds: float = 30.0
    silence_seconds: float = 90.0
    body_bytes: int = 64 * 1024 * 1024
    line_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of any status, with its body decompressed; *retry_after_seconds* is None if not stated."""

    code: int
    body: bytes
    date: str | None = None
    retry_after_seconds: float | None = None

    def expect(self, verb: str, *codes: int) -> bytes:
        """Return the body of a 200, or one of *codes*. Raises ApiServerError for any other answer."""
        if self.code not in {200, *codes}:
            raise refused(verb, self.code, self.body, self.retry_after_seconds)
        return self.body


class KubeClient:
    """
    Client of one API server; thread-safe. Every error is an ApiServerError.

    Redirects are not followed, because they would send the token elsewhere. Requests are not retried: callers have
    their own backoff.
    """

    def __init__(
        self,
        make_credentials: MakeCredentials,
        user_agent: str,
        clock: Clock,
        limits: Limits | None = None,
        *,
        connections: int = 1,
    ) -> None:
        """Load the credentials; connect at the first request. Raises ConfigError if *make_credentials* does."""
        self.limits = limits or Limits()
        self._make_credentials, self._user_agent, self._clock = make_credentials, user_agent, clock
        self._connections = connections
        self._sockets = OpenSockets()
        self._lock = threading.Lock()
        self._credentials = make_credentials()
        self._is_outdated = False
        self._manager: tuple[Endpoint, Certificate | None, PoolManager] | None = None

    @property
    def endpoint(self) -> Endpoint:
        """How the API server is reached."""
        return self._credentials.endpoint

    def get(self, path: str, query: Mapping[str, str], seconds: float, *, verb: str = "get") -> Answer:
        """Send a GET and return any answer that is complete within *seconds*."""
        return self._whole(verb, "GET", path, query, seconds)

    def list(self, path: str, query: Mapping[str, str], accept: str = JSON) -> bytes:
        """Return a list. Raises ApiServerError, also if the server refuses."""
        return self._whole(LIST_VERB, "GET", path, query, self.limits.list_seconds, accept=accept).expect(LIST_VERB)

    @contextlib.contextmanager
    def list_pieces(self, path: str, query: Mapping[str, str], accept: str = JSON) -> Generator[Iterator[bytes]]:
        """
        Yield a list in pieces as it arrives, however large it is. Raises ApiServerError, also if the server refuses.
        """
        until = self._clock.monotonic_seconds() + self.limits.list_seconds
        headers = {"Accept": accept, "Accept-Encoding": "gzip" if self.endpoint.takes_gzip else "identity"}
        response = self._send(LIST_VERB, "GET", path, query, headers, self.limits.list_seconds)
        with contextlib.closing(response):
            if response.status != 200:
                raise self._refusal(LIST_VERB, response)
            yield self._until(until, _pieces(LIST_VERB, response))

    def _until(self, until: float, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces that arrive before this monotonic second."""
        size = 0
        for piece in pieces:
            size += len(piece)
            if self._clock.monotonic_seconds() > until:
                raise ApiServerError(LIST_VERB, Reason.TIMEOUT, f"the answer was incomplete after {size} bytes")
            yield piece

    def post(self, path: str, document: Mapping[str, Any], seconds: float, *, verb: str) -> Answer:
        """Create an object and return the server's answer."""
        return self._whole(verb, "POST", path, {}, seconds, body=json.dumps(document).encode())

    @contextlib.contextmanager
    def watch(self, path: str, query: Mapping[str, str], accept: str = JSON) -> Generator[Iterator[bytes]]:
        """Yield the lines of a watch until the server ends it."""
        # Compression would delay events in the server's buffer.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        response = self._send(WATCH_VERB, "GET", path, query, headers, self.limits.silence_seconds)
        with contextlib.closing(response):
            if response.status != 200:
                raise self._refusal(WATCH_VERB, response)
            yield complete_lines(_pieces(WATCH_VERB, response), self.limits.line_bytes)

    def close(self) -> None:
        """Abort all pending requests at once, from any thread; later calls fail as unavailable."""
        self._sockets.close()
        self._credentials.close()

    def _whole(
        self,
        verb: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        seconds: float,
        *,
        accept: str = JSON,
        body: bytes | None = None,
    ) -> Answer:
        """Return a complete answer."""
        until = self._clock.monotonic_seconds() + seconds
        headers = {"Accept": accept, "Accept-Encoding": "gzip" if self.endpoint.takes_gzip else "identity"}
        if body is not None:
            headers["Content-Type"] = JSON
        response = self._send(verb, method, path, query, headers, seconds, body)
        with contextlib.closing(response):
            try:
                found = self._body(verb, response, self.limits.body_bytes, until)
            except ApiServerError:
                if response.status in {200, 201}:
                    raise
                found = b""  # the status of a truncated error page is still useful
            return self._answer(response, found)

    def _send(
        self,
        verb: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        read_seconds: float,
        body: bytes | None = None,
    ) -> BaseHTTPResponse:
        """Send the request and return the answer once its head has been read."""
        if self._sockets.is_closed:
            raise ApiServerError(verb, Reason.UNAVAILABLE, "the client is closed")
        with translated(verb):
            with self._lock:  # this may run a credential plugin: once is enough for all threads
                identity = self._identity()
                manager = self._manager_for(identity)
            url = f"{self.endpoint.url}{path}"
            if query:
                url = f"{url}?{urlencode(query, quote_via=quote)}"
            try:
                response = manager.urlopen(
                    method,
                    url,
                    body=body,
                    headers=_headers({"User-Agent": self._user_agent, **headers}, identity),
                    timeout=Timeout(connect=min(self.limits.connect_seconds, read_seconds), read=read_seconds),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            except HTTPError as error:
                if isinstance(error, SSLError):
                    self._is_outdated = True  # CA or certificate may have been replaced on disk
                raise
        if response.status == 401:
            # Token or certificate may have been replaced without the credentials noticing.
            self._is_outdated = True
        return response

    def _identity(self) -> Identity:
        """Return the identity for the next request, from newly loaded credentials if the last ones were rejected."""
        if self._is_outdated:
            made = self._make_credentials()
            self._credentials.close()
            self._credentials, self._manager, self._is_outdated = made, None, False
            if self._sockets.is_closed:
                made.close()
        return self._credentials.identity()

    def _manager_for(self, identity: Identity) -> PoolManager:
        """Return the connection pools for that certificate; tokens may change within them."""
        endpoint = self.endpoint
        if self._manager is None or self._manager[:2] != (endpoint, identity.certificate):
            manager = pool_manager(endpoint, identity.certificate, self._connections)
            self._sockets.track(manager)
            self._manager = (endpoint, identity.certificate, manager)
        return self._manager[2]

    def _refusal(self, verb: str, response: BaseHTTPResponse) -> ApiServerError:
        """Return the error for an unexpected status."""
        until = self._clock.monotonic_seconds() + self.limits.connect_seconds
        try:
            body = self._body(verb, response, _REFUSAL_BYTES, until)
        except ApiServerError:
            body = b""
        answer = self._answer(response, body)
        return refused(verb, answer.code, body, answer.retry_after_seconds)

    def _answer(self, response: BaseHTTPResponse, body: bytes) -> Answer:
        wait = retry_after(response.headers.get("Retry-After"), self._clock.wall_seconds())
        return Answer(response.status, body, response.headers.get("Date"), wait)

    def _body(self, verb: str, response: BaseHTTPResponse, longest_bytes: int, until: float) -> bytes:
        """Return a complete body, which must arrive by the monotonic second *until*."""
        body = bytearray()
        for piece in _pieces(verb, response):
            body += piece
            if len(body) > longest_bytes:
                raise ApiServerError(verb, Reason.TOO_LARGE, f"the answer has more than {longest_bytes} bytes")
            if self._clock.monotonic_seconds() > until:
                raise ApiServerError(verb, Reason.TIMEOUT, f"the answer was incomplete after {len(body)} bytes")
        return bytes(body)


def _headers(headers: Mapping[str, str], identity: Identity) -> HTTPHeaderDict:
    """Return the headers; a name may occur several times, as Impersonate-Group does."""
    made = HTTPHeaderDict(headers)
    for name, value in identity.headers:
        made.add(name, value)
    return made


def _pieces(verb: str, response: BaseHTTPResponse) -> Generator[bytes]:
    """Yield the body decompressed as it arrives. Raises ApiServerError if it is truncated."""
    with translated(verb):
        while piece := response.read1(_PIECE_BYTES, decode_content=True):
            yield piece
