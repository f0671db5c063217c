"""Render the health of a cluster's exporters as text and JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from podres_exporter.check.finding import Finding, Verdict
from podres_exporter.cluster.documents import failed_documents
from podres_exporter.cluster.health import Health, NodeHealth
from podres_exporter.document import API_VERSION
from podres_exporter.dump import Grid, Layout, Style, Tone, grid_lines
from podres_exporter.model import Snapshot, Support
from podres_exporter.moment import write_moment
from podres_exporter.printable import printable
from podres_exporter.text.amounts import age_text
from podres_exporter.text.words import LEAST_COLUMNS, counted, folded, joined, sentence_lines

KIND = "ClusterCheckReport"
_HEADERS = ("NODE", "VERSION", "KUBELET", "METADATA", "TOPOLOGY", "WITHOUT", "AGE", "VERDICT")
_MARKS = {Verdict.FAILED: ("FAIL", Tone.BAD), Verdict.WARNING: ("warn", Tone.WARN), Verdict.NOTE: ("note", Tone.FAINT)}
_MOST_NODES = 6


def health_lines(health: Health, *, columns: int, style: Style) -> list[str]:
    """Return a row for each node that answered, then the findings and the counts."""
    width = max(columns, LEAST_COLUMNS)
    rows = tuple(map(_row, health.nodes))
    lines = [*grid_lines(Grid(_HEADERS, rows), Layout(width, style)), ""] if rows else []
    found = [line for each in _findings(health) for line in _finding_lines(*each, width, style)]
    lines += [*found, ""] if found else []
    return lines + sentence_lines(_summary(health), width)


def _row(node: NodeHealth) -> tuple[str, ...]:
    snapshot = node.told.snapshot
    lacking = [each.rpc for each in snapshot.rpcs if each.support is Support.UNSUPPORTED]
    return (
        printable(node.told.node),
        printable(node.told.version) or "?",
        _kubelet(snapshot),
        _metadata(snapshot),
        _up(snapshot, "topology"),
        printable(", ".join(lacking)) or "-",
        age_text(max(0.0, node.age_seconds)),
        node.verdict.value,
    )


def _kubelet(snapshot: Snapshot) -> str:
    words = [_up(snapshot, "kubelet")]
    words += [
        f"{printable(each.part)} {'held' if each.held else 'stale'}"
        for each in snapshot.parts
        if each.held or each.stale
    ]
    return ", ".join(words)


def _metadata(snapshot: Snapshot) -> str:
    if snapshot.metadata is None:
        return "off"
    return "synced" if snapshot.metadata.synced else "not synced"


def _up(snapshot: Snapshot, source: str) -> str:
    return next((("up" if each.up else "down") for each in snapshot.sources if each.source == source), "?")


def _findings(health: Health) -> Iterator[tuple[Finding, str]]:
    """Yield the findings, the worst first; identical ones on several nodes once, with the nodes' names."""
    nodes_by_finding: dict[tuple[Verdict, str, str, str], list[str]] = {}
    kept: dict[tuple[Verdict, str, str, str], Finding] = {}
    for node in health.nodes:
        for each in node.findings:
            key = (each.verdict, each.id, each.seen, each.remedy)
            nodes_by_finding.setdefault(key, []).append(printable(node.told.node))
            kept[key] = each
    every = [(each, "") for each in health.findings]
    every += [(kept[key], ", ".join(folded(nodes, _MOST_NODES))) for key, nodes in nodes_by_finding.items()]
    order = list(_MARKS)
    yield from sorted(every, key=lambda row: (order.index(row[0].verdict), row[0].id))


def _finding_lines(finding: Finding, nodes: str, width: int, style: Style) -> list[str]:
    mark, tone = _MARKS[finding.verdict]
    text = f"{finding.id}: {f'{nodes}: ' if nodes else ''}{finding.seen}"
    first, *rest = sentence_lines(f"{mark}  {text}", width)
    remedy = sentence_lines(f"      -> {finding.remedy}", width)
    return [style.paint(mark, tone) + first.removeprefix(mark), *(f"    {line}" for line in rest), *remedy]


def _summary(health: Health) -> str:
    """Return how many nodes are healthy, and how many did not answer."""
    well = sum(each.verdict is Verdict.OK for each in health.nodes)
    parts = [f"{well} of {counted(len(health.nodes) + len(health.troubles), 'node')} healthy"]
    bad = len(health.nodes) - well
    parts += [f"{bad} with findings"] if bad else []
    parts += [f"{len(health.troubles)} without an answer"] if health.troubles else []
    return f"{joined(parts)}."


def health_document(health: Health, *, generated_at_seconds: float, version: str) -> dict[str, Any]:
    """Return the same as JSON values; *version* is ours, each node has its own."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "generatedAt": write_moment(float(int(generated_at_seconds))),
        "version": version,
        "verdict": health.verdict.value,
        "versions": dict(health.versions),
        "findings": _finding_documents(health.findings),
        "nodes": [_node_document(each) for each in health.nodes],
        "failed": failed_documents(health.troubles),
    }


def _node_document(node: NodeHealth) -> dict[str, Any]:
    snapshot = node.told.snapshot
    return {
        "node": node.told.node,
        "pod": node.told.target.pod,
        "version": node.told.version,
        "generatedAt": write_moment(node.told.generated_at_seconds),
        "ageSeconds": round(node.age_seconds, 3),
        "verdict": node.verdict.value,
        "sources": {each.source: "up" if each.up else "down" for each in snapshot.sources},
        "rpcs": {each.rpc: each.support.value for each in snapshot.rpcs},
        "findings": _finding_documents(node.findings),
    }


def _finding_documents(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "verdict": each.verdict.value,
            "seen": each.seen,
            "remedy": each.remedy,
            "facts": dict(each.facts),
        }
        for each in findings
    ]
