"""The interfaces of the sources, as the service uses them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from podres_exporter.cpuset import CpuSet
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Allocatable, Claim, ClaimKey, Dra, Listing, Metadata, PodKey, Topology, Unread

LIST, ALLOCATABLE, GET = "List", "GetAllocatableResources", "Get"
RPCS = (LIST, ALLOCATABLE, GET)


@dataclass(frozen=True, slots=True)
class KubeletCall:
    """
    One call to the kubelet. *error* is None if the answer was usable; *answer* are its bytes, None if none arrived.

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
    Identifies a socket file. A kubelet creates its socket at each start, so another identity means a restart.

    The inode number alone is not enough: file systems reuse it at once (measured). A socket's mtime is the time of its
    bind; chmod, chown and relabelling change only ctime, so ctime would mistake each of them for a restart.
    """

    device: int
    inode: int
    created_ns: int

    @property
    def created_seconds(self) -> float:
        """When the socket was created, in Unix seconds."""
        return self.created_ns / 1e9


class KubeletSource(Protocol):
    """The pod-resources API of one kubelet. Every call has a deadline and raises KubeletError and nothing else."""

    def identity(self) -> SocketIdentity | None:
        """Return the identity of the current socket; None if it does not exist or cannot be accessed."""
        ...

    def list(self) -> Listing:
        """Return all pods of the node."""
        ...

    def allocatable(self) -> Allocatable:
        """Return what the kubelet can allocate."""
        ...

    def get(self, namespace: str, name: str) -> Listing:
        """Return one pod, as a listing."""
        ...

    def close(self) -> None:
        """Abort pending calls; later calls fail as unavailable."""
        ...


class TopologySource(Protocol):
    """The machine's NUMA topology."""

    def read(self) -> Topology:
        """Return the current topology, the same record as long as nothing changed. Raises TopologyError."""
        ...


class CpusetSource(Protocol):
    """The CPUs on which the kernel lets containers run."""

    def read(self, ids: Collection[str]) -> Mapping[str, CpuSet | Unread]:
        """Return for each container ID the CPUs of its cgroup, or why they cannot be read; raises nothing."""
        ...


class ClaimNameSource(Protocol):
    """What pods call the claims that were made for them from templates."""

    def names(self, claims: Collection[Claim]) -> Mapping[ClaimKey, str]:
        """Return the pods' names for those of the claims of which they are known; raises nothing."""
        ...


class PodMetaSource(Protocol):
    """Metadata of the node's pods. The API server only decorates: nothing here may block or fail a poll."""

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """
        Start following the pods; *changed* is called from a thread of the source with the keys of new, changed or
        deleted pods.

        It is called without keys if only the state of the source has changed.

        Called without keys where only the state of the source has changed.
        """
        ...

    def metadata(self) -> Metadata | None:
        """Return the current metadata, None if this source knows no pods; never blocks, callable from any thread."""
        ...

    def stop(self) -> None:
        """Stop within a second or two, whatever the server does."""
        ...


class DraSource(Protocol):
    """ResourceSlices of the node and ResourceClaims of its pods; nothing here may block or fail a poll."""

    def start(self, changed: Callable[[], None]) -> None:
        """Start following; *changed* is called from a thread of the source when something has changed."""
        ...

    def dra(self) -> Dra | None:
        """Return the current facts, None if DRA is not read or not served; never blocks, callable from any thread."""
        ...

    def want(self, users: Mapping[ClaimKey, frozenset[str]]) -> None:
        """Set which claims the node's pods use now, with the UIDs of these pods."""
        ...

    def stop(self) -> None:
        """Stop within a second or two, whatever the server does."""
        ...
