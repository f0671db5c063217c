"""What the service needs of its sources, whoever provides it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from podres_exporter.errors import Reason
from podres_exporter.model import Allocatable, Listing, Malformed, Metadata, Pod, PodKey, Topology

LIST, ALLOCATABLE, GET = "List", "GetAllocatableResources", "Get"
RPCS = (LIST, ALLOCATABLE, GET)

Observer = Callable[[str, float, Reason | None], None]
"""Told of every call: the RPC, how many seconds it took, and why it gave no usable answer (None: it did)."""


@dataclass(frozen=True, slots=True)
class SocketIdentity:
    """
    Which socket file this is. A kubelet makes its socket anew at each start, so another identity is another start.

    The inode number alone does not tell: file systems hand it out again at once (measured).
    """

    inode: int
    created_ns: int

    @property
    def created_seconds(self) -> float:
        """When the socket was made, in Unix seconds."""
        return self.created_ns / 1e9


class KubeletSource(Protocol):
    """The pod-resources API of one kubelet. Every call ends by itself; each raises KubeletError and nothing else."""

    def identity(self) -> SocketIdentity | None:
        """Return which socket is there now; None where there is none or it cannot be looked at."""
        ...

    def list(self) -> Listing:
        """Return all pods of the node."""
        ...

    def allocatable(self) -> Allocatable:
        """Return what the node may hand out."""
        ...

    def get(self, namespace: str, name: str) -> Pod:
        """Return one pod."""
        ...

    def close(self) -> None:
        """End the calls under way; later calls fail as unavailable."""
        ...


class TopologySource(Protocol):
    """The machine's NUMA topology."""

    def read(self) -> Topology:
        """Return it as it is now, the same record as long as nothing changed. Raises TopologyError."""
        ...


class PodMetaSource(Protocol):
    """Who the pods of the node are. The API server decorates: nothing here may block or fail a poll."""

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """
        Begin to follow the pods; *changed* is told, from a thread of the source, which pods are new, other or gone.

        Called without keys where only the state of the source has changed.
        """
        ...

    def metadata(self) -> Metadata | None:
        """Return what is known now, None where this source knows nothing of any pod; for any thread, never blocks."""
        ...

    def stop(self) -> None:
        """End within a second or two, whatever the server does."""
        ...


LIST_VERB, WATCH_VERB = "list", "watch"
VERBS = (LIST_VERB, WATCH_VERB)
"""What is asked of the API server, by RBAC's names."""

ENDED, FAILED, EXPIRED = "ended", "error", "expired"
RESTART_CAUSES = (ENDED, FAILED, EXPIRED)
"""Why a watch began anew: its time was over, it broke, or its version was too old."""

EVENT_KINDS = ("changed", "deleted", "bookmark", "failed", "unknown", "unusable")
"""What the lines of a watch are."""


class MetadataObserver(Protocol):
    """Told by the source of pod metadata what it does, from its thread; must not raise, or block."""

    def request(self, verb: str) -> None:
        """Take that a request begins."""
        ...

    def error(self, verb: str, reason: Reason) -> None:
        """Take that a request, or the watch that it began, has failed."""
        ...

    def restart(self, cause: str) -> None:
        """Take that a watch is over, and why: one of RESTART_CAUSES."""
        ...

    def event(self, kind: str) -> None:
        """Take that a watch has told something: one of EVENT_KINDS."""
        ...

    def received(self, number_of_bytes: int) -> None:
        """Take that so many bytes of JSON have come."""
        ...

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Take what could not be read of otherwise good answers."""
        ...


class PodTransport(Protocol):
    """Asks for the pods of one node. Every call ends by itself; each raises ApiServerError and nothing else."""

    def list(self) -> bytes:
        """Return a list of all pods."""
        ...

    def watch(self, version: str, timeout_seconds: int) -> AbstractContextManager[Iterator[bytes]]:
        """Begin to watch, and give the lines of what changes after *version*, until the server ends it."""
        ...

    def close(self) -> None:
        """End what is under way at once, from any thread; later calls fail as unavailable."""
        ...
