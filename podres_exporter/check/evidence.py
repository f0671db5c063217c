"""The evidence that `check` gathers and judges; missing parts were not gathered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.check.mounts import Mount
from podres_exporter.errors import ApiServerError, PodsApiError, Reason, TopologyError
from podres_exporter.model import Allocatable, DoubleHeld, Dra, Listing, Metadata, PodKey, Topology


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The configuration. *max_message_bytes* is the largest answer that `serve` accepts. *given* are the flags and
    variables that were set; *strangers* are unknown variables with our prefix, each with the variable probably meant
    (or none). *own_pod* is the exporter's own pod according to the environment. *is_node_guessed*: no node name was
    configured, so it is the host name.
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
    """What is at the socket's path; HIDDEN: no permission to look."""

    SOCKET = "socket"
    MISSING = "missing"
    DIRECTORY = "directory"
    REGULAR = "regular file"
    OTHER = "something else"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class SocketFile:
    """
    The file at the path; *problem* is the system's error if it could not be examined.

    *missing_directory* is the first directory of the path that does not exist. *changed_seconds* is the file's ctime.
    """

    kind: FileKind
    problem: str = ""
    missing_directory: str = ""
    mode: int = 0
    owner_uid: int = 0
    changed_seconds: float = 0.0


class Outcome(StrEnum):
    """The result of connecting; BUSY: a process listens but does not accept."""

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
    """The security labels of this process (SELinux context, AppArmor profile) and of the socket; empty: unknown."""

    process: str = ""
    socket: str = ""


@dataclass(frozen=True, slots=True)
class Socket:
    """
    The kubelet's socket; *real_path* has no symbolic links. *uid* is this process's.

    *mount* is None if it is not known; *mount_problem* then says why. *connection* is None if there is no socket.
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
        """Whether a process accepts connections."""
        return self.connection is not None and self.connection.outcome is Outcome.CONNECTED


@dataclass(frozen=True, slots=True)
class Call:
    """
    One RPC. *reason* is None on success; *rejected* of *attempts* hit the kubelet's rate limit.

    *seconds* is the duration of the last attempt, None if not recorded; *size_bytes* is the size of its answer, if any.
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
    """The pods as reported by both sides, read one right after the other; None if a side did not answer."""

    listing: Listing | None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Our identity at the API server, and its address. *proxy* is empty without one."""

    source: str
    server: str
    is_verified: bool = True
    proxy: str = ""

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.server.startswith("https://")


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """
    The API server's answer on one permission. *asked_seconds* is our time in the middle of the request, which took
    *seconds*; *date_seconds* is the server's time, None if not stated.
    """

    is_allowed: bool
    said: str
    seconds: float
    asked_seconds: float
    date_seconds: float | None


@dataclass(frozen=True, slots=True)
class PodsAnswer:
    """One list of pods. *unreadable* names pods that could not be decoded; *label_keys* counts pods by label."""

    seconds: float
    size_bytes: int
    pods: int
    unreadable: tuple[str, ...] = ()
    label_keys: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraAccess:
    """The served version of resource.k8s.io (empty: none), and the (verb, resource) pairs that are not permitted."""

    version: str
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ApiServer:
    """
    The results of querying the API server. *problem* says why there are no credentials; the rest is then missing, as it
    is if the node's name is not known.

    *reviews* are by verb; a missing one was not requested, because the first was not answered.
    """

    problem: str = ""
    account: Account | None = None
    is_node_named: bool = True
    reviews: Mapping[str, AccessAnswer | ApiServerError] = field(default_factory=dict)
    pods: PodsAnswer | ApiServerError | None = None
    dra: DraAccess | ApiServerError | None = None


@dataclass(frozen=True, slots=True)
class PodsApi:
    """The result of the kubelet's Pods API at *path*; *is_complete*: these are known to be all pods."""

    path: str
    seconds: float
    pods: int = 0
    is_complete: bool = False
    error: PodsApiError | None = None


@dataclass(frozen=True, slots=True)
class DeviceManager:
    """The registration socket of the device plugins; MISSING with *sees_directory* False: not visible from here."""

    path: str
    kind: FileKind
    sees_directory: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    All evidence. *calls* are by RPC; *api* is None unless `--metadata.source` is `apiserver`, *podsapi* unless it is
    `podsapi`.

    *doubles* are items held by two running pods in two observations, None if it is not known which pods are running.
    *dra* are the node's slices and the claims of its pods, None if they cannot be read.

    *is_recorded*: it comes from a recording, so there is no socket, and only the age in *socket* is known.

    There is one observation, and a second one a moment later if the sides disagreed, because pods come and go in
    between.
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
    dra: Dra | None = None

    @property
    def listing(self) -> Listing | None:
        """The kubelet's pods, as last listed."""
        return self.looks[-1].listing

    @property
    def metadata(self) -> Metadata | None:
        """The pods as last reported by the metadata source."""
        return self.looks[-1].metadata
