"""Remove all names from a report, so that it can be published (--hash-names)."""

from dataclasses import replace

from podres_exporter.check.finding import Finding, Report, Verdict

_NAMELESS = ("config", "socket.", "node.")
"""Findings whose texts speak of files, CPUs and flags alone; every other text may quote a name."""

_LEFT_OUT = "(hidden by --hash-names)"


def without_names(report: Report, node: str) -> Report:
    """Return the report for a node of this pseudonym; verdicts and numbers stay, and texts that can hold no name."""
    return Report(node, tuple(_hidden(finding) for finding in report.findings))


def _hidden(finding: Finding) -> Finding:
    # A note on the settings quotes variables that somebody else has named.
    if finding.id.startswith(_NAMELESS) and (finding.id, finding.verdict) != ("config", Verdict.NOTE):
        return finding
    numbers = {name: fact for name, fact in finding.facts.items() if isinstance(fact, bool | int | float)}
    has_remedy = finding.verdict not in {Verdict.OK, Verdict.SKIPPED}
    return replace(finding, seen=_LEFT_OUT, remedy=_LEFT_OUT if has_remedy else "", facts=numbers)
