"""What lists and watches of pods say, as records."""

from dataclasses import dataclass

from podres_exporter.model import Malformed, PodKey
from podres_exporter.podmeta.pod import DecodedPod


@dataclass(frozen=True, slots=True)
class PodList:
    """
    All pods of a list as of *resource_version* (empty: not stated); *malformed* are the items left out of *pods*.

    *foreign* is how many pods of other nodes were left out.
    """

    pods: tuple[DecodedPod, ...]
    resource_version: str
    malformed: tuple[Malformed, ...] = ()
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """A pod is new, or other than before (ADDED, MODIFIED)."""

    pod: DecodedPod


@dataclass(frozen=True, slots=True)
class Foreign:
    """A pod of another node has changed: the server does not respect the field selector."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A pod is gone. A later one of the same name has another *uid*."""

    key: PodKey
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Nothing happened up to *resource_version*."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Failed:
    """
    The watch is over, with the API server's Status. A *code* of 410 asks for a new list; 0 means that none is stated.

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
    """An event of a pod that cannot be used, and why; *resource_version* is empty where it cannot be read either."""

    path: str
    problem: str
    resource_version: str


Event = Changed | Foreign | Deleted | Bookmark | Failed | Unknown | Unusable
"""What one line of a watch can say."""
