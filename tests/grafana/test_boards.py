"""
The committed dashboards equal what `grafana/generate.py` writes, and can be imported elsewhere.

The rules are those of Grafana's dashboard-linter that fit, and some of our own.
"""

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql_rig import BOARDS, ROOT, RULES, VENDOR, catalogue_names, metric_names, panels

from podres_exporter.families.catalogue import CATALOGUE

DOCUMENTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.json"))
}
EVERY_BOARD = [pytest.param(board, id=uid) for uid, board in DOCUMENTS.items()]
EVERY_PANEL = [
    pytest.param(board, panel, id=f"{uid}: {panel['title']}")
    for uid, board in DOCUMENTS.items()
    for panel in panels(board)
]
QUERY_VARIABLES = [
    pytest.param(uid, variable, id=f"{uid}: {variable['name']}")
    for uid, board in DOCUMENTS.items()
    for variable in board["templating"]["list"]
    if variable["type"] == "query"
]
FOUND = frozenset({"dcgm", "sriov", "amd", "node_exporter", "kube_state_metrics"})
"""Hidden variables that count the series of another exporter for a row's title."""
COLUMNS_OF_GRID = 24
RECORDS = frozenset(
    rule["record"]
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
    if "record" in rule
)
BEGINS_WITH_ONE = frozenset({("podres-node", "node"), ("podres-workload", "namespace")})
"""Variables without All, by board: what they choose from is as large as the cluster."""


def expression(panel: dict[str, Any]) -> str:
    """Return the panel's one query."""
    return str(panel["targets"][0]["expr"])


def test_the_boards_are_the_four_that_link_to_each_other() -> None:
    assert ["podres-cluster", "podres-exporter", "podres-node", "podres-workload"] == list(DOCUMENTS)


def test_the_committed_boards_are_what_the_generator_writes(tmp_path: Path) -> None:
    """Needs the extra `dashboards`, here or in the environment that `make dashboards` makes."""
    own = ROOT / ".venvs" / "dashboards" / "bin" / "python"
    if importlib.util.find_spec("grafana_foundation_sdk"):
        python = sys.executable
    elif own.exists():
        python = str(own)
    else:
        pytest.skip("grafana-foundation-sdk is not installed: the boards were not generated anew (make dashboards)")
    subprocess.run([python, BOARDS / "generate.py", f"--output={tmp_path}"], check=True)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.json")}

    assert {path.name: path.read_text(encoding="utf-8") for path in BOARDS.glob("*.json")} == written


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_a_board_can_be_imported_from_grafana_10_on(board: dict[str, Any]) -> None:
    assert board["schemaVersion"] <= 42
    assert set() == {panel["type"] for panel in panels(board)} - {"stat", "bargauge", "table", "timeseries"}
    assert "id" not in board


@pytest.mark.parametrize("uid", DOCUMENTS)
def test_a_board_keeps_its_uid_its_tag_and_its_links(uid: str) -> None:
    board = DOCUMENTS[uid]
    links = [(each["type"], each["tags"], each["includeVars"], each["keepTime"]) for each in board["links"]]

    assert (uid, ["podres"], False) == (board["uid"], board["tags"], board["editable"])
    assert [("dashboards", ["podres"], True, True)] == links


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_one_variable_chooses_the_data_source_of_everything(board: dict[str, Any]) -> None:
    chosen = [each for each in board["templating"]["list"] if each["type"] == "datasource"]
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    users = [*panels(board), *(each for each in board["templating"]["list"] if each["type"] == "query")]

    assert [("datasource", "prometheus")] == [(each["name"], each["query"]) for each in chosen]
    assert [] == [each.get("title") or each["name"] for each in users if each["datasource"] != wanted]
    assert [] == [each["title"] for each in panels(board) if each["targets"][0]["datasource"] != wanted]


@pytest.mark.parametrize(("uid", "variable"), QUERY_VARIABLES)
def test_a_variable_follows_the_time_range_and_is_all_where_that_costs_little(
    uid: str, variable: dict[str, Any]
) -> None:
    assert 2 == variable["refresh"]
    if variable["name"] in FOUND:
        assert 2 == variable["hide"]
        assert "vector(0)" in variable["query"]["query"]
    elif (uid, variable["name"]) in BEGINS_WITH_ONE:
        assert not variable["includeAll"]
        assert "" == variable["current"]["value"]
    else:
        everything = "" if variable["name"] == "job" else ".*"  # other jobs have `up` too
        assert (True, True, everything) == (variable["multi"], variable["includeAll"], variable["allValue"])
        assert "$__all" == variable["current"]["value"]


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_the_variable_of_the_cluster_is_hidden(board: dict[str, Any]) -> None:
    """Most have one cluster per Prometheus; `generate.py --several-clusters` shows it."""
    assert [2] == [each.get("hide") for each in board["templating"]["list"] if each["name"] == "cluster"]


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_panel_asks_one_question_and_says_what_it_shows(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """Its description names a metric of its query."""
    names = metric_names(expression(panel))

    assert 1 == len(panel["targets"])
    assert 1 == [each["title"] for each in panels(board)].count(panel["title"])
    assert [name for name in names if re.sub(r"_bucket$", "", name) in panel["description"]]
    assert panel["description"].endswith((".", ")"))
    assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_panel_uses_only_metrics_that_exist(board: dict[str, Any], panel: dict[str, Any]) -> None:
    known = catalogue_names() | RECORDS | {name for names in VENDOR.values() for name in names}

    assert board
    assert set() == metric_names(expression(panel)) - known


@pytest.mark.parametrize(("uid", "variable"), QUERY_VARIABLES)
def test_a_variable_uses_only_metrics_that_exist(uid: str, variable: dict[str, Any]) -> None:
    query = variable["query"]["query"]
    chosen = re.search(r'__name__=~"([^"]*)"', query)
    found = re.findall(r"(?:label_values|count)\(([\w:]+)[{,)]", query)
    names = set(chosen[1].split("|")) if chosen else set(found)

    assert names, uid
    assert set() == names - catalogue_names() - RECORDS - {name for names in VENDOR.values() for name in names}


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_rates_follow_the_interval_of_the_scrapes(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """But for totals of the whole range, asked once, and ranges that the title names."""
    ranges = re.findall(r"\b(?:rate|irate|increase)\(.*?\[([^\]]+)\]", expression(panel), re.DOTALL)
    allowed = {"$__rate_interval"}
    if panel["targets"][0].get("instant"):
        allowed.add("$__range")
    if "in an hour" in panel["title"]:
        allowed.add("1h")

    assert board
    assert set() == set(ranges) - allowed


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_query_uses_the_variables_of_its_board(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """Every one that it names is there, and the cluster is always asked for where it is ours."""
    declared = {each["name"] for each in board["templating"]["list"]}
    used = set(re.findall(r"\$([a-z]\w*)", expression(panel)))

    assert set() == used - declared
    assert "cluster" in used


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_panels_have_ids_and_places_of_their_own(board: dict[str, Any]) -> None:
    ids = Counter(each["id"] for each in [*board["panels"], *panels(board)] if each["type"] != "row")
    ids |= Counter(each["id"] for each in board["panels"] if each["type"] == "row")
    places = [each["gridPos"] for each in panels(board)]

    def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
        return (
            one["x"] < other["x"] + other["w"]
            and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"]
            and other["y"] < one["y"] + one["h"]
        )

    assert len(set(ids)) == len(list(panels(board))) + sum(each["type"] == "row" for each in board["panels"])
    assert [] == [each for each in places if each["x"] + each["w"] > COLUMNS_OF_GRID]
    assert [] == [pair for pair in combinations(places, 2) if overlap(*pair)]


@pytest.mark.parametrize("board", EVERY_BOARD)
def test_what_needs_another_exporter_waits_in_a_closed_row_that_counts_its_series(board: dict[str, Any]) -> None:
    ours = catalogue_names() | RECORDS | set(VENDOR["Prometheus itself"]) | set(VENDOR["prometheus_client"])
    closed = [each for each in board["panels"] if each["type"] == "row" and each["collapsed"]]
    waiting = {panel["title"] for row in closed for panel in row["panels"]}
    needy = {each["title"] for each in panels(board) if metric_names(expression(each)) - ours}

    assert needy == waiting
    assert [] == [row["title"] for row in closed if not re.search(r"\(\$\w+ series\)$", row["title"])]


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_links_in_cells_lead_to_a_board_and_a_variable_of_it(board: dict[str, Any], panel: dict[str, Any]) -> None:
    urls = [
        link["url"]
        for override in panel["fieldConfig"]["overrides"]
        for option in override["properties"]
        if option["id"] == "links"
        for link in option["value"]
    ]

    assert board
    for url in urls:
        uid = url.split("?")[0].removeprefix("/d/")
        known = {each["name"] for each in DOCUMENTS[uid]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", url)) <= known
        assert {"datasource", "cluster"} <= known


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_columns_with_options_of_their_own_exist(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """In a table with a row per series they are headings; in a matrix values of a label, or its first column."""
    steps = {each["id"]: each["options"] for each in panel.get("transformations", ())}
    named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
    headings = set(steps.get("organize", {}).get("renameByName", {}).values())

    assert board
    if "groupingToMatrix" not in steps:
        assert set() == named - headings
    else:
        assert headings & named


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_name_in_a_table_has_no_threshold(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """The heading column of a coloured matrix would be red for a node that is called anything."""
    grouping = [each for each in panel.get("transformations", ()) if each["id"] == "groupingToMatrix"]
    cells = panel["fieldConfig"]["defaults"].get("custom", {}).get("cellOptions", {})
    if not grouping or cells.get("type") != "color-background":
        return
    heading = grouping[0]["options"]["rowField"].capitalize()
    options = {
        each["matcher"]["options"]: {one["id"]: one["value"] for one in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
    }

    assert {"type": "auto"} == options[heading]["custom.cellOptions"], board["uid"]


@pytest.mark.parametrize(("board", "panel"), EVERY_PANEL)
def test_a_board_names_nodes_and_never_an_instance_alone(board: dict[str, Any], panel: dict[str, Any]) -> None:
    """An address such as 10.2.17.7:10190 means nothing to anybody."""
    legend = panel["targets"][0].get("legendFormat", "")

    assert board
    assert "{{instance}}" not in legend or "{{node}}" in legend
    assert not re.search(r"by \(instance", expression(panel))


def test_the_landing_board_asks_for_no_series_of_pods() -> None:
    """It is opened most, and refreshes by itself: whatever grows with pods comes from recorded series."""
    by_pod = {family.name for family in CATALOGUE if "pod" in family.labels}
    open_panels = [each for each in DOCUMENTS["podres-cluster"]["panels"] if each["type"] != "row"]
    asked = {name for panel in open_panels for name in metric_names(expression(panel))}

    assert set() == asked & by_pod
    assert len(asked & RECORDS) > 10
