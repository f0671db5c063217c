"""An HTTP client for the simulated API server, and pods for it."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0


def pod(name: str, namespace: str = "ml", node: str = "n1", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    """Return a pod with one container."""
    return {
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "i"}]},
        "status": {"phase": phase},
    }


def names(items: list[Any]) -> list[str]:
    """Return the names of objects."""
    return [each["metadata"]["name"] for each in items]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, read to its end; header names are in lower case."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Stream:
    """The lines of one watch."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.code = response.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def line(self) -> bytes:
        """Return the next line, empty at the end. Raises TimeoutError where none comes."""
        return self._response.readline()

    def event(self) -> tuple[str, Any]:
        """Return the next event's type and object."""
        event = json.loads(self.line())
        return event["type"], event["object"]

    def brief(self, number: int) -> list[str]:
        """Return the next events as `TYPE name`, bookmarks as `BOOKMARK version`."""
        found = []
        for _ in range(number):
            kind, item = self.event()
            found.append(f"{kind} {item['metadata'].get('name', item['metadata'].get('resourceVersion'))}")
        return found

    def close(self) -> None:
        self._response.close()
        self._connection.close()


class Client:
    """Asks one server; a connection per request unless one is kept."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def connect(self, timeout_seconds: float = TIMEOUT_SECONDS) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=timeout_seconds)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        """Return the answer; *body* is sent as JSON unless it is bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = self.connect(timeout)
        try:
            connection.request(method, path, data, {**self._headers, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """Return the answer to a GET; underscores in header names are dashes."""
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def watch(self, path: str, timeout_seconds: float = TIMEOUT_SECONDS, **headers: str) -> Stream:
        """Return the open watch; `watch=true` is added to the query."""
        connection = self.connect(timeout_seconds)
        url = f"{path}{'&' if '?' in path else '?'}watch=true"
        connection.request("GET", url, headers={**self._headers, **headers})
        return Stream(connection, connection.getresponse())
