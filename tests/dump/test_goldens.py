"""
Whole outputs compared with golden files: recorded kubelets, the demo, and a node with every problem.

`pytest tests/dump --update-golden` rewrites the files. Read the diff as a person at a terminal would.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from dump_rig import ASKED_AT_SECONDS, builtin_demo, nasty, with_metadata, without_metadata

from podres_exporter.dump import (
    Layout,
    csv_text,
    free_lines,
    free_notes,
    json_text,
    summary_lines,
    summary_notes,
    table_lines,
    table_notes,
    wide_lines,
    wide_notes,
    yaml_text,
)
from podres_exporter.model import Snapshot
from podres_exporter.text.words import sentence_lines

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


def page(found: list[str], notes: list[str], columns: int = 120) -> str:
    """Return the table as on standard output, and below an empty line the notes as on standard error."""
    said = [line for note in notes for line in sentence_lines(note, columns)]
    return "".join(f"{line}\n" for line in [*found, *([""] if said else []), *said])


OUTPUTS: dict[str, Callable[[list[Snapshot]], str]] = {
    "table.txt": lambda snapshots: page(table_lines(snapshots), table_notes(snapshots)),
    "table-80.txt": lambda snapshots: page(table_lines(snapshots, Layout(80)), table_notes(snapshots), 80),
    "wide.txt": lambda snapshots: page(wide_lines(snapshots), wide_notes(snapshots)),
    "free.txt": lambda snapshots: page(free_lines(snapshots), free_notes(snapshots)),
    "summary.txt": lambda snapshots: page(summary_lines(snapshots), summary_notes(snapshots)),
    "dump.csv": csv_text,
    "dump.json": lambda snapshots: json_text(snapshots, generated_at_seconds=ASKED_AT_SECONDS, version=VERSION),
    "dump.yaml": lambda snapshots: yaml_text(snapshots, generated_at_seconds=ASKED_AT_SECONDS, version=VERSION),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_an_output_is_its_golden_file(snapshot: str, output: str, pytestconfig: pytest.Config) -> None:
    """Order and layout are looked at by people, so bytes are compared."""
    actual = OUTPUTS[output](SNAPSHOTS[snapshot]())
    file = GOLDEN / snapshot / output
    if pytestconfig.getoption("--update-golden"):
        file.write_text(actual, encoding="utf-8", newline="")

    assert file.read_bytes().decode() == actual
