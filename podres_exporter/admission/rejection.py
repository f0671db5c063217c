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


SMT_ALIGNMENT = "SMTAlignmentError"
"""The reason of a pod that whole cores cannot serve (kubelet: cpumanager ErrorSMTAlignment)."""
OUT_OF = "OutOf"
"""How the reason begins where other pods' requests leave too little: OutOfcpu, OutOfmemory, OutOfpods."""


def out_of(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    """
    Return the rejection of a pod whose requests the node's capacity does not cover.

    Source: kubelet lifecycle/predicate.go InsufficientResourceError.
    """
    numbers = f"requested: {requested}, used: {used}, capacity: {capacity}"
    return Rejection(f"{OUT_OF}{resource}", f"Node didn't have enough resource: {resource}, {numbers}")


class AllocationError(PodresError):
    """A manager cannot give what was asked; the text is the kubelet's own."""

    @property
    def rejection(self) -> Rejection:
        """What becomes of the pod (kubelet: cm/admission, unexpectedAdmissionError)."""
        return Rejection("UnexpectedAdmissionError", f"Allocate failed due to {self}, which is unexpected")


class SmtAlignmentError(AllocationError):
    """The CPU manager gives whole cores only (option full-pcpus-only) and cannot give these."""

    @property
    def rejection(self) -> Rejection:
        """What becomes of the pod (kubelet: an admission error of its own type)."""
        return Rejection(SMT_ALIGNMENT, str(self))
