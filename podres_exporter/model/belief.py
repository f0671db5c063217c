"""How certain a listing is: which pods are current, retained from before a kubelet restart, or unconfirmed."""

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
    held still counts as held. UNCONFIRMED: the pod has changed, and the kubelet could not be queried about it since.
    """

    CURRENT = "current"
    RETAINED = "retained"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class MarkedPod:
    """
    A pod as last reported by the kubelet, and how certain that is; *is_finished*: the API server reports that it has
    ended.
    """

    pod: Pod
    mark: Mark = Mark.CURRENT
    is_finished: bool = False


@dataclass(frozen=True, slots=True)
class Belief:
    """
    How certain a listing is.

    *marks* has the pods whose rows are not current; *finished* are listed pods that have ended, None if only the
    metadata knows. *unknown* are resources of which more may be held than is listed, for example by the *unlisted*
    pods, which run here according to the API server. *given_up* are such pods that the kubelet will not list any more:
    nothing is held for them. *doubles* are items held by two running pods, None if that cannot be judged.
    """

    marks: Mapping[PodKey, Mark] = field(default_factory=dict)
    finished: frozenset[PodKey] | None = None
    unknown: Unknown = field(default_factory=Unknown)
    unlisted: tuple[PodKey, ...] = ()
    given_up: tuple[PodKey, ...] = ()
    doubles: tuple[DoubleHeld, ...] | None = None
