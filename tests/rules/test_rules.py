"""The rule file: valid for promtool, and each alert is explained and tested firing and not firing."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql_rig import RULES, VENDOR, catalogue_names, metric_names, tool

HERE = Path(__file__).parent
RUNBOOKS = RULES.parent / "RUNBOOKS.md"
RUNBOOKS_URL = "https://github.com/podres-exporter/podres-exporter/blob/main/deploy/rules/RUNBOOKS.md"
TESTS = sorted(HERE.glob("*.test.yaml"))
TEST_GROUPS: list[dict[str, Any]] = [
    group for path in TESTS for group in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
]
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
RECORDS: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"] if "record" in rule]
ALERTS: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]


def named(rule: dict[str, Any]) -> str:
    """Return the rule's name, for the ids of tests."""
    return str(rule.get("alert") or rule.get("record"))


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    done = subprocess.run([tool("promtool"), "check", "rules", RULES], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)
    assert f"SUCCESS: {len(RECORDS) + len(ALERTS)} rules found" in done.stdout


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_fire_and_stay_silent_as_their_unit_tests_say(path: Path) -> None:
    done = subprocess.run([tool("promtool"), "test", "rules", path], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr), done.stdout


def test_promtool_would_notice_an_alert_that_never_fires(tmp_path: Path) -> None:
    """A test that is never seen to fail proves nothing."""
    deaf = tmp_path / "podres.rules.yaml"
    deaf.write_text(RULES.read_text(encoding="utf-8").replace("podres_snapshot_held == 1", "podres_snapshot_held == 7"))
    test = tmp_path / "test.yaml"
    groups = [group for group in TEST_GROUPS if group["name"].startswith("PodresSnapshotHeld ")]
    test.write_text(yaml.safe_dump({"rule_files": [deaf.name], "evaluation_interval": "1m", "tests": groups}))
    done = subprocess.run([tool("promtool"), "test", "rules", test], capture_output=True, text=True, check=False)

    assert 1 == done.returncode
    assert "PodresSnapshotHeld" in done.stderr + done.stdout


@pytest.mark.parametrize("rule", [*RECORDS, *ALERTS], ids=named)
def test_rules_name_only_metrics_that_exist(rule: dict[str, Any]) -> None:
    """The catalogue's, the stated ones of others, and what the rules record themselves."""
    known = (
        catalogue_names() | {each["record"] for each in RECORDS} | {name for names in VENDOR.values() for name in names}
    )

    assert set() == metric_names(rule["expr"]) - known


@pytest.mark.parametrize("rule", RECORDS, ids=named)
def test_recorded_names_say_level_metric_and_operation(rule: dict[str, Any]) -> None:
    level, metric, operation = rule["record"].split(":")
    identities = {
        "cluster": [],
        "node": ["node"],
        "namespace": ["namespace"],
        "node_namespace": ["node", "namespace"],
        "namespace_workload": ["namespace", "workload_kind", "workload_name"],
        "instance": ["job", "instance"],
    }[level]
    levels = re.findall(r"(?:sum|avg|count|group) by \(([^)]*)\)", rule["expr"])

    assert metric.startswith("podres_")
    assert operation in {"sum", "max", "avg", "count", "nodes", "rate5m", "increase1h", "seen", "up"}
    assert all(set(identities) <= set(re.split(r",\s*", each)) for each in levels)


def test_every_record_is_tested() -> None:
    tested = "\n".join(path.read_text(encoding="utf-8") for path in TESTS)

    assert [] == [each["record"] for each in RECORDS if each["record"] not in tested]


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_every_alert_is_tested_to_fire_and_to_stay_silent(rule: dict[str, Any]) -> None:
    """A group `NAME fires ...` that expects alerts of that name, and a group `NAME is silent ...` that expects none."""
    expected = {
        kind: [
            bool(each["exp_samples"])
            for group in TEST_GROUPS
            if group["name"].startswith(f"{rule['alert']} {kind} ")
            for each in group["promql_expr_test"]
            if f'ALERTS{{alertname="{rule["alert"]}"' in each["expr"]
        ]
        for kind in ("fires", "is silent")
    }

    assert any(expected["fires"])
    assert expected["is silent"]
    assert not any(expected["is silent"])


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_every_alert_tells_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]
    steps = annotations["runbook"].splitlines()

    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert ["description", "runbook", "runbook_url", "summary"] == sorted(annotations)
    assert len(steps) >= 2
    assert [f"{number}. " for number in range(1, len(steps) + 1)] == [step[:3] for step in steps]
    assert f"{RUNBOOKS_URL}#{rule['alert'].lower()}" == annotations["runbook_url"]


def test_only_a_bug_of_ours_or_of_the_kubelet_alerts_at_once() -> None:
    """A device that two pods hold has been looked at twice before it is counted: nothing is won by waiting."""
    assert ["PodresLoopErrors", "PodresDeviceHeldTwice"] == [rule["alert"] for rule in ALERTS if "for" not in rule]


def test_the_runbooks_have_a_section_for_every_alert_and_for_no_other() -> None:
    headings = re.findall(r"^## (\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)

    assert [rule["alert"] for rule in ALERTS] == headings


def test_names_of_metrics_are_found_in_queries() -> None:
    query = (
        'sum by (pod) (rate(a_total{x="b_c", y=~"$n"}[5m])) / on (n) group_left (z) max(d:e:sum offset 1h) > 1 or up'
    )

    assert {"a_total", "d:e:sum", "up"} == metric_names(query)
