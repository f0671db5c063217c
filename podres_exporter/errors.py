"""
The exceptions of this package, grouped by who can fix the problem.

    PodresError
    +-- SourceError         a source did not answer; the snapshot becomes stale
    |   +-- KubeletError
    |   +-- TopologyError
    |   +-- ApiServerError
    |   +-- PodsApiError
    +-- ConfigError         wrong flags or files: every fault at once, exit code 2
    +-- DocumentError       a snapshot document that cannot be read
    |   +-- DocumentVersionError
    +-- NotFoundError       no pod or container of that name, or more than one
    +-- SelectionError a part of a snapshot was requested that does not exist, or is ambiguous
    +-- SnapshotError a one-shot command could not get a snapshot

Errors of libraries are translated once, where they enter, and keep their cause. Anything else that escapes is a bug.
"""

from collections.abc import Sequence
from enum import StrEnum


class Reason(StrEnum):
    """Why a source did not answer. The values are label values: few, and stable."""

    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    DENIED = "denied"
    UNIMPLEMENTED = "unimplemented"
    DISABLED = "disabled"
    NOT_FOUND = "not_found"
    THROTTLED = "throttled"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    GONE = "gone"
    INTERNAL = "internal"


class PodresError(Exception):
    """Base of every error that this package raises on purpose."""


class SourceError(PodresError):
    """A source did not give a usable answer; *reason* is the only part that becomes a label."""

    def __init__(self, source: str, reason: Reason, detail: str) -> None:
        """Keep the source's name, the reason, and a text for people that says what was seen."""
        super().__init__(f"{source}: {reason.value}: {detail}")
        self.source = source
        self.reason = reason
        self.detail = detail


class KubeletError(SourceError):
    """One RPC to the kubelet failed."""

    def __init__(self, rpc: str, reason: Reason, detail: str) -> None:
        """Keep which RPC failed."""
        super().__init__("kubelet", reason, f"{rpc}: {detail}")
        self.rpc = rpc


class TopologyError(SourceError):
    """The kernel's NUMA topology could not be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Set the source's name."""
        super().__init__("topology", reason, detail)


class ApiServerError(SourceError):
    """One request to the API server failed, or a watch of it broke."""

    def __init__(
        self,
        verb: str,
        reason: Reason,
        detail: str,
        retry_after_seconds: float | None = None,
        *,
        is_unreached: bool = False,
    ) -> None:
        """
        Keep the verb (`list`, `watch`) and the server's Retry-After, None if it sent none.

        *is_unreached*: there was no connection, so that trying again costs the server nothing.

        *is_unreached*: there was no connection, so that trying again costs the server nothing.
        """
        super().__init__("metadata", reason, f"{verb}: {detail}")
        self.verb = verb
        self.is_unreached = is_unreached
        self.retry_after_seconds = retry_after_seconds


class PodsApiError(SourceError):
    """A stream of the kubelet's Pods API could not be opened, or has ended (it never ends normally)."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the reason and what was seen."""
        super().__init__("metadata", reason, f"watch: {detail}")
        self.verb = "watch"


class ConfigError(PodresError):
    """Flags, environment or a file are wrong; *problems* has one sentence per fault, with its remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep all problems, so that a user can fix them in one go."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class NotFoundError(PodresError):
    """Nothing, or more than one thing, has the given name; *candidates* are similar names."""

    def __init__(self, problem: str, candidates: Sequence[str] = ()) -> None:
        """Keep the candidates; they are added to the message."""
        super().__init__(f"{problem}: {', '.join(candidates)}" if candidates else problem)
        self.candidates = tuple(candidates)


class SnapshotError(PodresError):
    """A one-shot command got no snapshot; the message says why, and what to do about it."""


class DocumentError(PodresError):
    """A snapshot document cannot be read; *path* is the place in it, such as `pods[3].containers[0].name`."""

    def __init__(self, path: str, problem: str) -> None:
        """Keep where it is and what is wrong with it."""
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class DocumentVersionError(DocumentError):
    """A snapshot document has a major version that this release cannot read."""

    def __init__(self, stated: str, readable: str, *, newer: bool) -> None:
        """Keep both versions; *newer* says which side has to be upgraded."""
        remedy = "a newer podres-exporter; upgrade this one" if newer else "an older podres-exporter; upgrade that one"
        super().__init__("apiVersion", f"is {stated} and this release reads {readable}: written by {remedy}")
        self.stated = stated
        self.readable = readable


class SelectionError(PodresError):
    """
    The selection matches nothing, or is ambiguous; *candidates* are names that may be meant.

    The message names them, and ends with the *remedy* if there is one.
    """

    def __init__(self, problem: str, candidates: Sequence[str] = (), remedy: str = "") -> None:
        """Keep the candidates."""
        named = f"{problem}: {', '.join(candidates)}" if candidates else problem
        super().__init__(f"{named}; {remedy}" if remedy else named)
        self.candidates = tuple(candidates)


class OutputError(Exception):
    """Standard output cannot be written: the disk is full, or it was closed."""
