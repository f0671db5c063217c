"""
Every query of the dashboards and the cookbook, run by a real Prometheus.

The Prometheus scrapes the demo's exporter and what other exporters would say of the same node, loads the rules, and is
asked until every query that has something to find has found it once: pods come and go, and when the node is full,
nothing is left on it. The table of all of them, with how many rows each finds at the end, is the output of the last
test: `pytest -rP tests/grafana/test_queries.py`.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from blocks_rig import Sample, remembering
from observed_rig import asked, observed, rows, wait_until
from promql_rig import BOARDS, ROOT, Query, cookbook_queries, panels, queries_of

from podres_exporter.clock import SystemClock

PATIENCE_SECONDS = 120

RANGES = {"$__rate_interval": "10s", "$__range_s": "60", "$__range": "1m"}


def substituted(expression: str, board: Mapping[str, Any]) -> str:
    """
    Return the query with every variable of the board set to all.

    The `$1` of a label_replace is none of them and stays, as it does in Grafana.
    """
    for name, value in RANGES.items():
        expression = expression.replace(name, value)
    for variable in board["templating"]["list"]:
        everything = variable.get("allValue") or (".*" if variable["name"] in {"node", "namespace"} else ".+")
        expression = re.sub(rf"\${variable['name']}\b", everything, expression)
    return expression


def dashboard_queries() -> list[Query]:
    """Return the query of each panel, as Prometheus gets it."""
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.json"))]
    return [
        Query(f"{board['title']}: {panel['title']}", substituted(target["expr"], board))
        for board in boards
        for panel in panels(board)
        for target in panel["targets"]
    ]


PAGES = tuple(
    page
    for page in (ROOT / "README.md", *sorted(ROOT.glob("deploy/docs/*.md")))
    if "```promql" in page.read_text("utf-8")
)
QUERIES = [
    *dashboard_queries(),
    *(Query(f"Cookbook: {each.where}", each.text) for each in cookbook_queries()),
    *(Query(f"{page.name}: {each.where}", each.text) for page in PAGES for each in queries_of(page)),
]


EMPTY_WHEN_ALL_IS_WELL = (
    "Podres / Exporter: Sources that are down",
    "Podres / Exporter: Kubelets that restart most in an hour",
    "Cookbook: hardware that a device plugin and a DRA driver both offer",  # the demo has none
    "Cookbook: what two pods hold",
    "Cookbook: device errors of the last day",  # the replayed error is old; tests/rules/test_cookbook.py has one
    "Cookbook: Lists a minute of other agents",  # wants the kubelet's own metrics, which nobody replays here
)
"""Beginnings of the names of queries that find nothing in the demo; Prometheus must take them all the same."""
ERRORS = frozenset({"cluster:podres_metadata_errors:rate5m", "cluster:podres_kubelet_rpc_errors:rate5m"})
"""Recorded where there are errors."""


class Watched(NamedTuple):
    """A Prometheus that has seen enough for every query, or has been given time to."""

    port: int
    unanswered: frozenset[Query]
    """The queries that have found nothing at any moment."""


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with (
        tempfile.TemporaryDirectory(prefix="pr") as short,
        tempfile.TemporaryDirectory() as directory,
        observed(Path(short), Path(directory)) as number,
    ):
        pending = [each for each in QUERIES if not each.where.startswith(EMPTY_WHEN_ALL_IS_WELL)]

        def answered() -> bool:
            pending[:] = [each for each in pending if not rows(number, each.text)]
            return not pending

        wait_until(answered, PATIENCE_SECONDS)
        yield Watched(number, frozenset(pending))


@pytest.fixture(scope="module")
def port(watched: Watched) -> int:
    return watched.port


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_a_query_finds_what_it_should(query: Query, watched: Watched) -> None:
    """With two targets of one node, as a rollout or a second job has them; Prometheus refuses none of them."""
    rows(watched.port, query.text)

    assert query not in watched.unanswered, query.text


@pytest.mark.parametrize(
    ("where", "metric", "label"),
    [
        ("Podres / Cluster: Free devices", "podres_node_free_devices", "resource"),
        ("Podres / Workload: Devices held", "podres_container_devices", ""),
        ("Podres / Node: Exclusive CPUs, by NUMA node", "podres_node_exclusive_cpus", "numa_node"),
        ("Cookbook: devices by workload", "podres_container_devices", ""),
        (
            "metrics.md: GPUs by team, a label of pods; pods without it are counted under an empty one",
            "podres_container_devices",
            "",
        ),
    ],
)
def test_two_targets_of_a_node_count_once(port: int, where: str, metric: str, label: str) -> None:
    """What is seen twice is there once: the sum equals that of one of the two targets."""
    query = next(each.text for each in QUERIES if each.where == where.replace("Workload", "Namespace and workload"))
    by = f"by ({label})" if label else ""
    one = f'sum {by} ({metric}{{instance=~"127.*"}})'
    both = f'sum {by} ({metric}{{node!=""}})'

    def differences() -> list[Any]:
        return [row["value"][1] for row in rows(port, f"(sum {by} ({query}) - {one}) != 0")]

    assert rows(port, f"{both} > {one}")
    assert wait_until(lambda: not differences(), 20), differences()


def test_a_shared_gpu_has_a_row_for_each_holder_with_the_numbers_of_the_whole(port: int) -> None:
    """Two series of DCGM with colliding pod labels, two holders: four would be wrong, an error would be usual."""
    query = next(each.text for each in QUERIES if each.where.startswith("Cookbook: utilisation of each GPU"))
    shared = 'UUID="GPU-9b2e4d17-3c60-4f95-8e0b-6a7f12c4d5e8"'
    memory = query.replace("DCGM_FI_DEV_GPU_UTIL", f"DCGM_FI_DEV_FB_USED{{{shared}}}")
    found = {(each["metric"]["namespace"], each["metric"]["pod"]): each["value"][1] for each in rows(port, memory)}

    assert {"900"} == set(found.values())
    assert {("notebooks", "jupyter-ada"), ("notebooks", "jupyter-grace")} <= set(found)


def test_a_held_device_has_one_row_with_its_health_or_without(port: int) -> None:
    """Device plugins' and claims', the sick one as such. Pods come and go, so all is asked in one query."""
    held = next(each.text for each in QUERIES if each.where == "Podres / Node: Held devices")
    one = 'instance=~"127.*"'
    infos = f"sum(podres_container_device_info{{{one}}}) + sum(podres_container_claim_device_info{{{one}}})"
    healths = {row["metric"].get("health", "") for row in rows(port, held)}

    assert ["0"] == [row["value"][1] for row in rows(port, f"count({held}) - ({infos})")]
    assert {"Healthy", "Unhealthy"} <= healths


def test_no_row_blames_the_exporters_own_pod(port: int) -> None:
    """Their targets have pods of their own, which honorLabels or the joins must keep out."""
    blamed = {
        each.where
        for each in QUERIES
        if not each.where.startswith("Podres / Exporter")
        for row in rows(port, each.text)
        if row["metric"].get("pod", "").endswith("-x") and row["metric"].get("namespace") in {"agents", "monitoring"}
    }

    assert set() == blamed


GROWING = re.compile(r"_(total|bucket|count|sum)$")
PAST_SECONDS, STEP_SECONDS = 420, 5


def in_clusters(series: Sequence[Mapping[str, Any]], clusters: Iterable[str], at: int) -> Iterator[Sample]:
    """Yield seven minutes of these series, up to a moment, in each cluster: the same nodes, pods and targets."""
    for each in series:
        labels = {name: text for name, text in each["metric"].items() if name != "__name__"}
        name, value = each["metric"]["__name__"], float(each["value"][1])
        growth = 1 if GROWING.search(name) and value else 0
        for cluster in clusters:
            for seconds in range(at - PAST_SECONDS, at + 1, STEP_SECONDS):
                yield name, {**labels, "cluster": cluster}, seconds, value + growth * (seconds - at + PAST_SECONDS)


@pytest.fixture(scope="module")
def clusters(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int, int]]:
    """Yield the ports of a Prometheus with one cluster and of one with two that have the same names, and a moment."""
    series = rows(port, '{__name__=~".+",__name__!~"ALERTS.*"}')
    at = int(SystemClock().wall_seconds()) // 60 * 60 - 2 * 3600
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    with (
        remembering(in_clusters(series, ["east"], at), folders[0]) as one,
        remembering(in_clusters(series, ["east", "west"], at), folders[1]) as two,
    ):
        yield one, two, at


def then(port: int, query: str, at: int) -> dict[tuple[tuple[str, str], ...], list[float]]:
    """Return the values of that moment by their labels, the cluster left out."""
    found: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for row in asked(port, "query", query=query, time=str(at))["result"]:
        labels = tuple(sorted((name, text) for name, text in row["metric"].items() if name != "cluster"))
        found.setdefault(labels, []).append(float(row["value"][1]))
    return found


ROUNDED = re.compile(r"\bround\(.*, ([\d.]+)\)")


def error_of_twice(query: str) -> float:
    """Return by how much a rounded sum of two equal numbers may miss twice the rounded number."""
    found = ROUNDED.search(query)
    return 1.5 * float(found[1]) if found else 0.0


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_a_second_cluster_with_the_same_names_changes_no_number_of_the_first(
    query: Query, clusters: tuple[int, int, int]
) -> None:
    """A number is there for each cluster, or is the sum or the mean of both; no join takes a pod for its namesake."""
    one, two, at = clusters
    alone, both = then(one, query.text, at), then(two, query.text, at)

    if "topk" not in query.text and "bottomk" not in query.text:  # of twice as many rows they leave out some
        assert alone.keys() == both.keys()
    for labels in alone.keys() & both.keys():
        (value,) = set(alone[labels])
        twice = [*alone[labels], *alone[labels]]
        assert both[labels] == pytest.approx(twice) or both[labels] in (
            [pytest.approx(value)],
            [pytest.approx(2 * value, rel=1e-6, abs=error_of_twice(query.text))],
        )


def test_two_clusters_would_spoil_a_join_that_forgets_them(clusters: tuple[int, int, int]) -> None:
    """A test that is never seen to fail proves nothing: the naive join works in one cluster; most queries find rows."""
    pods, infos = "max by (cluster, namespace, pod)", "podres_pod_info"
    naive = f"{pods} (podres_container_devices) * on (namespace, pod) group_left () {pods} ({infos})"
    one, two, at = clusters

    assert then(one, naive, at)
    with pytest.raises(AssertionError, match=r"many-to-many|duplicate series"):
        then(two, naive, at)
    assert len(QUERIES) * 3 // 4 < sum(bool(then(one, each.text, at)) for each in QUERIES)


def test_the_rules_load_and_their_texts_are_complete(port: int) -> None:
    """Every rule is evaluated without an error, and no alert's text has a hole."""

    def alerting() -> set[str]:
        groups = (asked(port, "rules") or {"groups": []})["groups"]
        return {rule["name"] for group in groups for rule in group["rules"] if rule.get("alerts")}

    expected = {
        "PodresDeviceUnhealthy",
        "PodresHeldDeviceUnallocatable",
        "PodresGpuAllocatedButIdle",
    }
    wait_until(lambda: expected <= alerting(), PATIENCE_SECONDS)
    groups: list[Mapping[str, Any]] = asked(port, "rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    texts = [text for rule in rules for alert in rule.get("alerts", ()) for text in alert["annotations"].values()]

    assert expected <= alerting()
    assert {"ok"} == {rule["health"] for rule in rules}
    assert [] == [text for text in texts if "<error" in text or "<no value>" in text or "{{" in text or "  " in text]


def test_recording_rules_have_recorded(port: int) -> None:
    groups = asked(port, "rules")["groups"]
    names = [rule["name"] for group in groups for rule in group["rules"] if rule["type"] == "recording"]

    def empty() -> set[str]:
        return {name for name in names if not rows(port, f"last_over_time({name}[1h])")}  # pods come and go

    wait_until(lambda: not empty() - ERRORS, PATIENCE_SECONDS)  # an increase wants two samples

    assert len(names) > 15
    assert set() == empty() - ERRORS


def test_the_table_of_all_queries(port: int) -> None:
    """The output is the point; that there are so many is the proof that they were found."""
    lines = [f"{len(rows(port, each.text)):5}  {each.where}" for each in QUERIES]
    sys.stdout.write("\n".join(["", " rows  query", *lines, ""]))

    assert len(lines) > 80
