"""Reasons for rejecting a pod, in the kubelet's words."""

from dataclasses import dataclass

from podres_exporter.errors import PodresError


@dataclass(frozen=True, slots=True)
class Rejection:
    """
    The *reason* and *message* of a pod that fails admission.

    The kubelet writes the message into the pod's status after `Pod was rejected: ` (measured on 1.36.3).
    """

    reason: str
    message: str


TOPOLOGY_AFFINITY = Rejection("TopologyAffinityError", "Resources cannot be allocated with Topology locality")
"""The policy does not admit the merged hint (kubelet: topologymanager TopologyAffinityError)."""


SMT_ALIGNMENT = "SMTAlignmentError"
"""The reason if whole cores cannot satisfy the request (kubelet: cpumanager ErrorSMTAlignment)."""
OUT_OF = "OutOf"
"""The prefix of the reason if other pods' requests leave too little: OutOfcpu, OutOfmemory, OutOfpods."""


def out_of(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    """
    Return the rejection of a pod whose requests exceed the node's remaining capacity.

    Source: kubelet lifecycle/predicate.go InsufficientResourceError.
    """
    numbers = f"requested: {requested}, used: {used}, capacity: {capacity}"
    return Rejection(f"{OUT_OF}{resource}", f"Node didn't have enough resource: {resource}, {numbers}")


class AllocationError(PodresError):
    """A manager cannot allocate the request; the text is the kubelet's own."""

    @property
    def rejection(self) -> Rejection:
        """The resulting rejection (kubelet: cm/admission, unexpectedAdmissionError)."""
        return Rejection("UnexpectedAdmissionError", f"Allocate failed due to {self}, which is unexpected")


class SmtAlignmentError(AllocationError):
    """The CPU manager allocates whole cores only (option full-pcpus-only) and cannot do so."""

    @property
    def rejection(self) -> Rejection:
        """The resulting rejection (kubelet: an admission error of its own type)."""
        return Rejection(SMT_ALIGNMENT, str(self))
