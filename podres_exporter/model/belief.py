"""What may be shown of the pods, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.model.allocation import Pod, Unknown
from podres_exporter.model.doubles import DoubleHeld
from podres_exporter.model.metadata import PodKey


class Mark(StrEnum):
    """
    How a pod's rows are known.

    CURRENT: the running kubelet lists it. RETAINED: the kubelet listed it before its restart and has not since; what it
    held counts as held. UNCONFIRMED: there is news of the pod, and the kubelet could not be asked about it.
    """

    CURRENT = "current"
    RETAINED = "retained"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class MarkedPod:
    """A pod as the kubelet last said it, and how sure that is; *is_finished*: the API server says that it has ended."""

    pod: Pod
    mark: Mark = Mark.CURRENT
    is_finished: bool = False


@dataclass(frozen=True, slots=True)
class Belief:
    """
    How sure a listing is.

    *marks* are those of pods whose rows are not current; *finished* are pods of the listing that have ended, None where
    only the metadata can tell. *unknown*: of what more may be held than is listed, as by the *unlisted* pods, which the
    API server says run here. *doubles* are what two living pods hold, None where that cannot be judged.
    """

    marks: Mapping[PodKey, Mark] = field(default_factory=dict)
    finished: frozenset[PodKey] | None = None
    unknown: Unknown = field(default_factory=Unknown)
    unlisted: tuple[PodKey, ...] = ()
    doubles: tuple[DoubleHeld, ...] | None = None
