"""The finding on the exporter's own pod, by which it knows whether a kubelet has had the pods of its API server."""

from podres_exporter.allocation import Site, own_pod
from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Finding, ok, skipped, warning

NAME = "node.own-pod"
_WRONG = "set POD_NAMESPACE and POD_NAME from metadata.namespace and metadata.name (downward API), as the chart does"
_NO_PODS = (
    "see the kubelet's log: it cannot reach its API server, or its credentials have expired. Until it can, what is "
    "free is shown as it was known before, or not at all"
)


def own_findings(evidence: Evidence) -> list[Finding]:
    """Return whether the kubelet lists the pod that this runs in; nothing where that is not known, or is static."""
    settings, listing = evidence.settings, evidence.listing
    own = settings.own_pod and own_pod(*settings.own_pod, settings.node)
    if own is None:
        return []
    if listing is None:
        return [skipped(NAME, "the kubelet's pods are not known (kubelet.list)")]
    name = "/".join(own)
    keys = [pod.key for pod in listing.pods]
    if own in keys:
        return [ok(NAME, f"the kubelet lists {name}, the pod that this runs in")]
    if Site(settings.node, own).has_others(keys, evidence.metadata):
        return [warning(NAME, f"the kubelet lists other pods, and not {name}, which the environment names", _WRONG)]
    return [warning(NAME, f"the kubelet lists static pods only, and not {name}, the pod that this runs in", _NO_PODS)]
