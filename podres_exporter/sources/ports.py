"""The interfaces that the service expects of its sources."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Allocatable, ClaimKey, Dra, Listing, Metadata, PodKey, Topology

LIST, ALLOCATABLE, GET = "List", "GetAllocatableResources", "Get"
RPCS = (LIST, ALLOCATABLE, GET)


@dataclass(frozen=True, slots=True)
class KubeletCall:
    """
    One call to the kubelet. *error* is None if the answer could be used; *answer* are its bytes, None if none came.

    An answer that could not be decoded has both.
    """

    rpc: str
    seconds: float
    error: KubeletError | None
    answer: bytes | None

    @property
    def reason(self) -> Reason | None:
        """Why the answer could not be used, as a label value; None if it could."""
        return None if self.error is None else self.error.reason


Observer = Callable[[KubeletCall], None]
"""Called after every call to the kubelet, by the thread that made it."""


@dataclass(frozen=True, slots=True)
class SocketIdentity:
    """
    Which socket file this is. A kubelet makes its socket anew at each start, so another identity is another start.

    The inode number alone does not tell: file systems hand it out again at once (measured). A socket's mtime is the
    time of its bind; chmod, chown and relabelling move only ctime, so ctime would take each of them for a restart.
    """

    device: int
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

    def get(self, namespace: str, name: str) -> Listing:
        """Return one pod, as a listing."""
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


class DraSource(Protocol):
    """ResourceSlices of the node and ResourceClaims of its pods; nothing here may block or fail a poll."""

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to follow; *changed* is called, from a thread of the source, when there is news."""
        ...

    def dra(self) -> Dra | None:
        """Return what is known now, None where the API is not asked or not served; for any thread, never blocks."""
        ...

    def want(self, users: Mapping[ClaimKey, frozenset[str]]) -> None:
        """Take which claims the pods of the node use now, with the UIDs of these pods."""
        ...

    def stop(self) -> None:
        """End within a second or two, whatever the server does."""
        ...
