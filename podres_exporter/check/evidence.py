"""The evidence that `check` gathers and judges; a missing part was not asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.check.mounts import Mount
from podres_exporter.errors import ApiServerError, PodsApiError, Reason, TopologyError
from podres_exporter.model import Allocatable, DoubleHeld, Listing, Metadata, PodKey, Topology


@dataclass(frozen=True, slots=True)
class Settings:
    """
    How the exporter is set up. *max_message_bytes* is the largest answer that `serve` takes. *given* are the flags and
    variables that say something; *strangers* are variables of our prefix that nobody reads, with the variable that may
    be meant (or nothing). *own_pod* is the pod that the environment says this runs in. *is_node_guessed*: nobody has
    named the node, and the host's name stands for it.
    """

    node: str
    timeout_seconds: float
    hold_down_seconds: float
    metadata_source: str
    allowlist: LabelAllowlist = field(default_factory=LabelAllowlist)
    max_message_bytes: int = 64 << 20
    given: tuple[str, ...] = ()
    strangers: tuple[tuple[str, str], ...] = ()
    own_pod: PodKey | None = None
    is_node_guessed: bool = False


class FileKind(StrEnum):
    """What is at the path of the socket; HIDDEN: we may not look."""

    SOCKET = "socket"
    MISSING = "missing"
    DIRECTORY = "directory"
    REGULAR = "regular file"
    OTHER = "something else"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class SocketFile:
    """
    The file at the path; *problem* is the system's word where it could not be looked at.

    *missing_directory* is the first directory on the way that is not there. *changed_seconds* is the file's ctime.
    """

    kind: FileKind
    problem: str = ""
    missing_directory: str = ""
    mode: int = 0
    owner_uid: int = 0
    changed_seconds: float = 0.0


class Outcome(StrEnum):
    """How connecting went; BUSY: somebody listens, but does not accept."""

    CONNECTED = "connected"
    REFUSED = "refused"
    DENIED = "denied"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Connection:
    """One attempt to connect."""

    outcome: Outcome
    seconds: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """How a security module labels this process (SELinux context, AppArmor profile) and the socket; empty: unknown."""

    process: str = ""
    socket: str = ""


@dataclass(frozen=True, slots=True)
class Socket:
    """
    The socket of the kubelet; *real_path* has no symbolic links. *uid* is ours.

    *mount* is None where it is not known, with the *mount_problem*. *connection* is None where there is no socket.
    """

    path: str
    real_path: str
    uid: int
    file: SocketFile
    connection: Connection | None = None
    mount: Mount | None = None
    mount_problem: str = ""
    labels: Labels = Labels()

    @property
    def is_connected(self) -> bool:
        """Whether somebody answers."""
        return self.connection is not None and self.connection.outcome is Outcome.CONNECTED


@dataclass(frozen=True, slots=True)
class Call:
    """
    One RPC. *reason* is None where it was answered; *rejected* of *attempts* met the kubelet's rate limit.

    *seconds* is how long the last attempt took, None where that was not recorded; *size_bytes* is the length of its
    answer where there was one.
    """

    rpc: str
    seconds: float | None
    size_bytes: int | None = None
    reason: Reason | None = None
    detail: str = ""
    attempts: int = 1
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """The pods as both sides told them, one right after the other; None where one of them did not."""

    listing: Listing | None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to the API server, and where it is. *proxy* is empty without one."""

    source: str
    server: str
    is_verified: bool = True
    proxy: str = ""

    @property
    def is_encrypted(self) -> bool:
        """Whether the server is asked over TLS."""
        return self.server.startswith("https://")


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """
    What the API server says of one right. *asked_seconds* is our time in the middle of the request, which took
    *seconds*; *date_seconds* is the server's, None where it does not tell.
    """

    is_allowed: bool
    said: str
    seconds: float
    asked_seconds: float
    date_seconds: float | None


@dataclass(frozen=True, slots=True)
class PodsAnswer:
    """One list of pods. *unreadable* names pods that could not be used; *label_keys* counts pods by label."""

    seconds: float
    size_bytes: int
    pods: int
    unreadable: tuple[str, ...] = ()
    label_keys: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraAccess:
    """The version of resource.k8s.io that is served, empty for none, and the (verb, resource) pairs we may not."""

    version: str
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ApiServer:
    """
    What was asked of the API server. *problem* says why there are no credentials; nothing else is there then, nor where
    the name of the node, whose pods would be asked for, is not known.

    *reviews* are by verb; one that is missing was not asked, because the first was not answered.
    """

    problem: str = ""
    account: Account | None = None
    is_node_named: bool = True
    reviews: Mapping[str, AccessAnswer | ApiServerError] = field(default_factory=dict)
    pods: PodsAnswer | ApiServerError | None = None
    dra: DraAccess | ApiServerError | None = None


@dataclass(frozen=True, slots=True)
class PodsApi:
    """How the kubelet's Pods API has named its pods at *path*; *is_complete*: these are known to be all."""

    path: str
    seconds: float
    pods: int = 0
    is_complete: bool = False
    error: PodsApiError | None = None


@dataclass(frozen=True, slots=True)
class DeviceManager:
    """Where device plugins register with the kubelet; MISSING with *sees_directory* False: not visible from here."""

    path: str
    kind: FileKind
    sees_directory: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Everything. *calls* are by RPC; *api* is None where `--metadata.source` is not `apiserver`, *podsapi* where it is
    not `podsapi`.

    *doubles* are what two living pods held in two looks, None where it is not known which pods are alive.

    *is_recorded*: it comes from a recording, so that there is no socket, and *socket* has nothing but its age.

    There is one look, and another a moment later where the sides disagreed: pods come and go between two questions.
    """

    settings: Settings
    socket: Socket
    wall_seconds: float
    topology: Topology | TopologyError
    calls: Mapping[str, Call] = field(default_factory=dict)
    allocatable: Allocatable | None = None
    looks: tuple[Look, ...] = (Look(None),)
    api: ApiServer | None = None
    podsapi: PodsApi | None = None
    device_manager: DeviceManager | None = None
    doubles: tuple[DoubleHeld, ...] | None = None
    is_recorded: bool = False

    @property
    def listing(self) -> Listing | None:
        """The kubelet's pods as last told."""
        return self.looks[-1].listing

    @property
    def metadata(self) -> Metadata | None:
        """The pods as the source of their metadata told them last."""
        return self.looks[-1].metadata
