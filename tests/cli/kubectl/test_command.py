"""`kubectl podres` from the command line, on a simulated cluster with unhealthy nodes."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_rig import (
    LABELS,
    Fleet,
    answering,
    busy,
    document,
    exporter_pod,
    owner,
    serving,
    snapshot,
    trainer,
    unreachable,
)

from podres_exporter.cli import kubectl_main
from podres_exporter.model import Snapshot
from podres_exporter.sim.api import DAEMON_SETS, NODES, PODS, Delay, Drop, Fail

Printed = tuple[int, str, list[str]]


class Run:
    """
    Runs a command; it gives the exit code, standard output, and complaints without our name.

    *notes* are the other lines on standard error: what is to be known about a table.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.notes: list[str] = []

    def __call__(self, *argv: str) -> Printed:
        code = kubectl_main(argv)
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err
        lines, prefix = captured.err.splitlines(), "kubectl podres: "
        self.notes = [line for line in lines if not line.startswith(prefix)]
        return code, captured.out, [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


UNREACHED = (
    "the API server cannot reach its exporter: dial tcp 10.0.0.1:10190: i/o timeout; check its port "
    "(--exporter-port), and that network policies admit the API server"
)
OLD = "its exporter has no /api/v1/snapshot: it is older than this command, or not a podres-exporter"
NEW = "podres-exporter 9.0.0 writes podres/v9 and this command reads podres/v1; use the same release for both"
FORBIDDEN = (
    "system:serviceaccount:monitoring:podres-exporter may not reach pods of namespace monitoring through the API "
    "server: grant get on pods/proxy there"
)
PROGRAM = [sys.executable, "-c", "import sys; from podres_exporter.cli import kubectl_main; sys.exit(kubectl_main())"]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the machine's clusters nor its proxies; lines of 160 columns."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "KUBERNETES_SERVICE_HOST", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    with Fleet(tmp_path) as fleet:
        monkeypatch.setenv("KUBECONFIG", str(fleet.config))
        yield fleet


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command."""
    return Run(capsys)


def of_pods(fleet: Fleet, name: str, namespace: str = "ml", node: str = "", **labels: str) -> None:
    """Add a pod that asks for two CPUs, a GiB and two GPUs."""
    limits = {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "2"}
    waiting = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    fleet.store.create(
        PODS,
        {
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"nodeName": node, "containers": [{"name": "main", "resources": {"limits": limits}}]},
            "status": {
                "phase": "Running" if node else "Pending",
                "qosClass": "Guaranteed",
                "conditions": [] if node else [waiting],
            },
        },
    )


def first_words(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if line]


# dump


def test_of_fifty_nodes_those_that_are_not_well_are_named_and_the_rest_is_complete(fleet: Fleet, run: Run) -> None:
    """A node is never skipped silently."""
    names = [f"node-{number:02d}" for number in range(50)]
    newer = {**document(busy("node-40"), version="9.0.0"), "apiVersion": "podres/v9"}
    odd = {
        "node-20": unreachable("dial tcp 10.0.0.1:10190: i/o timeout"),
        "node-30": answering(404),
        "node-40": serving(newer),
    }
    for name in names:
        fleet.add(name, odd.get(name) or busy(name))
    code, text, errors = run("dump", "--timeout=1m")

    assert 3 == code
    assert ["NODE", *(name for name in names if name not in odd)] == first_words(text)
    assert [
        f"node-20 (monitoring/exporter-node-20): {UNREACHED}",
        f"node-30 (monitoring/exporter-node-30): {OLD}",
        f"node-40 (monitoring/exporter-node-40): {NEW}",
    ] == errors


def test_a_node_that_hangs_is_named_and_holds_up_no_other(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", fleet.hanging())
    fleet.add("n2", busy("n2"))
    code, text, errors = run("dump", "--timeout=5s")

    assert 3 == code
    assert ["NODE", "n2"] == first_words(text)
    assert ["n1 (monitoring/exporter-n1): its exporter gave no complete answer within 5 s (--timeout)"] == errors


def test_the_namespace_is_that_of_the_context_unless_said_otherwise(fleet: Fleet, run: Run) -> None:
    """As with kubectl get."""
    fleet.add("n1", busy("n1"))

    assert ["NODE", "n1"] == first_words(run("dump")[1])
    assert (0, "", []) == run("dump", "-n", "web")
    assert ["nothing is held in namespace web; use -A for all namespaces"] == run.notes
    assert ["NODE", "n1"] == first_words(run("dump", "-n", "web", "-A")[1])
    fleet.config.write_text(fleet.config.read_text().replace("namespace: ml", "namespace: web"))

    assert "" == run("dump")[1]
    assert ["NODE", "n1"] == first_words(run("dump", "-n", "ml")[1])


@pytest.mark.parametrize("flags", [["--free"], ["--nodes"], ["--device=GPU-n1-1"]])
def test_questions_about_nodes_look_at_all_namespaces(fleet: Fleet, run: Run, flags: list[str]) -> None:
    """A device held in another namespace is shown; the answer is not that it is free."""
    fleet.config.write_text(fleet.config.read_text().replace("namespace: ml", "namespace: web"))
    fleet.add("n1", busy("n1"))
    code, text, errors = run("dump", *flags)

    assert (0, []) == (code, errors)
    assert "n1" in first_words(text)


def test_a_device_that_nobody_holds_is_named_with_its_node(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    fleet.add("n2", snapshot("n2"))

    assert (0, "no container holds nvidia.com/gpu GPU-n2-3 (NUMA node 1) of n2; it is free\n", []) == run(
        "dump", "--device=GPU-n2-3"
    )
    assert (1, "") == run("dump", "--device=GPU-n9")[:2]


def test_labels_are_asked_of_the_api_server(fleet: Fleet, run: Run) -> None:
    """The snapshots have only those that the exporters' allow-list lets through."""
    for node in ("n1", "n2"):
        fleet.add(node, busy(node))
        of_pods(fleet, f"train-{node}", node=node, app=node)

    assert ["NODE", "n2"] == first_words(run("dump", "-l", "app=n2")[1])
    assert ["NODE", "n1", "n2"] == first_words(run("dump", "-l", "app in (n1,n2)", "-A")[1])
    assert (0, "") == run("dump", "-l", "app=n3")[:2]
    assert (1, "") == run("dump", "-l", "app in n1")[:2]


def test_other_things_narrow_as_in_podres_exporter_dump(fleet: Fleet, run: Run) -> None:
    for node in ("n1", "n2"):
        fleet.add(node, busy(node))

    assert ["NODE", "n2"] == first_words(run("dump", "--pod=*-n2", "--container=main", "--numa-node=0")[1])
    assert "GPU" not in run("dump", "-o", "wide", "--resource=cpu")[1]
    assert (1, "", ["no pod 'nope' on 2 nodes; 2 pods are listed"]) == run("dump", "--pod=nope")


def test_single_nodes_can_be_asked_and_must_be_there(fleet: Fleet, run: Run) -> None:
    for node in ("n1", "n2", "n3"):
        fleet.add(node, busy(node))
    code, text, errors = run("dump", "--node=n1", "--node=n3", "--node=n9")

    assert (3, ["n9: there is no exporter pod on it"]) == (code, errors)
    assert ["NODE", "n1", "n3"] == first_words(text)
    assert (1, "", ["n9: there is no exporter pod on it"]) == run("dump", "--node=n9")
    assert 0 == fleet.server.requests.count(
        path="/api/v1/namespaces/monitoring/pods/exporter-n2:10190/proxy/api/v1/snapshot"
    )


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_documents_are_a_list_with_the_nodes_that_failed(
    fleet: Fleet, run: Run, output: str, read: Callable[[str], Any]
) -> None:
    fleet.add("n1", busy("n1"))
    fleet.add("n2", answering(500))
    code, text, _ = run("dump", "-o", output)
    found = read(text)

    assert 3 == code
    assert ["n1"] == [each["node"] for each in found["items"]]
    assert ["train-n1"] == [pod["name"] for pod in found["items"][0]["pods"]]
    assert [("n2", "unavailable")] == [(each["node"], each["reason"]) for each in found["failed"]]


def test_csv_and_prom_name_the_node(fleet: Fleet, run: Run) -> None:
    for node in ("n1", "n2"):
        fleet.add(node, busy(node))
    rows = list(csv.DictReader(io.StringIO(run("dump", "-o", "csv")[1])))

    assert {"n1", "n2"} == {row["node"] for row in rows}
    assert 'podres_container_devices{node="n2",namespace="ml",' in run("dump", "-o", "prom")[1]


def test_a_node_whose_kubelet_tells_nothing_makes_it_partial(fleet: Fleet, run: Run) -> None:
    """In a table it is named below; other formats have no place for it."""
    fleet.add("n1", busy("n1"))
    fleet.add("n2", Snapshot("n2", None))
    said = ["n2: nothing to show; see kubectl podres check"]

    assert (3, said) == run("dump", "-o", "csv")[::2]
    run("dump")
    assert "n2: nothing to show: the kubelet has not answered yet" in run.notes


def test_what_holds_nothing_is_shown_if_asked_for(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))

    assert 0 == run("dump", "--all")[0]
    assert (0, "", []) == run("dump", "-A", "--pod=train-n1", "--resource=memory", "--numa-node=1")
    assert "nothing is held" == run.notes[-1]


# finding the exporters


def test_without_an_exporter_it_says_how_to_get_or_find_one(fleet: Fleet, run: Run) -> None:
    of_pods(fleet, "other", app="x")
    code, text, (error,) = run("dump")

    assert (1, "") == (code, text)
    assert "no pod in any namespace has the labels app.kubernetes.io/name=podres-exporter" in error
    assert "install podres-exporter as a DaemonSet" in error
    assert (
        "no pod in namespace web has the labels a=b"
        in run("check", "--exporter-selector=a=b", "--exporter-namespace=web")[2][0]
    )


def test_exporters_are_found_by_other_labels_namespaces_and_ports(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    flags = ["--exporter-selector=app.kubernetes.io/name", "--exporter-namespace=monitoring", "--exporter-port=99"]

    assert 0 == run("dump", *flags)[0]
    assert 0 == run("dump", "--exporter-scheme=https")[0]
    assert 1 == fleet.server.requests.count("list", "/api/v1/namespaces/monitoring/pods", 200)
    asked = [entry.path for entry in fleet.server.requests.recent if "/proxy/" in entry.path]
    assert [
        "/api/v1/namespaces/monitoring/pods/exporter-n1:99/proxy/api/v1/snapshot",
        "/api/v1/namespaces/monitoring/pods/https:exporter-n1:10190/proxy/api/v1/snapshot",
    ] == asked


def disguised(fleet: Fleet, name: str, namespace: str = "tenant", **more: Any) -> None:
    """Add a pod with the exporter's labels on node n1, which has a tale of its own to tell."""
    fake = exporter_pod("n1")
    fake["metadata"] = {"name": name, "namespace": namespace, "labels": LABELS, **more}
    fleet.store.create(PODS, fake)
    fleet.server.backends.put(namespace, name, serving(document(snapshot("n1", trainer("made-up")))))


def asked(fleet: Fleet) -> set[str]:
    """Return the pods that were asked for anything."""
    return {
        entry.path.split("/")[6].partition(":")[0] for entry in fleet.server.requests.recent if "/proxy/" in entry.path
    }


@pytest.mark.parametrize("verb", [["dump", "-A"], ["fit", "--cpus=1"], ["check"]])
def test_a_pod_that_only_wears_the_labels_is_named_and_never_asked(fleet: Fleet, run: Run, verb: list[str]) -> None:
    """Any tenant can label a pod, older or younger, ready or not: what it says may be made up."""
    fleet.add("n1", busy("n1"))
    disguised(fleet, "cat-pictures")
    disguised(fleet, "neighbour", "monitoring")
    code, text, errors = run(*verb)

    assert 0 == code
    assert "made-up" not in text
    assert {"exporter-n1"} == asked(fleet)
    assert ["not queried: monitoring/neighbour on n1, tenant/cat-pictures on n1: they have the exporter's labels"] == [
        line[
            : len("not queried: monitoring/neighbour on n1, tenant/cat-pictures on n1: they have the exporter's labels")
        ]
        for line in errors
    ]


def test_of_two_daemon_sets_the_older_is_asked_and_the_other_named(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    disguised(fleet, "copy", ownerReferences=[owner("exporter", "ds-2")])
    disguised(fleet, "made-up", "a", ownerReferences=[owner("exporter", "none")])
    for namespace, uid, year in (("monitoring", "ds-1", 2025), ("tenant", "ds-2", 2026)):
        made = {"name": "exporter", "namespace": namespace, "uid": uid, "creationTimestamp": f"{year}-01-01T00:00:00Z"}
        fleet.store.create(DAEMON_SETS, {"metadata": made})
    code, text, (error,) = run("dump", "-A")

    assert (0, {"exporter-n1"}) == (code, asked(fleet))
    assert "train-n1" in text
    assert error.startswith("not queried: a/made-up on n1, tenant/copy on n1: ")


def test_where_the_ages_of_daemon_sets_are_not_told_nothing_is_mixed(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    disguised(fleet, "copy", ownerReferences=[owner("exporter", "ds-2")])
    fleet.server.faults.on_requests("get", Fail(403), resource=DAEMON_SETS)
    code, text, (error,) = run("dump", "-A")

    assert (1, "", set()) == (code, text, asked(fleet))
    assert "several DaemonSets own exporters: monitoring/exporter, tenant/exporter" in error
    assert "give the namespace of yours with --exporter-namespace" in error
    assert 0 == run("dump", "-A", "--exporter-namespace=monitoring")[0]


def test_pods_that_no_daemon_set_owns_are_asked_where_their_namespace_is_given(fleet: Fleet, run: Run) -> None:
    disguised(fleet, "by-hand", "web")
    code, text, (error,) = run("dump", "-A")

    assert (1, "") == (code, text)
    assert "web/by-hand on n1: have the exporter's labels but are owned by no DaemonSet" in error
    assert 0 == run("dump", "-A", "--exporter-namespace=web")[0]


def test_long_lists_come_in_pages(fleet: Fleet, run: Run) -> None:
    for number in range(501):
        fleet.store.create(
            PODS, {"metadata": {"name": f"p{number}", "namespace": "ml", "labels": {"a": "b"}}, "spec": {}}
        )
    fleet.add("n1", busy("n1"))
    of_pods(fleet, "train-n1", node="n1", a="b")

    assert ["NODE", "n1"] == first_words(run("dump", "-l", "a=b")[1])
    pages = [entry.query for entry in fleet.server.requests.recent if entry.query.get("labelSelector") == "a=b"]
    assert [False, True] == ["continue" in query for query in pages]
    assert ["500", "500"] == [query["limit"] for query in pages]


@pytest.mark.parametrize("verb", [["dump"], ["fit", "--cpus=1"], ["check"], ["explain", "p"], ["dump", "-l", "a=b"]])
def test_without_the_right_to_list_pods_it_names_the_right(fleet: Fleet, run: Run, verb: list[str]) -> None:
    fleet.add("n1", busy("n1"))
    fleet.server.faults.on_requests("list", Fail(403), resource=PODS)
    code, text, errors = run(*verb)

    assert (1, "", 1) == (code, text, len(errors))
    assert "cannot list resource" in errors[0]
    assert "grant list on pods" in errors[0]


def test_without_the_right_to_the_proxy_it_names_the_right_once_for_all_nodes(fleet: Fleet, run: Run) -> None:
    for node in ("n1", "n2"):
        fleet.add(node, busy(node))
    fleet.server.faults.on_requests("get", Fail(403), resource=PODS, subresource="proxy")
    code, text, errors = run("dump")

    assert (1, "") == (code, text)
    assert [f"n1 (monitoring/exporter-n1), n2 (monitoring/exporter-n2): {FORBIDDEN}"] == errors


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fail(401), "check that kubectl get pods works"),
        (Fail(500), "check that kubectl get pods works"),
        (Fail(400), "check --exporter-selector"),
        (Drop(), "check that kubectl get pods works"),
        (
            Delay(5),
            "Read timed out. (read timeout=0.5); check that kubectl get pods works, or allow more time",
        ),
    ],
)
def test_a_list_that_fails_is_an_error_with_a_remedy(fleet: Fleet, run: Run, fault: Any, words: str) -> None:
    fleet.server.faults.on_requests("list", fault)
    code, _, (error,) = run("dump", "--timeout=500ms")

    assert 1 == code
    assert words in error


def test_a_server_that_is_not_there_is_named_so(fleet: Fleet, run: Run) -> None:
    fleet.server.go_down()
    code, _, (error,) = run("dump")

    assert 1 == code
    assert "Connection refused" in error


# explain


def test_explain_asks_the_node_that_has_the_pod_alone(fleet: Fleet, run: Run) -> None:
    for node in ("n1", "n2"):
        fleet.add(node, busy(node))
        of_pods(fleet, f"train-{node}", node=node)
    code, text, errors = run("explain", "train-n2")

    assert (0, []) == (code, errors)
    assert "container main: aligned on NUMA node 0" in text
    assert 1 == sum("/proxy/" in entry.path for entry in fleet.server.requests.recent)
    assert "n2" == json.loads(run("explain", "ml/train-n2", "-c", "main", "-o", "json")[1])["node"]
    assert 1 == run("explain", "train-n2", "-c", "sidecar")[0]


def test_explain_says_where_a_pending_pod_could_go(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    fleet.add("n2", answering(500))
    of_pods(fleet, "new")
    code, text, errors = run("explain", "new")

    assert (3, 1) == (code, len(errors))
    assert "the scheduler says: 0/2 nodes are available" in text
    assert ["n1", "yes", "1"] in [line.split()[:3] for line in text.splitlines()]
    found = json.loads(run("explain", "new", "-o", "json")[1])
    assert ("PendingPod", ["n1"], ["n2"]) == (
        found["kind"],
        [each["node"] for each in found["items"]],
        [each["node"] for each in found["failed"]],
    )


def test_explain_finds_a_pod_that_only_its_kubelet_knows(fleet: Fleet, run: Run) -> None:
    """Deleted by force, or of a file on the node: the API server is not the authority for what is held."""
    for node in ("n1", "n2"):
        fleet.add(node, busy(node))

    for argv in (["train-n2"], ["-A", "train-n2"]):
        code, text, _ = run("explain", *argv)

        assert (0, True) == (code, "node n2" in text)


def test_explain_names_pods_of_that_name_in_other_namespaces(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    for namespace in ("a", "b"):
        fleet.store.create(PODS, {"metadata": {"name": "twin", "namespace": namespace}, "spec": {}})

    assert (1, "", ["pod twin is in several namespaces; give one: a/twin, b/twin"]) == run("explain", "-A", "twin")
    said = "no pod train-n1 in namespace web, neither in the API server nor on any node that answers"
    assert (1, "", [f"{said}; there is: ml/train-n1"]) == run("explain", "-n", "web", "train-n1")
    assert "nor on any node that answers" in run("explain", "nope")[2][0]


@pytest.mark.parametrize("bound", ["n2", ""])
def test_explain_fails_where_no_exporter_answers_for_the_pod(fleet: Fleet, run: Run, bound: str) -> None:
    fleet.add("n2", answering(500))
    of_pods(fleet, "p", node=bound)

    assert (1, "", ["n2 (monitoring/exporter-n2): its exporter answers HTTP 500"]) == run("explain", "p")


def test_a_pending_pod_that_cannot_be_read_is_an_error(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    broken = {"metadata": {"name": "odd", "namespace": "ml"}, "spec": {"containers": [{"name": 7}]}}
    fleet.store.create(PODS, broken)

    assert (1, "", ["pod odd cannot be read"]) == run("explain", "odd")


# fit


def test_fit_asks_every_node_and_ranks_them(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", snapshot("n1"))
    fleet.add("n2", snapshot("n2", trainer("n2", cpus="0-1,4-5")))
    asked = ["fit", "--cpus=2", "--memory=1Gi", "--device=nvidia.com/gpu=2", "--policy=single-numa-node"]
    code, text, _ = run(*asked)

    assert 0 == code
    assert ["yes", "asked:", "NODE", "n2", "n1", "-"] == first_words(text)
    assert ["n2", "n1"] == [each["node"] for each in json.loads(run(*asked, "-o", "json")[1])["items"]]


@pytest.mark.parametrize(("second", "expected"), [(None, 1), (Snapshot("n2", None), 3), (answering(500), 3)])
def test_fit_says_no_only_where_all_nodes_do(fleet: Fleet, run: Run, second: Any, expected: int) -> None:
    fleet.add("n1", busy("n1"))
    if second is not None:
        fleet.add("n2", second)

    assert expected == run("fit", "--device=nvidia.com/gpu=9")[0]


def test_fit_without_any_node_has_no_answer(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", answering(500))

    assert (1, "") == run("fit", "--cpus=1", "--scope=pod")[:2]


# check


def test_check_is_well_where_all_is(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    code, text, errors = run("check")

    assert (0, []) == (code, errors)
    assert "1 of 1 node healthy." == text.splitlines()[-1]


def test_check_asks_exporters_that_are_not_ready_and_names_bare_nodes_and_failures(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", replace(busy("n1"), allocation=None), conditions=[])
    fleet.add("n2", answering(500))
    fleet.store.create(NODES, {"metadata": {"name": "bare"}})
    code, text, errors = run("check")

    assert (3, ["n2 (monitoring/exporter-n2): its exporter answers HTTP 500"]) == (code, errors)
    assert "FAIL  snapshot.allocation: n1: nothing to show" in text
    assert "warn  exporter.ready: n1: the exporter is not ready" in text
    assert "note  exporter.missing: 1 node without an exporter: bare" in text
    assert "exporter.missing" not in run("check", "--node=n1")[1]


def test_check_may_not_list_nodes_and_says_so(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", busy("n1"))
    fleet.server.faults.on_requests("list", Fail(403), resource=NODES)
    code, text, _ = run("check", "-o", "json")
    found = json.loads(text)

    assert (0, "ok", ["n1"]) == (code, found["verdict"], [each["node"] for each in found["nodes"]])
    assert "grant list on nodes to find out" == found["findings"][0]["remedy"]


def test_check_fails_where_nobody_answers(fleet: Fleet, run: Run) -> None:
    fleet.add("n1", answering(500))

    assert 1 == run("check")[0]


# usage


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["dump", "a", ""], "POD: the pod's name is empty"),
        (["dump", "--nodde=x"], "dump has no flag --nodde; did you mean --node?"),
        (["dump", "-o", "xml"], "-o: 'xml' is unknown; choose table, wide, json, yaml, prom, csv or name"),
        (["dump", "--free", "--nodes"], "--free and --nodes: are separate tables"),
        (["dump", "--free", "-o", "csv"], "--free: prints a table of its own and cannot be combined with -o csv"),
        (["dump", "--all", "--free"], "--all: is for the table of containers"),
        (["dump", "-n", ""], "--namespace: the name is empty"),
        (["dump", "--pod="], "--pod: the name is empty"),
        (["dump", "--numa-node=x"], "--numa-node: 'x' is not the number of a NUMA node"),
        (["dump", "--node="], "--node: the name is empty"),
        (["dump", "--kubeconfig="], "--kubeconfig: is empty"),
        (["dump", "--kubeconfig=/missing"], "--kubeconfig: there is no file '/missing'"),
        (["dump", "--exporter-selector="], "--exporter-selector: is empty"),
        (["dump", "--exporter-scheme=ftp"], "--exporter-scheme: 'ftp' is unknown; choose http or https"),
        (["dump", "--exporter-port=0"], "--exporter-port: '0' is not the number of a port"),
        (["dump", "--timeout=1"], "--timeout: '1' is not a duration"),
        (["dump", "--deadline=1ms"], "--deadline: '1ms' is too short"),
        (["dump", "--context=nope"], "it has no context 'nope'; there are simulated"),
        (["explain"], "POD"),
        (["explain", ""], "POD: the pod's name is empty"),
        (["explain", "a/b", "-n", "c"], "-n: is 'c', but the pod's name says 'a'"),
        (["explain", "a", "-o", "yaml"], "-o: 'yaml' is unknown; choose text or json"),
        (["fit"], "no requests given"),
        (["fit", "--cpus=1", "--policy=best"], "--policy: 'best' is unknown"),
        (["check", "-o", "yaml"], "-o: 'yaml' is unknown; choose text or json"),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_wrong_usage_is_refused_before_anybody_is_asked(run: Run, argv: list[str], words: str) -> None:
    code, text, errors = run(*argv)

    assert (2, "", f"see kubectl podres {argv[0]} --help") == (code, text, errors[-1])
    assert any(words in error for error in errors[:-1])


@pytest.mark.usefixtures("fleet")
def test_all_faults_are_told_at_once(run: Run) -> None:
    assert 4 == len(run("dump", "-o", "xml", "--timeout=x", "--node=")[2])


@pytest.mark.parametrize("argv", [["--help"], ["dump", "-h"], ["explain", "-h"], ["fit", "-h"], ["check", "-h"]])
def test_the_help_is_that_of_kubectl_podres(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    """As krew wants it: the usage names the command that the user types."""
    with pytest.raises(SystemExit) as caught:
        kubectl_main(argv)

    text = capsys.readouterr().out
    assert 0 == caught.value.code
    assert text.startswith(f"usage: kubectl podres {argv[0] if len(argv) > 1 else ''}".rstrip())
    assert "podres-exporter dump" not in text


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        kubectl_main(["--version"])

    assert capsys.readouterr().out.startswith("kubectl podres ")


def test_an_interrupt_ends_the_wait_for_a_node(fleet: Fleet, run: Run) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fleet.add("n1", fleet.hanging(lambda: os.kill(os.getpid(), signal.SIGINT)))

    assert (130, "", []) == run("dump", "--timeout=1m")


# as a process


def environment(fleet: Fleet, **more: str) -> dict[str, str]:
    return {
        "KUBECONFIG": str(fleet.config),
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(fleet.config.parent),
        **more,
    }


def test_ctrl_c_ends_it_at_once_and_quietly(fleet: Fleet) -> None:
    asked = threading.Event()
    fleet.add("n1", fleet.hanging(asked.set))
    with subprocess.Popen(
        [*PROGRAM, "dump", "--timeout=1m"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(fleet),
        text=True,
    ) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (130, "", "") == (process.returncode, out, err)


def test_nobody_who_reads_is_no_error(fleet: Fleet) -> None:
    """As after `| head`."""
    fleet.add("n1", busy("n1"))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, "dump"], stdout=writer, stderr=subprocess.PIPE, env=environment(fleet), check=False, timeout=60
    )
    os.close(writer)

    assert (0, b"") == (done.returncode, done.stderr)


def test_kubectl_itself_runs_it(fleet: Fleet, tmp_path: Path) -> None:
    """An executable `kubectl-podres` on PATH is a command of kubectl's."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        if os.environ.get("CI"):
            pytest.fail("kubectl is missing; install Debian's package kubernetes-client")
        pytest.skip("kubectl is not installed; Debian has it in the package kubernetes-client")
    fleet.add("n1", busy("n1"))
    plugin = tmp_path / "kubectl-podres"
    plugin.write_text(
        f"#!{sys.executable}\nimport sys\nfrom podres_exporter.cli import kubectl_main\nsys.exit(kubectl_main())\n"
    )
    plugin.chmod(0o755)
    found = environment(fleet, PATH=f"{tmp_path}:{os.environ.get('PATH', '')}")
    done = subprocess.run(
        [kubectl, "podres", "dump", "-n", "ml"], capture_output=True, text=True, env=found, check=False, timeout=60
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert ["NODE", "n1"] == first_words(done.stdout)


def test_models_and_typed_api_of_the_kubernetes_package_are_never_imported(fleet: Fleet) -> None:
    """They cost a second and 20 MiB."""
    fleet.add("n1", busy("n1"))
    script = (
        "import sys\n"
        "from podres_exporter.cli import kubectl_main\n"
        "assert not any(name.split('.')[0] == 'kubernetes' for name in sys.modules)\n"
        "assert kubectl_main(['dump']) == 0\n"
        "heavy = ('kubernetes.client.models.', 'kubernetes.client.api.', 'kubernetes.aio', 'aiohttp')\n"
        "print([name for name in sys.modules if name.startswith(heavy)], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(fleet), check=False, timeout=60
    )

    assert "[]\n" == done.stderr
