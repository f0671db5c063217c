"""Records of pod lists and pod watch events."""

from dataclasses import dataclass

from podres_exporter.model import Malformed, PodKey
from podres_exporter.podmeta.pod import DecodedPod


@dataclass(frozen=True, slots=True)
class PodList:
    """
    All pods of a list at *resource_version* (empty: not stated); *malformed* are the items left out of *pods*.

    *foreign* is the number of pods of other nodes that were left out.
    """

    pods: tuple[DecodedPod, ...]
    resource_version: str
    malformed: tuple[Malformed, ...] = ()
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """A pod was added or modified (ADDED, MODIFIED)."""

    pod: DecodedPod


@dataclass(frozen=True, slots=True)
class Foreign:
    """A pod of another node changed: the server ignores the field selector."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A pod was deleted. A later one of the same name has another *uid*."""

    key: PodKey
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Nothing else happened up to *resource_version*."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Failed:
    """
    The watch failed with the API server's Status. A *code* of 410 requires a new list; 0 means that none is stated.

    Source: an expired watch is an HTTP 200 with this event, then the connection closes.
    """

    code: int
    reason: str
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a type that this release does not know."""

    type: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """An event whose pod cannot be used, and why; *resource_version* is empty if unreadable."""

    path: str
    problem: str
    resource_version: str


Event = Changed | Foreign | Deleted | Bookmark | Failed | Unknown | Unusable
"""Any event of a watch."""
