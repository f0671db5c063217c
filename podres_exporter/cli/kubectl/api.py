"""Read-only requests of `kubectl podres` to the API server: lists of pods and nodes, and the pod proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from podres_exporter.cluster.pod_list import ListedPod, NodePage, Page, read_node_page, read_page
from podres_exporter.kube.client import JSON, KubeClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PAGE_ITEMS = 500
_NAMES_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, {JSON}"
"""Requests objects without spec and status; a server that does not support that sends whole objects."""

P = TypeVar("P", Page, NodePage)


@dataclass(frozen=True, slots=True)
class Pods:
    """Which pods to list; *namespace* None is all of them."""

    namespace: str | None = None
    labels: str = ""
    fields: str = ""

    @property
    def path(self) -> str:
        """The path of the list."""
        return "/api/v1/pods" if self.namespace is None else f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def query(self) -> dict[str, str]:
        """The query with the selectors."""
        wanted = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: value for name, value in wanted.items() if value}


class KubeApi:
    """Client of one API server; thread-safe. Network errors are ApiServerError."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        """*namespace* is the default without -n. Connects at the first request."""
        self._client, self.namespace = client, namespace
        self.server = client.endpoint.url

    def pods(self, wanted: Pods) -> list[ListedPod]:
        """Return the pods, page by page. Raises ApiServerError, also if the server refuses."""
        return [pod for page in self._pages(wanted.path, wanted.query, JSON, read_page) for pod in page.items or ()]

    def pods_json(self, wanted: Pods) -> bytes:
        """Return the JSON of a list that is known to be short."""
        return self._client.list(wanted.path, wanted.query)

    def nodes(self) -> list[str]:
        """Return the names of the nodes. Raises ApiServerError, also if the server refuses."""
        pages = self._pages("/api/v1/nodes", {}, _NAMES_ONLY, read_node_page)
        return [each.metadata.name for page in pages for each in page.items or ()]

    def get(self, path: str, query: dict[str, str], seconds: float) -> tuple[int, bytes]:
        """Return status and body of any answer that is complete within *seconds*; the path may contain colons."""
        answer = self._client.get(path, query, seconds)
        return answer.code, answer.body

    def close(self) -> None:
        """Abort all pending requests, from any thread."""
        self._client.close()

    def _pages(self, path: str, query: dict[str, str], accept: str, read: Callable[[bytes], P]) -> Iterator[P]:
        """
        Yield the pages of a list.

        If the next page is requested too late, the server answers 410, because the rest would be of another version.
        """
        following = ""
        while True:
            more = {"continue": following} if following else {}
            page = read(self._client.list(path, {**query, "limit": str(PAGE_ITEMS), **more}, accept))
            yield page
            following = page.metadata.next_page
            if not following:
                return
