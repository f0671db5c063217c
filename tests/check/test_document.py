"""The report as JSON."""

import json

from check_rig import healthy

from podres_exporter.check import Report, judge, to_document
from podres_exporter.check.finding import note, ok


def test_a_report_has_a_version_a_verdict_its_counts_and_its_findings() -> None:
    report = Report("n1", (ok("a", "well", size_bytes=3, names=["x"]), note("b", "odd", "mend", first=None)))
    document = to_document(report, generated_at_seconds=1_700_000_000.9, version="1.2.3")

    assert {
        "apiVersion": "podres/v1",
        "kind": "CheckReport",
        "generatedAt": "2023-11-14T22:13:20Z",
        "exporter": {"version": "1.2.3"},
        "node": "n1",
        "verdict": "ok",
        "counts": {"ok": 1, "note": 1, "warning": 0, "failed": 0, "skipped": 0},
        "findings": [
            {"id": "a", "verdict": "ok", "seen": "well", "remedy": "", "facts": {"sizeBytes": 3, "names": ["x"]}},
            {"id": "b", "verdict": "note", "seen": "odd", "remedy": "mend", "facts": {"first": None}},
        ],
    } == document


def test_every_finding_can_be_written_as_json() -> None:
    document = to_document(judge(healthy()), generated_at_seconds=0.0, version="x")

    assert document == json.loads(json.dumps(document, allow_nan=False))
