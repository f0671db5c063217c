"""Findings on the exporter's own setup: its settings, and its own pod, which shows what the kubelet knows."""

from podres_exporter.allocation import Site, own_pod
from podres_exporter.check.evidence import Evidence, Settings
from podres_exporter.check.finding import Finding, note, ok, skipped, warning
from podres_exporter.text.words import joined, some


def settings_finding(settings: Settings) -> Finding:
    """Return the settings that differ from the defaults, and unknown variables that look like ours."""
    given = list(settings.given)
    if settings.strangers:
        names = [name for name, _ in settings.strangers]
        meant = [f"{name}: did you mean {near}?" for name, near in settings.strangers if near]
        return note(
            "config",
            f"valid, but unknown and ignored: {some(names)}",
            " ".join(["unset them, or correct their names.", *meant]),
            given=given,
            unread=names,
        )
    text = f"valid; given: {joined(given)}" if given else "valid; all defaults"
    return ok("config", text, given=given)


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
