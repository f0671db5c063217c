"""Invariants of every output, over random snapshots."""

import csv
import io
import json

import pytest
import yaml
from document_samples import snapshots
from dump_rig import builtin_demo, nasty, with_metadata, without_metadata
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import read_back, said_by

from podres_exporter.document import encode
from podres_exporter.dump import (
    Layout,
    csv_text,
    free_cells,
    free_lines,
    json_text,
    summary_cells,
    summary_lines,
    table_lines,
    wide_cells,
    wide_lines,
    yaml_text,
)
from podres_exporter.dump.changes import Kind, change_lines, changes
from podres_exporter.dump.prom import prom_text
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import DEFAULT_COLLECTORS
from podres_exporter.model import Snapshot
from podres_exporter.printable import printable

REAL = [
    pytest.param(with_metadata("kubelet-1.36"), id="1.36"),
    pytest.param(without_metadata("kubelet-1.27"), id="1.27"),
    pytest.param(builtin_demo(), id="demo"),
    pytest.param(nasty(), id="nasty"),
]
several = st.lists(snapshots(), min_size=1, max_size=2)


def held_ids(found: list[Snapshot]) -> list[str]:
    return sorted(
        device.device_id
        for snapshot in found
        if snapshot.allocation
        for view in snapshot.allocation.pods
        for each in view.containers
        for device in each.container.devices
    )


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def unguarded(cell: str) -> str:
    return cell.removeprefix("'")


@given(several)
@settings(max_examples=40, deadline=None)
def test_every_held_device_has_its_row_in_wide_and_in_csv(found: list[Snapshot]) -> None:
    """Names of any kind; in the csv a dangerous one has an apostrophe before it."""
    cells = wide_cells(found)
    shown = [row[cells.headers.index("ID")] for row in cells.rows]
    of_csv = sorted(unguarded(row["id"]) for row in csv_rows(csv_text(found)) if row["kind"] == "device")

    assert sorted(unguarded(each) for each in held_ids(found)) == of_csv
    assert {printable(each) for each in held_ids(found)} <= set(shown)


@given(several, st.sampled_from([1, 80, 100, 120, 200]))
@settings(max_examples=40, deadline=None)
def test_no_name_is_cut_whatever_the_width_of_the_terminal(found: list[Snapshot], columns: int) -> None:
    """A name that is longer than the terminal makes a longer line: people paste names into the next command."""
    lines = table_lines(found, Layout(columns), everything=True)
    pods = {
        printable(view.pod.name)
        for snapshot in found
        for view in (snapshot.allocation.pods if snapshot.allocation else ())
        if view.containers
    }

    assert [] == [name for name in pods if not any(name in line for line in lines)]


@pytest.mark.parametrize("snapshot", REAL[:3])
@pytest.mark.parametrize("columns", [120, 160])
def test_no_line_of_a_real_node_is_longer_than_a_usual_terminal(snapshot: Snapshot, columns: int) -> None:
    layout = Layout(columns)
    for lines in (table_lines([snapshot], layout), free_lines([snapshot], layout), summary_lines([snapshot], layout)):
        assert columns >= max(map(len, lines))


@given(several)
@settings(max_examples=40, deadline=None)
def test_text_for_people_has_no_character_that_moves_the_cursor(found: list[Snapshot]) -> None:
    """Names come from users who create pods or write plugins."""
    lines = [*table_lines(found), *wide_lines(found), *free_lines(found), *summary_lines(found)]

    assert [] == [line for line in lines if printable(line) != line]


@given(several)
@settings(max_examples=40, deadline=None)
def test_every_row_of_the_csv_has_as_many_cells_as_the_header(found: list[Snapshot]) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(found), newline="")))

    assert {len(rows[0])} == {len(row) for row in rows}


@given(several)
@settings(max_examples=40, deadline=None)
def test_no_cell_of_the_csv_is_a_formula(found: list[Snapshot]) -> None:
    """Source: OWASP, CSV Injection."""
    rows = csv.reader(io.StringIO(csv_text(found), newline=""))

    assert [] == [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


@given(snapshots())
@settings(max_examples=40, deadline=None)
def test_json_and_yaml_read_back_to_the_document(snapshot: Snapshot) -> None:
    document = encode(snapshot, generated_at_seconds=1.5, version="1")

    assert document == json.loads(json_text([snapshot], generated_at_seconds=1.5, version="1"))
    assert document == yaml.safe_load(yaml_text([snapshot], generated_at_seconds=1.5, version="1"))


@pytest.mark.parametrize("snapshot", REAL)
def test_the_page_has_the_samples_of_a_scrape(snapshot: Snapshot) -> None:
    families = selected(DEFAULT_COLLECTORS)

    assert said_by(snapshot, families) == read_back(prom_text([snapshot]), Format.TEXT)
    assert said_by(snapshot, families, node_label=False) == read_back(
        prom_text([snapshot], families, node_label=False), Format.TEXT
    )


@given(snapshots())
@settings(max_examples=40, deadline=None)
def test_nothing_is_called_free_where_nobody_tells_what_is_allocatable(snapshot: Snapshot) -> None:
    stock, _ = summary_cells([snapshot])
    free = free_cells([snapshot])

    for cells, allocatable in ((stock, "ALLOCATABLE"), (free, "OF")):
        places = cells.headers.index("FREE"), cells.headers.index(allocatable)
        assert [] == [row for row in cells.rows if row[places[1]] == "?" and row[places[0]] != "?"]


@given(snapshots(), snapshots())
@settings(max_examples=40, deadline=None)
def test_changes_are_none_of_the_same_snapshot_and_can_always_be_printed(before: Snapshot, after: Snapshot) -> None:
    """Whatever came between, two snapshots that are equal differ in nothing."""
    lines = change_lines(changes(before, after))

    assert [] == changes(before, before)
    assert [] == [line for line in lines if printable(line) != line]


@given(snapshots(), snapshots())
@settings(max_examples=40, deadline=None)
def test_what_is_added_one_way_is_removed_the_other_way(before: Snapshot, after: Snapshot) -> None:
    def subjects(first: Snapshot, second: Snapshot, kind: Kind) -> list[tuple[str, ...]]:
        return sorted(each.subject for each in changes(first, second) if each.kind is kind)

    if before.allocation is not None and after.allocation is not None:
        assert subjects(before, after, Kind.ADDED) == subjects(after, before, Kind.REMOVED)
