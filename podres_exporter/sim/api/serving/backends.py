"""The servers behind the API server's pod proxy: real addresses or functions."""

import http.client
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from podres_exporter.sim.api.http.answer import Answer
from podres_exporter.sim.api.storage.objects import ObjectKey

_SECONDS = 30.0
_OF_THIS_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Inquiry:
    """
    What a pod is asked: a GET of *path*, which has the query too, on its *port* (text, empty: its first one).

    *scheme* is `https` or `http`. Header names are in lower case; those that are meant for the server are left out.
    """

    scheme: str
    port: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


Backend = Callable[[Inquiry], Answer]
"""Answers for one pod, in the thread of the request. An OSError is a pod that cannot be reached, in its own words."""


class Backends:
    """Who answers for which pod, changeable at any time from any thread; a pod without a backend refuses to connect."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._by_pod: dict[ObjectKey, Backend] = {}

    def put(self, namespace: str, name: str, backend: Backend | str) -> None:
        """Let *backend* answer for the pod; a URL such as `http://127.0.0.1:10190` stands for the server there."""
        with self._lock:
            self._by_pod[namespace, name] = forwarded_to(backend) if isinstance(backend, str) else backend

    def remove(self, namespace: str, name: str) -> None:
        """Remove the pod's backend."""
        with self._lock:
            self._by_pod.pop((namespace, name), None)

    def get(self, namespace: str, name: str) -> Backend | None:
        """Return the pod's backend, None if it has none."""
        with self._lock:
            return self._by_pod.get((namespace, name))


def forwarded_to(url: str) -> Backend:
    """Return a backend that asks the plain HTTP server at *url*."""
    parts = urlsplit(url)

    def ask(inquiry: Inquiry) -> Answer:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
        try:
            connection.request("GET", inquiry.path, headers=dict(inquiry.headers))
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THIS_HOP | {"date"}}
            return Answer(response.status, response.read(), kept)
        except http.client.HTTPException as error:
            raise OSError("EOF") from error
        finally:
            connection.close()

    return ask


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that reach the pod; the token is for the API server (endpoints/filters/authentication.go)."""
    return {name: value for name, value in headers.items() if name not in _OF_THIS_HOP | {"authorization"}}
