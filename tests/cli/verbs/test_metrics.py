"""`metrics`: the same catalogue as table, Markdown and JSON."""

import json
from typing import Any

import pytest

from podres_exporter.cli import main
from podres_exporter.cli.verbs.metrics import labels_of
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.collectors import COLLECTORS, OFF_BY_DEFAULT
from podres_exporter.families.spec import Family


def output_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    code = main(["metrics", *argv])
    captured = capsys.readouterr()

    assert 0 == code
    assert "" == captured.err
    return captured.out


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = json.loads(output_of(capsys, "-o", "json"))
    return parsed


def off_note(family: Family) -> str:
    return ", off by default" if family.collector in OFF_BY_DEFAULT else ""


def test_the_table_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """For a person at a terminal."""
    assert output_of(capsys, "-o", "table") == output_of(capsys)


def test_both_spellings_of_the_flag_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """`-o` for fingers, `--output` for scripts."""
    assert output_of(capsys, "-o", "json") == output_of(capsys, "--output=json")


def test_the_table_has_a_paragraph_for_each_family(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, type, collector, labels and help, in the order of the page."""
    expected = [
        [
            f"{family.name} ({family.kind.value}, collector {family.collector}{off_note(family)})",
            f"  labels: {', '.join(labels_of(family)) or 'none'}",
            f"  {family.help}",
        ]
        for family in CATALOGUE
    ]

    assert expected == [part.splitlines() for part in output_of(capsys).rstrip("\n").split("\n\n")]


def test_the_markdown_table_has_a_row_for_each_family(capsys: pytest.CaptureFixture[str]) -> None:
    """The README's table is printed by it."""
    head, rule, *rows = output_of(capsys, "-o", "markdown").splitlines()

    assert "| family | type | labels | collector | what |" == head
    assert "|---|---|---|---|---|" == rule
    assert [
        [
            "",
            f"`{family.name}`",
            family.kind.value,
            " ".join(f"`{label}`" for label in family.all_labels),
            family.collector + off_note(family),
            family.help,
            "",
        ]
        for family in CATALOGUE
    ] == [[cell.strip() for cell in row.split("|")] for row in rows]


def test_the_json_has_an_object_for_each_family(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, type, labels, help, stability, and whether it is on."""
    assert [
        {
            "name": family.name,
            "type": family.kind.value,
            "labels": list(labels_of(family)),
            "collector": family.collector,
            "default": family.collector not in OFF_BY_DEFAULT,
            "stability": "experimental",
            "help": family.help,
        }
        for family in CATALOGUE
    ] == objects(capsys)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("podres_container_devices", ["node", "namespace", "pod", "container", "resource"]),
        ("podres_pod_exclusive_cpus", ["node", "namespace", "pod", "numa_node"]),
        ("podres_node_free_devices", ["node", "resource", "numa_nodes"]),
        ("podres_allocated_device_seconds_total", ["node", "namespace", "resource"]),
        ("podres_source_up", ["source"]),
        ("podres_kubelet_rpc_errors_total", ["rpc", "reason"]),
        ("podres_kubelet_restarts_total", []),
    ],
)
def test_the_labels_are_those_of_a_scrape(capsys: pytest.CaptureFixture[str], name: str, labels: list[str]) -> None:
    """`node` is a label of the node's metrics, and not of the exporter's own."""
    (found,) = [each["labels"] for each in objects(capsys) if name == each["name"]]

    assert labels == found


def test_every_family_belongs_to_a_collector_that_can_be_switched(capsys: pytest.CaptureFixture[str]) -> None:
    """Every family belongs to a collector; series per CPU and cgroups are off by default."""
    families = objects(capsys)

    assert [] == [each["name"] for each in families if each["collector"] not in COLLECTORS]
    assert ["podres_cpu_info", "podres_container_cpuset_drift_cpus", "podres_node_cpuset_unread_containers"] == [
        each["name"] for each in families if not each["default"]
    ]


def test_no_family_is_listed_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """A name is a contract with one meaning."""
    names = [each["name"] for each in objects(capsys)]

    assert sorted(set(names)) == sorted(names)
    assert [] == [name for name in names if not name.startswith("podres_")]
