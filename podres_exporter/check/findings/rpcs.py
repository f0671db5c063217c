"""Findings on the RPCs of the kubelet: those of the pod-resources API, and the Pods API as a source of metadata."""

from podres_exporter.check.evidence import Call, Evidence
from podres_exporter.check.finding import Finding, failed, note, ok, skipped, warning
from podres_exporter.errors import Reason
from podres_exporter.model import Allocatable, Listing, MetadataOrigin
from podres_exporter.printable import printable
from podres_exporter.text.amounts import seconds_text
from podres_exporter.text.availability import remedy_of
from podres_exporter.text.words import counted

LIST, ALLOCATABLE, GET = "List", "GetAllocatableResources", "Get"
NOT_CONNECTED = "not connected (socket.connect)"
RECORDED = "not part of a recording"

_ALLOCATABLE_GATE = (
    "upgrade the kubelet to 1.23 or newer; on 1.21 and 1.22 enable the feature gate "
    "KubeletPodResourcesGetAllocatable; on 1.23 to 1.27 it was disabled explicitly"
)
_GET_GATE = (
    "no action needed: changes are seen at the next poll instead of within a second; enabled by default from 1.34 "
    "(feature gate KubeletPodResourcesGet, available from 1.27)"
)
_REMEDIES = {
    Reason.TIMEOUT: "the kubelet hangs or is overloaded: journalctl -u kubelet; --kubelet.timeout only helps if it is "
    "merely slow",
    Reason.THROTTLED: "see kubelet.rate-limit",
    Reason.TOO_LARGE: "see kubelet.size",
    Reason.MALFORMED: "the answering process is not a kubelet, or the answer is damaged: check --kubelet.socket",
    Reason.UNAVAILABLE: "the connection broke: if the kubelet is restarting, check again in a minute, else "
    "journalctl -u kubelet",
    Reason.DENIED: "run as UID 0 (runAsUser: 0)",
    Reason.UNIMPLEMENTED: (
        "the answering process is not a kubelet of 1.20 or newer: check --kubelet.socket, or upgrade the kubelet"
    ),
}
_OTHERWISE = "see the kubelet's log at this time: journalctl -u kubelet"


def rpc_findings(evidence: Evidence) -> list[Finding]:
    """Return the findings on List, GetAllocatableResources and Get."""
    return [_list(evidence), _allocatable(evidence), _get(evidence)]


def _list(evidence: Evidence) -> Finding:
    call, listing = evidence.calls.get(LIST), evidence.listing
    if call is None:
        return skipped("kubelet.list", NOT_CONNECTED)
    if call.reason is not None or listing is None:
        return _no_answer("kubelet.list", call, evidence)
    numbers = _listed(listing)
    seen = (
        f"{counted(numbers['pods'], 'pod')}, {counted(numbers['containers'], 'container')}, "
        f"{counted(numbers['devices'], 'device')} held{_took(call, ', in ')}"
    )
    return _unless_slow("kubelet.list", seen, call, evidence.settings.timeout_seconds, numbers)


def _listed(listing: Listing) -> dict[str, int]:
    containers = [container for pod in listing.pods for container in pod.containers]
    return {
        "pods": len(listing.pods),
        "containers": len(containers),
        "devices": sum(len(container.devices) for container in containers),
    }


def _allocatable(evidence: Evidence) -> Finding:
    name, call, answer = "kubelet.allocatable", evidence.calls.get(ALLOCATABLE), evidence.allocatable
    if call is None:
        return skipped(name, NOT_CONNECTED)
    if call.reason in {Reason.UNIMPLEMENTED, Reason.DISABLED}:
        what = "switched off" if call.reason is Reason.DISABLED else "unknown to this kubelet"
        seen = f"{ALLOCATABLE} is {what}: free devices, CPUs and memory are not known"
        return warning(name, seen, _ALLOCATABLE_GATE, **_facts(call))
    if call.reason is not None or answer is None:
        return _no_answer(name, call, evidence)
    numbers = _offered(answer)
    seen = (
        f"{counted(numbers['devices'], 'device')} of {counted(numbers['resources'], 'resource')}, "
        f"{counted(numbers['cpus'], 'CPU')}, {counted(numbers['memory_blocks'], 'memory block')}"
        f"{_took(call, ', in ')}"
    )
    return _unless_slow(name, seen, call, evidence.settings.timeout_seconds, numbers)


def _offered(answer: Allocatable) -> dict[str, int]:
    return {
        "devices": len(answer.devices),
        "resources": len({device.resource for device in answer.devices}),
        "cpus": len(answer.cpus),
        "memory_blocks": len(answer.memory),
    }


def _get(evidence: Evidence) -> Finding:
    name, call = "kubelet.get", evidence.calls.get(GET)
    if call is None:
        if evidence.is_recorded:
            return skipped(name, RECORDED)
        no_pod = "there is no pod to request"
        return skipped(name, no_pod if evidence.socket.is_connected else NOT_CONNECTED)
    if call.reason in {Reason.UNIMPLEMENTED, Reason.DISABLED}:
        what = "switched off" if call.reason is Reason.DISABLED else "unknown to this kubelet"
        return note(name, f"{GET} is {what}", _GET_GATE, **_facts(call))
    if call.reason not in {None, Reason.NOT_FOUND}:
        return _no_answer(name, call, evidence)
    seen = f"answered{_took(call, ' in ')}"
    return _unless_slow(name, seen, call, evidence.settings.timeout_seconds, {})


def _no_answer(name: str, call: Call, evidence: Evidence) -> Finding:
    """Return that there is no usable answer; a cause that affects List and all others is explained once."""
    reason = call.reason or Reason.INTERNAL
    seen = f"{reason.value.replace('_', ' ')}{_took(call, ' after ')}: {printable(call.detail)}"
    first = evidence.calls.get(LIST, call)
    is_told = first is not call and first.reason is reason
    remedy = "see kubelet.list" if is_told else _REMEDIES.get(reason, _OTHERWISE)
    return failed(name, seen, remedy, **_facts(call))


def _took(call: Call, before: str) -> str:
    """Return how long it took, after a word; nothing where that was not recorded."""
    return "" if call.seconds is None else f"{before}{seconds_text(call.seconds)}"


def _facts(call: Call) -> dict[str, str | int | float | None]:
    return {"reason": call.reason and call.reason.value, "seconds": call.seconds, "size_bytes": call.size_bytes}


def _unless_slow(name: str, seen: str, call: Call, timeout_seconds: float, numbers: dict[str, int]) -> Finding:
    """Return that all is well, unless the answer took more than half of the timeout."""
    facts = {**_facts(call), **numbers}
    if call.seconds is not None and call.seconds > timeout_seconds / 2:
        seen = f"{seen}: more than half of --kubelet.timeout ({timeout_seconds:g}s)"
        return warning(name, seen, "find out what keeps the kubelet busy, or give it more time", **facts)
    return ok(name, seen, **facts)


_PODS_API = "podsapi.watch"


def podsapi_findings(evidence: Evidence) -> list[Finding]:
    """Return whether the kubelet's Pods API sends its pods, and all of them; nothing if it is not the source."""
    found = evidence.podsapi
    if found is None:
        return []
    path = printable(found.path)
    if found.error is not None:
        remedy = f"{remedy_of(MetadataOrigin.PODSAPI, found.error.reason)}, or use another --metadata.source"
        return [failed(_PODS_API, printable(found.error.detail), remedy, reason=found.error.reason.value)]
    seen = f"{path}: {counted(found.pods, 'pod')} received in {seconds_text(found.seconds)}"
    if not found.is_complete:
        remedy = (
            "the kubelet has just started, cannot reach its API server, or runs only static pods; in a pod, "
            "POD_NAMESPACE and POD_NAME must be set"
        )
        return [warning(_PODS_API, f"{seen}, but possibly not all", remedy, pods=found.pods)]
    return [ok(_PODS_API, seen, pods=found.pods)]
