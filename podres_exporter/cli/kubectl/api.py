"""Requests of `kubectl podres` to the API server: lists of pods, and what stands behind its proxy. GET only."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HttpTimeout

from podres_exporter.cluster.podlist import ListedPod, NodePage, Page, read_node_page, read_page
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.connections import Shears
from podres_exporter.kube.errors import LONGEST_TEXT, refused
from podres_exporter.kube.sending import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from urllib3 import HTTPResponse

    from podres_exporter.cli.kubectl.connection import Connection
    from podres_exporter.clock import Clock

PAGE_ITEMS = 500
CONNECT_SECONDS = 5.0
MOST_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_LIST, _GET = "list", "get"

P = TypeVar("P", Page, NodePage)


@dataclass(frozen=True, slots=True)
class Pods:
    """Which pods to list; *namespace* None is all of them."""

    namespace: str | None = None
    labels: str = ""
    fields: str = ""

    @property
    def path(self) -> str:
        """Where they are listed."""
        return "/api/v1/pods" if self.namespace is None else f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def query(self) -> dict[str, str]:
        """What they are selected by."""
        wanted = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: value for name, value in wanted.items() if value}


class KubeApi:
    """Asks one API server, from any number of threads. Errors of the network are ApiServerError."""

    def __init__(self, connection: Connection, clock: Clock, seconds: float) -> None:
        """*seconds*: until a list's page must be complete. Connects at the first request."""
        self.server, self.namespace = connection.server, connection.namespace
        self._client, self._clock, self._seconds = connection.client, clock, seconds
        self._shears = Shears()
        self._shears.hold(connection.client.rest_client.pool_manager)
        self._credentials = threading.Lock()

    def pods(self, wanted: Pods) -> list[ListedPod]:
        """Return the pods, page by page. Raises ApiServerError, also where the server refuses."""
        return [pod for page in self._pages(wanted.path, wanted.query, read_page) for pod in page.items or ()]

    def pods_json(self, wanted: Pods) -> bytes:
        """Return a list that is known to be short, as it comes."""
        return self._listed(wanted.path, wanted.query)

    def nodes(self) -> list[str]:
        """Return the names of the nodes. Raises ApiServerError, also where the server refuses."""
        return [
            each.metadata.name for page in self._pages("/api/v1/nodes", {}, read_node_page) for each in page.items or ()
        ]

    def get(self, path: str, query: dict[str, str], seconds: float) -> tuple[int, bytes]:
        """Return code and body of any answer that is complete within *seconds*; its path may have colons in it."""
        return self._ask(_GET, path, query, seconds)

    def close(self) -> None:
        """Cut everything that is under way, from any thread."""
        self._shears.cut()

    def _pages(self, path: str, query: dict[str, str], read: Callable[[bytes], P]) -> Iterator[P]:
        """
        Yield the pages of a list.

        Where the next page comes too late for the server it answers 410: the rest would be of another moment.
        """
        following = ""
        while True:
            more = {"continue": following} if following else {}
            page = read(self._listed(path, {**query, "limit": str(PAGE_ITEMS), **more}))
            yield page
            following = page.metadata.next_page
            if not following:
                return

    def _listed(self, path: str, query: dict[str, str]) -> bytes:
        code, body = self._ask(_LIST, path, query, self._seconds)
        if code != 200:
            raise refused(_LIST, code, body, None)
        return body

    def _ask(self, verb: str, path: str, query: dict[str, str], seconds: float) -> tuple[int, bytes]:
        until = self._clock.monotonic_seconds() + seconds
        with translated(verb, lambda error: _broken(verb, error, seconds)):
            with self._credentials:  # a plugin of the kubeconfig may be asked for a new token: once is enough
                request = self._client.param_serialize(
                    "GET",
                    path,
                    query_params=list(query.items()),
                    header_params={"Accept": "application/json", "Accept-Encoding": "gzip"},
                    auth_settings=["BearerToken"],
                )
            timeout = (min(CONNECT_SECONDS, seconds), seconds)
            response: HTTPResponse = self._client.call_api(*request, _request_timeout=timeout).response
            with contextlib.closing(response):
                return response.status, self._body(verb, response, until)

    def _body(self, verb: str, response: HTTPResponse, until: float) -> bytes:
        """Return the whole body, decompressed; *until* is the monotonic second by which it must be here."""
        body = bytearray()
        while piece := response.read1(_PIECE_BYTES, decode_content=True):
            body += piece
            if len(body) > MOST_BYTES:
                raise ApiServerError(verb, Reason.TOO_LARGE, f"the answer has more than {MOST_BYTES} bytes")
            if self._clock.monotonic_seconds() > until:
                raise ApiServerError(verb, Reason.TIMEOUT, f"the answer was incomplete after {len(body)} bytes")
        return bytes(body)


def _broken(verb: str, error: HTTPError, seconds: float) -> ApiServerError:
    """Return what an error of urllib3 means: too slow, unreadable, or not there."""
    if isinstance(error, HttpTimeout) and not isinstance(error, NewConnectionError):
        return ApiServerError(verb, Reason.TIMEOUT, f"no whole answer within {seconds:g} s")
    if isinstance(error, DecodeError):
        return ApiServerError(verb, Reason.MALFORMED, "the answer says that it is compressed, and cannot be unpacked")
    return ApiServerError(verb, Reason.UNAVAILABLE, str(error).rpartition(": ")[2][:LONGEST_TEXT])
