"""The API server's pods of one node, over HTTP: whole lists, and watches line by line."""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from urllib3 import HTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError, ProtocolError
from urllib3.exceptions import TimeoutError as HttpTimeout

from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.connections import Shears
from podres_exporter.kube.credentials import MakeClient
from podres_exporter.kube.errors import LONGEST_TEXT, refused, retry_after
from podres_exporter.kube.lines import complete_lines
from podres_exporter.kube.ports import LIST_VERB, WATCH_VERB
from podres_exporter.kube.sending import translated

if TYPE_CHECKING:
    from kubernetes.client.api_client import ApiClient

_PIECE_BYTES = 64 * 1024
_REFUSAL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How long and how much.

    A list must be complete within *list_seconds*, and may pause for no longer. A watch may be silent for
    *silence_seconds*: bookmarks come once a minute. A pod may be 1.5 MB large (etcd's limit), and some more in JSON.
    """

    connect_seconds: float = 5.0
    list_seconds: float = 30.0
    silence_seconds: float = 90.0
    body_bytes: int = 64 * 1024 * 1024
    line_bytes: int = 4 * 1024 * 1024


class ApiServerClient:
    """PodTransport over the `kubernetes` package's ApiClient. Not for more than one thread, `close` excepted."""

    def __init__(self, make_client: MakeClient, node: str, clock: Clock, limits: Limits | None = None) -> None:
        """
        Make the client; it connects at the first request.

        Raises ConfigError without a node's name, for that would ask for the pods of the whole cluster, and where
        *make_client* does.
        """
        if not node:
            raise ConfigError(["the node's name is empty: set --node-name, or NODE_NAME from spec.nodeName"])
        self._make_client, self._clock, self._limits = make_client, clock, limits or Limits()
        self._selector = f"spec.nodeName={node}"
        self._shears = Shears()
        self._client: ApiClient | None = self._connect()

    def list(self) -> bytes:
        """Return a list of all pods as the API server has it in its cache (`resourceVersion=0`)."""
        until = self._clock.monotonic_seconds() + self._limits.list_seconds
        response = self._ask(LIST_VERB, {"resourceVersion": "0"}, self._limits.list_seconds, "gzip")
        return self._body(LIST_VERB, response, self._limits.body_bytes, until)

    @contextlib.contextmanager
    def watch(self, version: str, timeout_seconds: int) -> Generator[Iterator[bytes]]:
        """Yield the lines of a watch from *version* on; the server ends it after *timeout_seconds*."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(timeout_seconds),
            "resourceVersion": version,
        }
        # Compression would hold events back in the server's buffer.
        with contextlib.closing(self._ask(WATCH_VERB, query, self._limits.silence_seconds, "identity")) as response:
            yield complete_lines(_pieces(WATCH_VERB, response), self._limits.line_bytes)

    def close(self) -> None:
        """End what is under way at once, from any thread; later calls fail as unavailable."""
        self._shears.cut()

    def _connect(self) -> "ApiClient":
        """Return a new client of what the files hold now, whose connections `close` can cut."""
        client = self._make_client()
        self._shears.hold(client.rest_client.pool_manager)
        return client

    def _ask(self, verb: str, query: dict[str, str], read_seconds: float, encoding: str) -> HTTPResponse:
        """Return the answer, of which the head has been read and is a 200."""
        if self._shears.have_cut:
            raise ApiServerError(verb, Reason.UNAVAILABLE, "the client is closed")
        with translated(verb, partial(_broken, verb), self._discard):
            client = self._client = self._client or self._connect()
            request = client.param_serialize(
                "GET",
                "/api/v1/pods",
                query_params=list({"fieldSelector": self._selector, **query}.items()),
                header_params={"Accept": "application/json", "Accept-Encoding": encoding},
                auth_settings=["BearerToken"],
            )
            timeout = (self._limits.connect_seconds, read_seconds)
            response: HTTPResponse = client.call_api(*request, _request_timeout=timeout).response
        if response.status != 200:
            self._refuse(verb, response)
        return response

    def _refuse(self, verb: str, response: HTTPResponse) -> NoReturn:
        """Raise the error of an answer that is not what was asked for."""
        until = self._clock.monotonic_seconds() + self._limits.connect_seconds
        try:
            body = self._body(verb, response, _REFUSAL_BYTES, until)
        except ApiServerError:
            body = b""
        if response.status == 401:
            # Token or certificate may have been rotated in a way that the client has not seen.
            self._discard()
        wait = retry_after(response.headers.get("Retry-After"), self._clock.wall_seconds())
        raise refused(verb, response.status, body, wait)

    def _body(self, verb: str, response: HTTPResponse, longest_bytes: int, until: float) -> bytes:
        """Return a whole body; *until* is the monotonic second by which it must be here."""
        body = bytearray()
        with contextlib.closing(response):
            for piece in _pieces(verb, response):
                body += piece
                if len(body) > longest_bytes:
                    raise ApiServerError(verb, Reason.TOO_LARGE, f"the answer has more than {longest_bytes} bytes")
                if self._clock.monotonic_seconds() > until:
                    raise ApiServerError(verb, Reason.TIMEOUT, f"the answer was incomplete after {len(body)} bytes")
        return bytes(body)

    def _discard(self) -> None:
        """Let the next request make a new client of the files."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]  # the package does not annotate it
        self._client = None


def _pieces(verb: str, response: HTTPResponse) -> Generator[bytes]:
    """Yield the body as it comes, decompressed. Raises ApiServerError where it breaks off."""
    try:
        while piece := response.read1(_PIECE_BYTES, decode_content=True):
            yield piece
    except HTTPError as error:
        raise _broken(verb, error) from error


def _broken(verb: str, error: HTTPError) -> ApiServerError:
    """
    Return what an error of urllib3 means.

    Refused, reset, cut short, not found by DNS: all of that is unavailable, as the server or the way to it is away.
    """
    match error:
        case HttpTimeout() if not isinstance(error, NewConnectionError):
            reason = Reason.TIMEOUT
        case DecodeError():
            reason = Reason.MALFORMED
        case _:
            reason = Reason.UNAVAILABLE
    text = str(error.args[0] if isinstance(error, ProtocolError) else error)
    return ApiServerError(verb, reason, text[:LONGEST_TEXT])
