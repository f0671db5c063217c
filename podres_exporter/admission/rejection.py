"""Why a pod is not admitted, in the kubelet's words."""

from dataclasses import dataclass

from podres_exporter.errors import PodresError


@dataclass(frozen=True, slots=True)
class Rejection:
    """
    The *reason* and *message* of a pod that fails admission.

    The kubelet writes the message into the pod's status behind `Pod was rejected: ` (measured on 1.36.3).
    """

    reason: str
    message: str


TOPOLOGY_AFFINITY = Rejection("TopologyAffinityError", "Resources cannot be allocated with Topology locality")
"""The policy admits none of the merged hints (kubelet: topologymanager TopologyAffinityError)."""


class AllocationError(PodresError):
    """A manager cannot give what was asked; the text is the kubelet's own."""

    @property
    def rejection(self) -> Rejection:
        """What becomes of the pod (kubelet: cm/admission, unexpectedAdmissionError)."""
        return Rejection("UnexpectedAdmissionError", f"Allocate failed due to {self}, which is unexpected")
