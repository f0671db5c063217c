"""A report as text: one line per finding, with the remedy below it."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from podres_exporter.check.finding import Finding, Report, Verdict
from podres_exporter.text.words import counted, joined

COLUMNS = 80
_MARKS = {
    Verdict.OK: "ok  ",
    Verdict.NOTE: "note",
    Verdict.WARNING: "warn",
    Verdict.FAILED: "FAIL",
    Verdict.SKIPPED: "skip",
}
_COLOURS = {
    Verdict.OK: "32",
    Verdict.NOTE: "36",
    Verdict.WARNING: "33",
    Verdict.FAILED: "1;31",
    Verdict.SKIPPED: "2",
}
"""Numbers of ECMA-48's SGR: green, cyan, yellow, bold red, faint."""


def text_lines(report: Report, *, colours: bool) -> Iterator[str]:
    """Yield the lines, at most 80 columns wide unless a single word is longer; groups are separated by empty lines."""
    width = max(len(finding.id) for finding in report.findings)
    for number, (_, findings) in enumerate(groupby(report.findings, key=_group)):
        if number:
            yield ""
        for finding in _folded(findings):
            yield from _finding_lines(finding, width, colours=colours)
    yield ""
    yield from textwrap.wrap(summary(report), COLUMNS, break_long_words=False, break_on_hyphens=False)


def _group(finding: Finding) -> str:
    return finding.id.partition(".")[0]


def _folded(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings; consecutive ones that were skipped for the same reason are merged into the first."""
    for (verdict, seen), group in groupby(findings, key=lambda each: (each.verdict, each.seen)):
        same = list(group)
        if verdict is Verdict.SKIPPED and len(same) > 1:
            yield replace(same[0], seen=f"and {len(same) - 1} more: {seen}")
        else:
            yield from same


def _finding_lines(finding: Finding, width: int, *, colours: bool) -> Iterator[str]:
    """Yield mark, name and what was seen, with the remedy below it."""
    head = f"{_MARKS[finding.verdict]}  {finding.id:<{width}}  "
    for number, line in enumerate(_wrapped(finding.seen, len(head))):
        begin = head if number == 0 else " " * len(head)
        if colours and number == 0:
            mark = _MARKS[finding.verdict]
            begin = f"\x1b[{_COLOURS[finding.verdict]}m{mark}\x1b[0m{head.removeprefix(mark)}"
        yield (begin + line).rstrip()
    for number, line in enumerate(_wrapped(finding.remedy, 9)):
        yield f"      {'-> ' if number == 0 else '   '}{line}"


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, COLUMNS - indent, break_long_words=False, break_on_hyphens=False)


def summary(report: Report) -> str:
    """Return the counts as a sentence, and the finding to start with, because later ones depend on it."""
    names = {
        Verdict.FAILED: "failed",
        Verdict.WARNING: "",
        Verdict.NOTE: "",
        Verdict.OK: "ok",
        Verdict.SKIPPED: "skipped",
    }
    parts = []
    for verdict, word in names.items():
        count = report.count(verdict)
        if count:
            parts.append(f"{count} {word}" if word else counted(count, verdict.value))
    text = f"{joined(parts)}."
    if report.verdict is Verdict.OK:
        return text
    first = next(finding for finding in report.findings if finding.verdict is report.verdict)
    return f"{text} Start with {first.id}."
