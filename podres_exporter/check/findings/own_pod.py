"""The finding on the exporter's own pod, which shows whether a kubelet has received its API server's pods."""

from podres_exporter.allocation import Site, own_pod
from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Finding, ok, skipped, warning

NAME = "node.own-pod"
_WRONG = "set POD_NAMESPACE and POD_NAME from metadata.namespace and metadata.name (downward API), as the chart does"
_NO_PODS = (
    "see the kubelet's log: it cannot reach its API server, or its credentials have expired. Until it can, free "
    "amounts are shown as last known, or not at all"
)


def own_findings(evidence: Evidence) -> list[Finding]:
    """Return whether the kubelet lists the exporter's own pod; nothing if that is unknown, or a static pod."""
    settings, listing = evidence.settings, evidence.listing
    own = settings.own_pod and own_pod(*settings.own_pod, settings.node)
    if own is None:
        return []
    if listing is None:
        return [skipped(NAME, "the kubelet's pods are not known (kubelet.list)")]
    name = "/".join(own)
    keys = [pod.key for pod in listing.pods]
    if own in keys:
        return [ok(NAME, f"the kubelet lists {name}, this exporter's own pod")]
    if Site(settings.node, own).has_others(keys, evidence.metadata):
        return [
            warning(
                NAME, f"the kubelet lists other pods, but not {name}, which POD_NAMESPACE and POD_NAME name", _WRONG
            )
        ]
    return [warning(NAME, f"the kubelet lists static pods only, and not {name}, this exporter's own pod", _NO_PODS)]
