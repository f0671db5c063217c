"""Findings on a cluster as text and JSON."""

from dataclasses import replace

from cluster_rig import NOW, busy, told

from podres_exporter.cluster.health import Health, judge
from podres_exporter.cluster.health_text import health_document, health_lines
from podres_exporter.cluster.outcome import Trouble
from podres_exporter.dump import ANSI, PLAIN
from podres_exporter.errors import Reason
from podres_exporter.model import Part, RpcSupport, Snapshot, Support

TROUBLE = Trouble("n9", "m/a", Reason.TIMEOUT, "asleep")


def sick(node: str) -> Snapshot:
    """Return a node that is stale, without Get, without metadata, and with unknown topology."""
    whole = busy(node)
    return replace(
        whole,
        metadata=None,
        sources=whole.sources[:1],
        rpcs=(RpcSupport("Get", Support.UNSUPPORTED),),
        parts=(Part("pods", stale=True, held=False), Part("allocatable", stale=True, held=True)),
    )


def mixed() -> Health:
    nodes = [
        told("n1"),
        told("n2", sick("n2"), version=""),
        told("n3", replace(sick("n3"), metadata=busy("n3").metadata)),
    ]
    return judge(nodes, [TROUBLE], NOW + 7, ["n1", "n2", "n3", "n4"])


def lines(health: Health) -> list[str]:
    return health_lines(health, columns=160, style=PLAIN)


def test_each_node_is_a_row() -> None:
    rows = [line.split("  ") for line in lines(mixed())[:4]]

    assert ["NODE", "VERSION", "KUBELET", "METADATA", "TOPOLOGY", "WITHOUT", "AGE", "VERDICT"] == [
        cell.strip() for cell in rows[0] if cell
    ]
    assert ["n1", "1.0.0", "up", "synced", "up", "-", "7 s", "ok"] == [cell.strip() for cell in rows[1] if cell]
    assert ["n2", "?", "up, pods stale, allocatable held", "off", "?", "Get", "7 s", "warning"] == [
        cell.strip() for cell in rows[2] if cell
    ]


def test_what_several_nodes_have_in_common_is_said_once_the_worst_first() -> None:
    text = lines(mixed())
    marks = [line[:4] for line in text if line[:4] in {"FAIL", "warn", "note"}]

    assert sorted(marks, key=["FAIL", "warn", "note"].index) == marks
    assert "warn  snapshot.held: n2, n3: what is allocatable, as the kubelet reported it before its restart" in text
    assert "note  kubelet.get: n2, n3: the kubelet does not serve Get: changes are only seen at the next poll" in text
    assert "      -> it needs 1.34, or the feature gate KubeletPodResourcesGet" in text
    assert "1 of 4 nodes healthy, 2 with findings and 1 without an answer." == text[-1]


def test_metadata_that_lags_is_said() -> None:
    whole = busy("n1")
    assert whole.metadata is not None
    lagging = replace(whole, metadata=replace(whole.metadata, synced=False))

    assert "not synced" in lines(judge([told("n1", lagging)], [], NOW, []))[1]


def test_a_cluster_that_is_well_needs_few_words() -> None:
    text = lines(judge([told("n1")], [], NOW, []))

    assert 4 == len(text)
    assert "1 of 1 node healthy." == text[-1]


def test_without_any_node_there_is_no_table() -> None:
    assert ["0 of 1 node healthy and 1 without an answer."] == lines(judge([], [TROUBLE], NOW, []))


def test_marks_are_coloured_and_long_sentences_wrapped() -> None:
    health = judge([told("n1", replace(busy("n1"), allocation=None))], [], NOW, [])
    text = health_lines(health, columns=40, style=ANSI)

    assert any(line.startswith("\x1b[31mFAIL\x1b[0m  snapshot.allocation: n1: ") for line in text)
    assert any(line.startswith("    ") for line in text)


def test_the_document_has_everything_under_stable_names() -> None:
    document = health_document(mixed(), generated_at_seconds=NOW + 7.9, version="1.2.3")
    node = document["nodes"][1]

    assert ("podres/v1", "ClusterCheckReport", "warning") == tuple(
        document[key] for key in ("apiVersion", "kind", "verdict")
    )
    assert ("2026-09-21T14:13:27Z", "1.2.3") == (document["generatedAt"], document["version"])
    assert {"1.0.0": 2, "unknown": 1} == document["versions"]
    assert ["exporter.version", "exporter.missing"] == [each["id"] for each in document["findings"]]
    assert ["n9"] == [each["node"] for each in document["failed"]]
    assert ("n2", "monitoring/exporter-n2", 7.0, "warning") == tuple(
        node[key] for key in ("node", "pod", "ageSeconds", "verdict")
    )
    assert ({"kubelet": "up"}, {"Get": "unsupported"}) == (node["sources"], node["rpcs"])
    assert {"id", "verdict", "seen", "remedy", "facts"} == set(node["findings"][0])
