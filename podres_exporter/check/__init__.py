"""
Diagnose a node: findings with remedies, judged from gathered evidence.

Pure: `judge` turns Evidence into a Report, `text_lines` and `to_document` render it. The evidence is gathered elsewhere
(`cli.probe`).
"""

from podres_exporter.check.document import to_document, without_names
from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Finding, Report, Verdict
from podres_exporter.check.judge import judge
from podres_exporter.check.text import text_lines

__all__ = ["Evidence", "Finding", "Report", "Verdict", "judge", "text_lines", "to_document", "without_names"]
