"""Ranking nodes for a pod, with the reason for each that does not fit."""

from dataclasses import replace

import pytest
from cluster_rig import snapshot, trainer

from podres_exporter.cluster.fit import fit_document, fit_lines, ranked, verdict
from podres_exporter.cluster.outcome import Trouble
from podres_exporter.errors import Reason
from podres_exporter.fit import Ask, Fits, Policy, ask_for
from podres_exporter.model import Snapshot

ONE_NODE = Policy.SINGLE_NUMA_NODE
GIB = 1 << 30


def ask(gpus: int, cpus: int = 2) -> Ask:
    return ask_for(cpu_millicores=1000 * cpus, memory_bytes=GIB, devices={"nvidia.com/gpu": gpus})


EMPTY, BUSY = snapshot("empty"), snapshot("tight", trainer("tight", cpus="0-1,4-5"))
FULL = snapshot("full", trainer("full", gpus=4, cpus="0-7"))
SILENT = Snapshot("silent", None)


def rows(lines: list[str]) -> list[list[str]]:
    """Return the words of the table's rows."""
    begin = next(number for number, line in enumerate(lines) if line.startswith("NODE"))
    return [line.split() for line in lines[begin + 1 : lines.index("", begin)]]


def test_the_tightest_node_comes_first_and_the_one_that_says_no_last() -> None:
    lines = fit_lines(ranked([FULL, SILENT, EMPTY, BUSY], ask(2), ONE_NODE))

    assert "yes on 2 of 4 nodes, no on 1, not known on 1" == lines[0]
    assert "  asked: 2 CPUs, 1Gi memory, 2 nvidia.com/gpu" == lines[1]
    assert [["tight", "yes", "1", "-"], ["empty", "yes", "0", "-"]] == rows(lines)[:2]
    assert ["silent", "?", "-"] == rows(lines)[2][:3]
    assert ["full", "no", "-"] == rows(lines)[3][:3]


def test_what_is_in_the_way_is_said_with_whose_leaving_would_help() -> None:
    text = " ".join(" ".join(fit_lines(ranked([FULL], ask(2), ONE_NODE), 200)).split())

    assert "2 exclusive CPUs requested, 0 of 8 free; 2 nvidia.com/gpu requested, 0 of 4 free" in text
    assert "it would fit without ml/train-full" in text


def test_where_the_policies_differ_each_is_told() -> None:
    same, answers = ranked([BUSY], ask(3)), ranked([BUSY], ask(2, cpus=3))
    mixed = fit_lines(answers, 200)

    assert (Fits.NO, Fits.UNKNOWN) == (verdict(same), verdict(answers))
    assert "yes on 0 of 1 node, no on 1" == fit_lines(same, 200)[0]

    assert "yes on 0 of 1 node, it depends on the topology policy on 1" == mixed[0]
    assert ["tight", "depends"] == rows(mixed)[0][:2]
    assert "under restricted and single-numa-node: " in mixed[4]


def test_a_node_of_which_nothing_is_known_says_why() -> None:
    lines = fit_lines(ranked([SILENT], ask(1)), 200)

    assert "yes on 0 of 1 node, not known on 1" == lines[0]
    assert "Nothing is known about the node" in lines[4]


def test_a_pod_that_asks_for_nothing_with_a_place_goes_anywhere() -> None:
    answers = ranked([EMPTY], ask_for(devices={"nvidia.com/gpu": 0}, cpu_millicores=500))

    assert [["empty", "yes", "any", "-"]] == rows(fit_lines(answers, 200))


def test_limits_are_told_once_and_name_nodes_where_they_are_not_those_of_all() -> None:
    stale = replace(BUSY, parts=tuple(replace(part, stale=True) for part in BUSY.parts))
    lines = fit_lines(ranked([EMPTY, stale], ask(1), ONE_NODE), 200)

    assert ["- Not judged: taints, affinity and other scheduling rules."] == [
        line for line in lines if "Not judged" in line
    ]
    assert any(line.startswith("- tight: The kubelet did not answer last time") for line in lines)


def test_no_answers_are_no_table() -> None:
    assert ["yes on 0 of 0 nodes"] == fit_lines([])


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([EMPTY, FULL], Fits.YES),
        ([EMPTY, SILENT], Fits.YES),
        ([FULL], Fits.NO),
        ([FULL, SILENT], Fits.UNKNOWN),
        ([], Fits.UNKNOWN),
    ],
)
def test_one_yes_is_enough_and_no_takes_all(nodes: list[Snapshot], expected: Fits) -> None:
    assert expected is verdict(ranked(nodes, ask(2), ONE_NODE))


def test_the_document_has_the_answers_in_order_and_the_nodes_that_failed() -> None:
    answers = ranked([FULL, EMPTY], ask(2), ONE_NODE)
    document = fit_document(answers, [Trouble("n9", "m/a", Reason.TIMEOUT, "asleep")], ask(2))

    assert ("podres/v1", "FitList", "yes") == (document["apiVersion"], document["kind"], document["fits"])
    assert [("empty", "yes"), ("full", "no")] == [(each["node"], each["fits"]) for each in document["items"]]
    assert {"nvidia.com/gpu": 2} == document["asked"]["containers"][0]["devices"]
    assert ["n9"] == [each["node"] for each in document["failed"]]
