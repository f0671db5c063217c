"""Remove all names from a report, so that it can be published (--hash-names)."""

from dataclasses import replace

from podres_exporter.check.finding import Finding, Report, Verdict

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
