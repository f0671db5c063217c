"""Findings on pods: differences between kubelet and API server, unmet requests, and claims."""

from collections.abc import Callable, Sequence

from podres_exporter.check.evidence import Evidence, Look
from podres_exporter.check.finding import Finding, note, ok, skipped, warning
from podres_exporter.check.findings.apiserver import NO_API_SERVER
from podres_exporter.check.findings.rpcs import RECORDED
from podres_exporter.model import Allocation, Attribution, Explanation, PodKey
from podres_exporter.text.availability import origin_name
from podres_exporter.text.words import counted, pods_text, some

_YOUNG = "the kubelet has only just started: check again in a minute"


def missing_pods(look: Look) -> frozenset[PodKey]:
    """Return the pods that a kubelet has accepted, that have not ended, and that it does not list."""
    if look.listing is None or look.metadata is None:
        return frozenset()
    listed = {pod.key for pod in look.listing.pods}
    running = (meta for meta in look.metadata.pods.values() if not (meta.is_terminal or meta.is_deleting))
    return frozenset(meta.key for meta in running if meta.has_started and meta.key not in listed)


def unknown_pods(look: Look) -> frozenset[PodKey]:
    """Return the pods that the kubelet lists but the API server does not have on this node."""
    if look.listing is None or look.metadata is None:
        return frozenset()
    return frozenset(pod.key for pod in look.listing.pods if pod.key not in look.metadata.pods)


def _finished(look: Look) -> frozenset[PodKey]:
    """Return the pods that have finished but are still listed."""
    if look.listing is None or look.metadata is None:
        return frozenset()
    metas = look.metadata.pods
    return frozenset(pod.key for pod in look.listing.pods if pod.key in metas and metas[pod.key].is_terminal)


def disagrees(look: Look) -> bool:
    """Return whether the sides report different pods; a second observation shows whether that was only temporary."""
    return any(select(look) for select in (missing_pods, unknown_pods, _finished))


def finished_pods(looks: Sequence[Look]) -> frozenset[PodKey]:
    """Return the finished pods that are in every observation."""
    return _lasting(_finished, looks)


def _lasting(select: Callable[[Look], frozenset[PodKey]], looks: Sequence[Look]) -> frozenset[PodKey]:
    """Return what is true in every observation."""
    return frozenset.intersection(*map(select, looks))


def pod_findings(evidence: Evidence, allocation: Allocation | None) -> list[Finding]:
    """
    Return the findings on missing, unknown and finished pods, on requests and on claims.

    *allocation* is None exactly if the kubelet's pods are not known.
    """
    names = ("pods.missing", "pods.unknown", "pods.finished", "pods.requests")
    reason = _why_not(evidence)
    if reason or allocation is None:
        return [*(skipped(name, reason) for name in names), _claims(allocation)]
    compared = [_missing(evidence), _unknown(evidence), _finished_finding(evidence), _requests(allocation)]
    return [*compared, _claims(allocation)]


def _why_not(evidence: Evidence) -> str:
    """Return why the sides cannot be compared, empty if they can."""
    if evidence.is_recorded and evidence.metadata is None:
        return RECORDED
    if evidence.api is None and evidence.podsapi is None and not evidence.is_recorded:
        return NO_API_SERVER
    if evidence.metadata is None:
        return f"{origin_name(None)}'s pods are not known (api.list)" if evidence.api else "see podsapi.watch"
    if evidence.listing is None:
        return "the kubelet's pods are not known (kubelet.list)"
    if evidence.listing.pods and not any(pod.key in evidence.metadata.pods for pod in evidence.listing.pods):
        return "they are another node's pods (api.node-name)"
    return ""


def _missing(evidence: Evidence) -> Finding:
    found = _lasting(missing_pods, evidence.looks)
    if not found:
        return ok(
            "pods.missing",
            f"the kubelet lists every pod that runs here according to {origin_name(evidence.metadata)}",
            pods=0,
        )
    seen = f"{counted(len(found), 'running pod')} of {origin_name(evidence.metadata)}'s not listed by the kubelet"
    age = evidence.wall_seconds - evidence.socket.file.changed_seconds
    remedy = (
        _YOUNG
        if age < evidence.settings.hold_down_seconds
        else "they are in no metric: look for their names in journalctl -u kubelet; a kubelet that cannot reach its "
        "API server knows only some of its pods"
    )
    return warning("pods.missing", f"{seen}: {pods_text(found)}", remedy, pods=len(found))


def _unknown(evidence: Evidence) -> Finding:
    found = _lasting(unknown_pods, evidence.looks)
    if not found:
        return ok("pods.unknown", f"{origin_name(evidence.metadata)} knows every pod that the kubelet lists", pods=0)
    seen = f"{counted(len(found), 'pod')} listed by the kubelet and unknown to {origin_name(evidence.metadata)}"
    remedy = (
        "these are static pods whose mirror pod was rejected, or pods deleted while the kubelet could not reach the "
        "API server: they are exported without labels and owner"
    )
    return note("pods.unknown", f"{seen}: {pods_text(found)}", remedy, pods=len(found))


def _finished_finding(evidence: Evidence) -> Finding:
    """Source: kubernetes #119423, #132020, fixed by #132028 in 1.34; OpenShift has the fix from 4.16 on."""
    found = finished_pods(evidence.looks)
    if not found:
        return ok("pods.finished", "the kubelet lists no pod that has finished", pods=0)
    seen = f"{counted(len(found), 'finished pod')} still listed by the kubelet: {pods_text(found)}"
    remedy = (
        "kubelets up to 1.33 do this; serve ignores such pods and counts them (podres_pods_skipped), other clients "
        "count their devices twice; fixed in 1.34"
    )
    return note("pods.finished", seen, remedy, pods=len(found))


def _requests(allocation: Allocation) -> Finding:
    """Return which containers lack requested devices or CPUs without a known reason."""
    requests = [(view, request) for view in allocation.pods for request in view.requests]
    short = [(view, request) for view, request in requests if request.missing]
    odd = [(view, request) for view, request in short if request.explanation is Explanation.UNEXPLAINED]
    facts = {"requests": len(requests), "missing": len(odd), "explained": len(short) - len(odd)}
    if not odd:
        explained = facts["explained"]
        are = "is" if explained == 1 else "are"
        rest = f"; {explained} {are} held but not listed by the kubelet, as expected" if explained else ""
        seen = f"{counted(len(requests), 'request')} for devices and exclusive CPUs, none unmet{rest}"
        return ok("pods.requests", seen, **facts)
    named = some(
        [
            f"{view.pod.namespace}/{view.pod.name} {request.container} requested {request.requested} "
            f"{request.resource} and has {request.held}"
            for view, request in odd
        ]
    )
    remedy = (
        "see podres-exporter explain POD; if the device plugin has restarted since, recreate the pod; containers "
        "started before the kubelet's checkpoint was removed are never listed again"
    )
    return warning("pods.requests", named, remedy, **facts)


def _claims(allocation: Allocation | None) -> Finding:
    """
    Return which DRA claims are not prepared, and for which it is unknown who uses which device.

    Source: kubelet dra/manager.go lists a claim's devices on each container that refers to it; KEP-4680.
    """
    name = "pods.claims"
    if allocation is None:
        return skipped(name, "the kubelet's pods are not known (kubelet.list)")
    containers = [(view, each) for view in allocation.pods for each in view.containers]
    claims = {(view.pod.namespace, claim.name) for view, each in containers for claim in each.container.claims}
    empty = {
        (view.pod.namespace, claim.name)
        for view, each in containers
        for claim in each.container.claims
        if not claim.devices
    }
    open_ = {
        (view.pod.namespace, use.claim)
        for view, each in containers
        for use in each.claim_uses
        if use.attribution is Attribution.CLAIM
    }
    facts = {"claims": len(claims), "unprepared": len(empty), "undecided": len(open_)}
    if empty:
        seen = f"{counted(len(empty), 'claim')} without devices: {pods_text(empty)}"
        remedy = "the driver has not prepared them: check its log on this node for NodePrepareResources"
        return warning(name, seen, remedy, **facts)
    if open_:
        of_claims = counted(len(open_), "claim")
        seen = f"{of_claims} without a report of which container uses which device: {pods_text(open_)}"
        remedy = (
            "they are exported with attribution=claim; from 1.36 on kubelets report it in the pod's status (feature "
            "gate ResourceHealthStatus, off by default in 1.31 to 1.35), which needs metadata from the API server"
        )
        return note(name, seen, remedy, **facts)
    return ok(name, f"{counted(len(claims), 'DRA claim')}, no problems" if claims else "no DRA claims", **facts)
