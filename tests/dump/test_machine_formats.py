"""CSV, JSON, YAML and Prometheus text."""

import csv
import io
import json

import pytest
import yaml
from asking_rig import small_node
from builders import container, device, pod
from dump_rig import builtin_demo, nasty, with_metadata
from pages import read_back, said_by

from podres_exporter.document import decode
from podres_exporter.dump import CSV_HEADER, csv_text, json_text, yaml_text
from podres_exporter.dump.prom import prom_text
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import DEFAULT_COLLECTORS
from podres_exporter.model import Snapshot


def test_the_csv_of_nothing_is_its_header() -> None:
    """RFC 4180: lines end with CR and LF."""
    assert ",".join(CSV_HEADER) + "\r\n" == csv_text([]) == csv_text([Snapshot("n1", None)])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1dx"])
def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_is_guarded(text: str) -> None:
    """Source: OWASP, CSV Injection."""
    node = small_node(pod("a", container("main", device("x.com/y", text))))
    (row,) = csv.DictReader(io.StringIO(csv_text([node]), newline=""))

    assert f"'{text}" == row["id"]


def test_the_documents_of_several_nodes_are_a_list_that_reads_back() -> None:
    snapshots = [builtin_demo(), with_metadata("kubelet-1.36"), Snapshot("silent", None)]
    as_json = json.loads(json_text(snapshots, generated_at_seconds=0, version="1"))
    as_yaml = yaml.safe_load(yaml_text(snapshots, generated_at_seconds=0, version="1"))

    assert as_json == as_yaml
    assert ("podres/v1", "PodResourcesSnapshotList") == (as_json["apiVersion"], as_json["kind"])
    assert snapshots == [decode(item) for item in as_json["items"]]
    assert [] == json.loads(json_text([], generated_at_seconds=0, version="1"))["items"]


def test_json_is_ascii_whatever_the_names_are() -> None:
    node = small_node(pod("a", container("main", device("x.com/\u202e", "\x9b2J"))))

    assert json_text([node], generated_at_seconds=0, version="1").isascii()


@pytest.mark.parametrize(("text", "expected"), [("Größe", True), ("Größe\u202e", False), ("a\x85b é", False)])
def test_yaml_is_written_as_it_reads_unless_something_in_it_cannot_be_printed(text: str, expected: bool) -> None:
    """PyYAML writes U+0085 as it is, and reads it as a line end."""
    node = small_node(pod("a", container("main", device("x.com/y", text))))
    written = yaml_text([node], generated_at_seconds=0, version="1")

    assert expected == (not written.isascii())
    assert node == decode(yaml.safe_load(written))


def test_on_the_page_of_several_nodes_each_family_stands_once_and_every_line_names_its_node() -> None:
    """The state of their sources would be the same series otherwise."""
    families = selected(DEFAULT_COLLECTORS)
    page = prom_text([builtin_demo(), nasty(), Snapshot("silent", None)], families, node_label=False)
    lines = page.splitlines()
    headers = [line for line in lines if line.startswith("# TYPE")]
    of_demo = [series for series in read_back(page, Format.TEXT) if ("node", "demo-node") in series[1]]

    assert len(set(headers)) == len(headers)
    assert [] == [line for line in lines if not line.startswith("#") and 'node="' not in line]
    assert [(name, value) for name, _, value in said_by(builtin_demo(), families)] == [
        (name, value) for name, _, value in of_demo
    ]


def test_the_page_of_nothing_is_empty() -> None:
    assert "" == prom_text([])
