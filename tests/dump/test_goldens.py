"""
Whole outputs, compared with files: recorded kubelets, the demo, and a node on which everything is wrong at once.

`pytest tests/dump --update-golden` rewrites the files. Read the diff as a person at a terminal would.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from dump_rig import ASKED_AT_SECONDS, builtin_demo, nasty, with_metadata, without_metadata

from podres_exporter.dump import csv_text, free_lines, json_text, summary_lines, table_lines, wide_lines, yaml_text
from podres_exporter.model import Snapshot

GOLDEN = Path(__file__).parent.parent / "golden" / "dump"
VERSION = "0.0.0"

SNAPSHOTS: dict[str, Callable[[], list[Snapshot]]] = {
    "kubelet-1.36": lambda: [without_metadata("kubelet-1.36")],
    "kubelet-1.36.metadata": lambda: [with_metadata("kubelet-1.36")],
    "kubelet-1.27": lambda: [without_metadata("kubelet-1.27")],
    "kubelet-1.27.metadata": lambda: [with_metadata("kubelet-1.27")],
    "demo": lambda: [builtin_demo()],
    "nasty": lambda: [nasty()],
    "nodes": lambda: [with_metadata("kubelet-1.36"), builtin_demo(), nasty(), Snapshot("silent", None)],
}


def lines(found: list[str]) -> str:
    return "".join(f"{line}\n" for line in found)


OUTPUTS: dict[str, Callable[[list[Snapshot]], str]] = {
    "table.txt": lambda snapshots: lines(table_lines(snapshots)),
    "table-80.txt": lambda snapshots: lines(table_lines(snapshots, columns=80)),
    "wide.txt": lambda snapshots: lines(wide_lines(snapshots)),
    "free.txt": lambda snapshots: lines(free_lines(snapshots)),
    "summary.txt": lambda snapshots: lines(summary_lines(snapshots)),
    "csv": csv_text,
    "json": lambda snapshots: json_text(snapshots, generated_at_seconds=ASKED_AT_SECONDS, version=VERSION),
    "yaml": lambda snapshots: yaml_text(snapshots, generated_at_seconds=ASKED_AT_SECONDS, version=VERSION),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_an_output_is_its_golden_file(snapshot: str, output: str, pytestconfig: pytest.Config) -> None:
    """Order and layout are looked at by people, so bytes are compared."""
    actual = OUTPUTS[output](SNAPSHOTS[snapshot]())
    file = GOLDEN / f"{snapshot}.{output}"
    if pytestconfig.getoption("--update-golden"):
        file.write_text(actual, encoding="utf-8", newline="")

    assert file.read_bytes().decode() == actual
