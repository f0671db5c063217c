"""The finding on pod labels that are missing: the allow-list compared with the labels that pods have."""

from collections.abc import Mapping

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.check.evidence import Evidence, PodsAnswer
from podres_exporter.check.finding import Facts, Finding, note, ok, skipped, warning
from podres_exporter.check.findings.apiserver import why_not_asked
from podres_exporter.printable import printable
from podres_exporter.text.words import counted, some

_MOST = 5
_OTHER_LABELS = 5
"""node, namespace and pod, plus job and instance, which Prometheus adds."""
MOST_SERIES_LABELS = 30
"""Source: Mimir and Cortex max-label-names-per-series, VictoriaMetrics maxLabelsPerTimeseries: 30 by default."""
_FLAG = "--metadata.pod-labels-allowlist"


def labels_finding(evidence: Evidence) -> Finding:
    """Return whether the allow-list matches any label of the node's pods."""
    name, allowlist = "api.labels", evidence.settings.allowlist
    if evidence.api is None:
        return skipped(name, why_not_asked(evidence))
    if allowlist == LabelAllowlist():
        return ok(name, f"no labels are configured ({_FLAG} is empty): podres_pod_labels is absent", allowed=0)
    answer = evidence.api.pods
    if not isinstance(answer, PodsAnswer) or not answer.pods:
        return skipped(name, "no pod's labels are known (api.list)")
    finding = _compared(allowlist, answer)
    metas = evidence.metadata.pods.values() if evidence.metadata else ()
    most = max((len(meta.labels) for meta in metas), default=0)
    return _too_many(finding, most) if most + _OTHER_LABELS > MOST_SERIES_LABELS else finding


def _too_many(finding: Finding, most: int) -> Finding:
    """Return the finding with what metric stores do to a series with that many labels."""
    seen = f"{finding.seen}; a pod with {most} gives a series with more than {MOST_SERIES_LABELS} labels"
    remedy = (
        f"allow fewer labels: Mimir and Cortex reject series with more than {MOST_SERIES_LABELS} labels, and "
        "VictoriaMetrics drops some of them, unless their limits were raised"
    )
    return warning(finding.id, seen, remedy, **finding.facts)


def _compared(allowlist: LabelAllowlist, answer: PodsAnswer) -> Finding:
    """Return the comparison of allowed and existing labels."""
    name = "api.labels"
    there = [key for key in answer.label_keys if allowlist.allows(key)]
    unmatched = _unmatched(allowlist, answer.label_keys)
    facts: Facts = {"allowed": len(there), "unmatched": unmatched}
    if not there:
        seen = f"{_FLAG} matches no label of {counted(answer.pods, 'pod')}: none has {some(unmatched)}"
        return warning(name, seen, _advice(answer), **facts)
    seen = f"{counted(len(there), 'label')} of {counted(answer.pods, 'pod')} shown: {some(sorted(there))}"
    if unmatched:
        return note(name, f"{seen}; no pod has {some(unmatched)}", _advice(answer), **facts)
    return ok(name, seen, **facts)


def _unmatched(allowlist: LabelAllowlist, keys: Mapping[str, int]) -> list[str]:
    """Return the names and patterns that no pod's label matches."""
    patterns = [f"{prefix}*{suffix}" for prefix, suffix in allowlist.patterns]
    idle = [
        pattern
        for pattern, parts in zip(patterns, allowlist.patterns, strict=True)
        if not any(LabelAllowlist(patterns=(parts,)).allows(key) for key in keys)
    ]
    return [*sorted(allowlist.keys - keys.keys()), *idle]


def _advice(answer: PodsAnswer) -> str:
    """Return labels that would match, the most frequent first."""
    common = sorted(answer.label_keys, key=lambda key: (-answer.label_keys[key], key))[:_MOST]
    if not common:
        return "the pods of this node have no labels at all"
    return f"use the label names that kubectl shows; this node's pods have {', '.join(map(printable, common))}"
