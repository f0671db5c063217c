"""List and watch requests for one kind of objects, with a field selector."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from podres_exporter.errors import ConfigError
from podres_exporter.kube.client import WITHOUT_MANAGED_FIELDS, KubeClient

PODS_PATH = "/api/v1/pods"


class ListWatch:
    """A ListWatchTransport over the API client."""

    def __init__(self, client: KubeClient, path: str, field_selector: str) -> None:
        """Use the objects at *path*, of all namespaces."""
        self._client, self.path, self._selector = client, path, {"fieldSelector": field_selector}

    def list(self) -> bytes:
        """Return a list of all objects from the API server's cache (`resourceVersion=0`)."""
        return self._client.list(self.path, {**self._selector, "resourceVersion": "0"}, WITHOUT_MANAGED_FIELDS)

    def list_pieces(self, *, is_latest: bool = False) -> AbstractContextManager[Iterator[bytes]]:
        """
        Yield the same list in pieces: it may be larger than what is kept of it.

        *is_latest*: not from the API server's cache, but as its storage has it now.
        """
        query = {**self._selector, **({} if is_latest else {"resourceVersion": "0"})}
        return self._client.list_pieces(self.path, query, WITHOUT_MANAGED_FIELDS)

    def watch(self, version: str, timeout_seconds: int) -> AbstractContextManager[Iterator[bytes]]:
        """Yield the lines of a watch from *version*; the server ends it after *timeout_seconds*."""
        query = {
            **self._selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(timeout_seconds),
            "resourceVersion": version,
        }
        return self._client.watch(self.path, query, WITHOUT_MANAGED_FIELDS)

    def close(self) -> None:
        """Abort all pending requests at once, from any thread; later calls fail as unavailable."""
        self._client.close()


def pods_of_node(client: KubeClient, node: str) -> ListWatch:
    """
    Return the list-watch for the pods of one node.

    Raises ConfigError without a node name, because that would request the pods of the whole cluster.
    """
    if not node:
        raise ConfigError(["the node name is empty: set --node-name, or NODE_NAME from spec.nodeName"])
    return ListWatch(client, PODS_PATH, f"spec.nodeName={node}")
