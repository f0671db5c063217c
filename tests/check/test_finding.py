"""A report's verdict is the worst of its findings."""

import pytest

from podres_exporter.check.finding import Report, Verdict, failed, note, ok, skipped, warning

GOOD, ODD, BAD = ok("a", "x"), warning("b", "x", "y"), failed("c", "x", "y")


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ((GOOD,), Verdict.OK),
        ((GOOD, note("n", "x", "y"), skipped("s", "z")), Verdict.OK),
        ((GOOD, ODD), Verdict.WARNING),
        ((ODD, BAD, GOOD), Verdict.FAILED),
    ],
)
def test_a_report_is_as_bad_as_its_worst_finding(findings: tuple[object, ...], expected: Verdict) -> None:
    """Notes and skipped findings do not affect the verdict."""
    assert expected is Report("n", findings).verdict  # type: ignore[arg-type]


def test_findings_are_counted_by_verdict() -> None:
    report = Report("n", (GOOD, ODD, ODD))

    assert (1, 2, 0) == (report.count(Verdict.OK), report.count(Verdict.WARNING), report.count(Verdict.FAILED))
