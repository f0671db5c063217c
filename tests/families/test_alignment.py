"""Metrics of NUMA alignment for each verdict."""

import pytest
from pages import sample_lines
from snapshots import holding

from podres_exporter.model import Alignment, Container, Device, Pod, Verdict

ALIGNED = "podres_container_numa_aligned"
NODES = "podres_container_numa_nodes"
LABELS = '{namespace="ml",pod="a",container="c"}'


@pytest.mark.parametrize(
    ("verdict", "nodes", "expected"),
    [
        (Verdict.ALIGNED, {0}, f"\n{NODES}{LABELS} 1\n{ALIGNED}{LABELS} 1\n"),
        (Verdict.MISALIGNED, {0, 1}, f"\n{NODES}{LABELS} 2\n{ALIGNED}{LABELS} 0\n"),
        (Verdict.SPANS, {0, 1, 2}, f"\n{NODES}{LABELS} 3\n"),
        (Verdict.UNKNOWN, set(), "\n"),
        (Verdict.UNSUPPORTED, set(), "\n"),
        (Verdict.NOT_APPLICABLE, set(), "\n"),
    ],
)
def test_each_verdict_has_its_lines(verdict: Verdict, nodes: set[int], expected: str) -> None:
    """1 or 0 only where one node could serve; what is unknown has no series, never a 0."""
    pod = Pod("ml", "a", (Container("c", devices=(Device("r", "0", frozenset()),)),))

    actual = sample_lines(holding(pod, alignment=Alignment(verdict, frozenset(nodes))), NODES, ALIGNED)

    assert expected == actual


def test_the_table_above_has_every_verdict() -> None:
    """A new verdict needs a decision about its lines."""
    assert {"aligned", "misaligned", "spans", "unknown", "unsupported", "not_applicable"} == set(Verdict)
