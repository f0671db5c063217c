"""The finding on devices and CPUs that two pods hold at the same time."""

from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Facts, Finding, note, ok, skipped, warning
from podres_exporter.model import Certainty, DoubleHeld
from podres_exporter.text.words import counted, double_text

NAME = "node.double-held"
_MOST = 5
_REMEDY = (
    "delete one of the pods, so that its controller recreates it: two programs use one device or CPU. Kubelets before "
    "1.38 do this when a client calls List during an allocation: find agents that poll the pod-resources API often "
    "(kubelet_pod_resources_endpoint_requests_list), and see PodresDeviceHeldTwice in deploy/rules/RUNBOOKS.md"
)
_POSSIBLE_REMEDY = (
    "harmless if one of the claims has the device for admin access (adminAccess in its request), which was not read"
)


def double_finding(evidence: Evidence) -> Finding:
    """Return what two running pods hold together in two observations, two seconds apart."""
    doubles = evidence.doubles
    if evidence.listing is None:
        return skipped(NAME, "the kubelet's pods are not known (kubelet.list)")
    if doubles is None:
        return skipped(NAME, "this kubelet lists finished pods too, and the API server's pods are not known (api.list)")
    certain = [each for each in doubles if each.certainty is Certainty.CERTAIN]
    facts: Facts = {
        "certain": len(certain),
        "possible": len(doubles) - len(certain),
        "held": [*map(double_text, doubles)],
    }
    if certain:
        return warning(NAME, f"{counted(len(certain), 'thing')} held by two pods: {_named(certain)}", _REMEDY, **facts)
    if doubles:
        seen = f"{counted(len(doubles), 'DRA device')} in two claims: {_named(doubles)}"
        return note(NAME, seen, _POSSIBLE_REMEDY, **facts)
    return ok(NAME, "nothing is held by two pods", **facts)


def _named(doubles: list[DoubleHeld] | tuple[DoubleHeld, ...]) -> str:
    texts = [double_text(each) for each in doubles[:_MOST]]
    more = len(doubles) - len(texts)
    return "; ".join(texts) + (f" and {more} more" if more else "")
