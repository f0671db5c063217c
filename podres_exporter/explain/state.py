"""Determine the state of a pod from kubelet and API server: listed, rejected, finished, pending."""

from podres_exporter.admission import SMT_ALIGNMENT, TOPOLOGY_AFFINITY
from podres_exporter.explain.account import State
from podres_exporter.model import PodMeta, PodView, Snapshot

_REFUSALS = frozenset(
    {
        TOPOLOGY_AFFINITY.reason,
        "UnexpectedAdmissionError",
        SMT_ALIGNMENT,
        "NodeAffinity",
        "NodeName",
        "NodePorts",
        "NodeShutdown",
        "PodOSNotSupported",
        "PodOSSelectorNodeLabelDoesNotMatch",
        "InvalidNodeInfo",
        "UnexpectedPredicateFailureType",
    }
)
_OUT_OF = "OutOf"
_REFUSED = "Pod was rejected: "


def state_of(snapshot: Snapshot, view: PodView | None, meta: PodMeta | None) -> State:
    """Return the pod's state; *view* is from the kubelet, *meta* from the API server."""
    if view is not None:
        return State.LISTED
    if meta is not None and was_refused(meta):
        return State.REJECTED
    if meta is not None and meta.phase in {"Succeeded", "Failed"}:
        return State.FINISHED
    if meta is not None and not meta.has_started:
        return State.PENDING
    return State.UNTOLD if snapshot.allocation is None else State.MISSING


def was_refused(meta: PodMeta) -> bool:
    """
    Return whether a kubelet rejected the pod at admission; eviction and the like happen later and do not count.

    Source: kubelet rejectPod (its message), lifecycle/predicate.go and cm/admission (reasons).
    """
    if meta.phase != "Failed":
        return False
    return meta.reason in _REFUSALS or meta.reason.startswith(_OUT_OF) or meta.message.startswith(_REFUSED)
