"""One finding of `check`, with its verdict and remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Fact = str | int | float | bool | list[str] | None
Facts = dict[str, Fact]


class Verdict(StrEnum):
    """
    OK: as it should be. NOTE: informational, nothing is missing that could be had. WARNING: something is missing from
    the exporter's output, or soon will be. FAILED: a source is unusable. SKIPPED: could not be checked.
    """

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One finding. *facts* are the numbers in the sentence, for programs; *remedy* is empty for OK and SKIPPED.

    *seen* and *remedy* are safe to print.
    """

    id: str
    verdict: Verdict
    seen: str
    remedy: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)


def ok(name: str, seen: str, **facts: Fact) -> Finding:
    """Return a finding that all is well."""
    return Finding(name, Verdict.OK, seen, "", facts)


def note(name: str, seen: str, remedy: str, **facts: Fact) -> Finding:
    """Return an informational finding."""
    return Finding(name, Verdict.NOTE, seen, remedy, facts)


def warning(name: str, seen: str, remedy: str, **facts: Fact) -> Finding:
    """Return a finding that something is missing, or soon will be."""
    return Finding(name, Verdict.WARNING, seen, remedy, facts)


def failed(name: str, seen: str, remedy: str, **facts: Fact) -> Finding:
    """Return a finding that a source is unusable."""
    return Finding(name, Verdict.FAILED, seen, remedy, facts)


def skipped(name: str, why: str) -> Finding:
    """Return a finding that it could not be checked, and why."""
    return Finding(name, Verdict.SKIPPED, why)


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one check, always the same ids in the same order; *node* is the checked node's name."""

    node: str
    findings: Sequence[Finding]

    def count(self, verdict: Verdict) -> int:
        """Return the number of findings with the verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict; notes and skipped findings do not count."""
        for worst in (Verdict.FAILED, Verdict.WARNING):
            if self.count(worst):
                return worst
        return Verdict.OK
