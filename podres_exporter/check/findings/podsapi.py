"""The finding on the kubelet's Pods API, where it is the source of pod metadata."""

from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Finding, failed, ok, warning
from podres_exporter.model import MetadataOrigin
from podres_exporter.printable import printable
from podres_exporter.text.amounts import seconds_text
from podres_exporter.text.availability import remedy_of
from podres_exporter.text.words import counted

NAME = "podsapi.watch"


def podsapi_findings(evidence: Evidence) -> list[Finding]:
    """Return whether the kubelet's Pods API sends its pods, and all of them; nothing if it is not the source."""
    found = evidence.podsapi
    if found is None:
        return []
    path = printable(found.path)
    if found.error is not None:
        remedy = f"{remedy_of(MetadataOrigin.PODSAPI, found.error.reason)}, or use another --metadata.source"
        return [failed(NAME, printable(found.error.detail), remedy, reason=found.error.reason.value)]
    seen = f"{path}: {counted(found.pods, 'pod')} received in {seconds_text(found.seconds)}"
    if not found.is_complete:
        remedy = (
            "the kubelet has just started, cannot reach its API server, or runs only static pods; in a pod, "
            "POD_NAMESPACE and POD_NAME must be set"
        )
        return [warning(NAME, f"{seen}, but possibly not all", remedy, pods=found.pods)]
    return [ok(NAME, seen, pods=found.pods)]
