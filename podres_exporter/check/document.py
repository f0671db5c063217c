"""
A report as JSON, for programs.

    apiVersion   podres/v1
    kind         CheckReport
    generatedAt  when it was made, RFC 3339 in UTC, whole seconds
    exporter     {version}
    node         the node's name, as configured
    verdict      ok, warning or failed: the worst finding; the exit code is 0, 3 or 1
    counts       number of findings by verdict: ok, note, warning, failed, skipped
    findings     in order: {id, verdict, seen, remedy, facts}

*id*s, and the order of the findings, are stable: every report has each of them, once. *seen* and *remedy* are sentences
and may change; *remedy* is empty for ok and skipped. *facts* has the numbers of the sentence under names in camel case;
times are in seconds, sizes in bytes. Keys may be added to facts and to the document within v1.
"""

import re
from dataclasses import replace
from typing import Any

from podres_exporter.check.finding import Finding, Report, Verdict
from podres_exporter.moment import write_moment

API_VERSION, KIND = "podres/v1", "CheckReport"
_UNDERSCORE = re.compile(r"_([a-z])")


def to_document(report: Report, *, generated_at_seconds: float, version: str) -> dict[str, Any]:
    """Return the report as values that JSON has; *generated_at_seconds* are Unix seconds."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "generatedAt": write_moment(float(int(generated_at_seconds))),
        "exporter": {"version": version},
        "node": report.node,
        "verdict": report.verdict.value,
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "verdict": finding.verdict.value,
        "seen": finding.seen,
        "remedy": finding.remedy,
        "facts": {_camel(name): value for name, value in finding.facts.items()},
    }


def _camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


_NAMELESS = ("config", "socket.", "node.")
"""Findings whose texts contain only files, CPUs and flags; any other text may contain a name."""

_LEFT_OUT = "(hidden by --hash-names)"


def without_names(report: Report, node: str) -> Report:
    """Return the report under this pseudonym of the node; verdicts, numbers and texts without names are kept."""
    return Report(node, tuple(_hidden(finding) for finding in report.findings))


def _hidden(finding: Finding) -> Finding:
    # A note on the settings quotes variable names, which may be revealing.
    if finding.id.startswith(_NAMELESS) and (finding.id, finding.verdict) != ("config", Verdict.NOTE):
        return finding
    numbers = {name: fact for name, fact in finding.facts.items() if isinstance(fact, bool | int | float)}
    has_remedy = finding.verdict not in {Verdict.OK, Verdict.SKIPPED}
    return replace(finding, seen=_LEFT_OUT, remedy=_LEFT_OUT if has_remedy else "", facts=numbers)
