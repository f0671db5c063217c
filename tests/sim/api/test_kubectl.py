"""The real kubectl against the simulated API server."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_rig import pod
from kubectl_rig import Kubectl, columns

from podres_exporter.clock import SystemClock
from podres_exporter.sim.api import NODES, PODS, ApiServer, Fail, Store, kubeconfig

READY = {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}


@pytest.fixture
def installed(tmp_path: Path) -> Kubectl:
    """Return kubectl, which is not told of any server yet."""
    return Kubectl(tmp_path)


@pytest.fixture
def live() -> Store:
    """Return a store by the real clock, for kubectl computes with its own."""
    store = Store(SystemClock())
    info = {
        "kubeletVersion": "v1.36.3",
        "osImage": "Debian",
        "kernelVersion": "6.1",
        "containerRuntimeVersion": "c://2",
    }
    ready = [{"type": "Ready", "status": "True"}]
    store.create(NODES, {"metadata": {"name": "n1"}, "status": {"conditions": ready, "nodeInfo": info}})
    for name, namespace in (("train-0", "ml"), ("train-1", "ml"), ("web", "shop")):
        item = pod(name, namespace)
        item["status"] |= {"podIP": "10.0.0.7", "containerStatuses": [READY]}
        store.create(PODS, item)
    return store


@pytest.fixture
def server_of_kubectl(live: Store, installed: Kubectl) -> Iterator[ApiServer]:
    with ApiServer(live, SystemClock()) as server:
        installed.config.write_text(kubeconfig(server.url))
        yield server


@pytest.fixture
def kubectl(installed: Kubectl, server_of_kubectl: ApiServer) -> Kubectl:
    """Return kubectl, which knows the server."""
    assert server_of_kubectl.url

    return installed


def test_kubectl_lists_the_pods_of_all_namespaces(kubectl: Kubectl) -> None:
    shown = kubectl("get", "pods", "-A")

    assert "NAMESPACE NAME READY STATUS RESTARTS AGE" == " ".join(shown.splitlines()[0].split())
    assert [
        ["ml", "train-0", "1/1", "Running", "0"],
        ["ml", "train-1", "1/1", "Running", "0"],
        ["shop", "web", "1/1", "Running", "0"],
    ] == columns(shown, 0, 1, 2, 3, 4)[1:]


def test_kubectl_shows_address_and_node_with_wide_output(kubectl: Kubectl) -> None:
    shown = kubectl("get", "pods", "-n", "ml", "-o", "wide", "--no-headers")

    assert [["train-0", "10.0.0.7", "n1"], ["train-1", "10.0.0.7", "n1"]] == columns(shown, 0, 5, 6)


def test_kubectl_selects_and_pages(kubectl: Kubectl, server_of_kubectl: ApiServer) -> None:
    arguments = ("get", "pods", "-A", "--chunk-size=1", "--field-selector=spec.nodeName=n1,metadata.name!=train-1")

    assert ["pod/train-0", "pod/web"] == kubectl(*arguments, "-o", "name").split()
    assert 2 == server_of_kubectl.requests.count("list", "/api/v1/pods")


def test_kubectl_gets_one_pod_as_json(kubectl: Kubectl) -> None:
    item = json.loads(kubectl("get", "pod", "train-0", "-n", "ml", "-o", "json"))

    assert ("Pod", "n1") == (item["kind"], item["spec"]["nodeName"])


def test_kubectl_gets_all_pods_as_json(kubectl: Kubectl) -> None:
    listed = json.loads(kubectl("get", "pods", "-A", "-o", "json"))

    assert [("Pod", "train-0"), ("Pod", "train-1"), ("Pod", "web")] == [
        (each["kind"], each["metadata"]["name"]) for each in listed["items"]
    ]


def test_kubectl_shows_nodes_and_namespaces(kubectl: Kubectl) -> None:
    assert [["n1", "Ready", "v1.36.3"]] == columns(kubectl("get", "nodes", "--no-headers"), 0, 1, 4)
    assert [["default", "Active"], ["ml", "Active"], ["shop", "Active"]] == columns(
        kubectl("get", "ns", "--no-headers"), 0, 1
    )


def test_kubectl_watches(kubectl: Kubectl, live: Store, server_of_kubectl: ApiServer) -> None:
    """The list comes first, then every change as a line of its own."""
    arguments = [*kubectl.command, "get", "pods", "-n", "ml", "-w", "--no-headers"]
    with subprocess.Popen(arguments, env=kubectl.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        guard = threading.Timer(20, process.kill)
        guard.start()
        listed = [process.stdout.readline().split()[0] for _ in range(2)]
        assert server_of_kubectl.requests.wait_for(1, "watch")
        live.update(PODS, pod("train-0", phase="Succeeded"))
        live.create(PODS, pod("train-2", phase="Pending"))
        changes = [process.stdout.readline().split()[:3] for _ in range(2)]
        process.kill()
        guard.cancel()

    assert ["train-0", "train-1"] == listed
    assert [["train-0", "0/1", "Succeeded"], ["train-2", "0/1", "Pending"]] == changes


def test_kubectl_creates_and_deletes_a_pod(kubectl: Kubectl, live: Store) -> None:
    spec = {"containers": [{"name": "c", "image": "i"}]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "new"}, "spec": spec}
    created = kubectl("create", "-n", "ml", "-f", "-", stdin=json.dumps(manifest))
    phase = live.get(PODS, "ml", "new")["status"]["phase"]
    deleted = kubectl("delete", "pod", "new", "-n", "ml")

    assert ("pod/new created\n", "Pending") == (created, phase)
    assert deleted.startswith('pod "new" deleted')
    assert ["train-0", "train-1", "web"] == [each["metadata"]["name"] for each in live.read(PODS)[0]]


def test_kubectl_labels_annotates_and_cordons(kubectl: Kubectl, live: Store) -> None:
    """Label and annotate send merge patches, cordon a strategic one without lists."""
    live.create(NODES, {"metadata": {"name": "n7"}, "spec": {}, "status": {}})
    kubectl("label", "pod", "web", "-n", "shop", "tier=front")
    kubectl("annotate", "node", "n7", "note=x")
    kubectl("cordon", "n7")
    pod, node = live.get(PODS, "shop", "web"), live.get(NODES, "", "n7")

    assert "front" == pod["metadata"]["labels"]["tier"]
    assert ({"note": "x"}, {"unschedulable": True}) == (node["metadata"]["annotations"], node["spec"])


def test_kubectl_asks_what_it_may_do(kubectl: Kubectl, server_of_kubectl: ApiServer) -> None:
    assert kubectl("auth", "can-i", "list", "pods").endswith("yes\n")
    server_of_kubectl.faults.on_requests("list", Fail(403), resource=PODS)
    assert kubectl("auth", "can-i", "list", "pods", code=1).endswith("no\n")


def test_kubectl_prints_the_refusals(kubectl: Kubectl, server_of_kubectl: ApiServer) -> None:
    missing = kubectl("get", "pod", "none", "-n", "ml", code=1)
    unknown = kubectl("get", "pods", "-A", "--field-selector=spec.foo=1", code=1)
    server_of_kubectl.faults.on_requests("list", Fail(403))
    forbidden = kubectl("get", "pods", "-A", code=1)

    assert 'Error from server (NotFound): pods "none" not found\n' == missing
    assert "field label not supported: spec.foo" in unknown
    assert 'cannot list resource "pods" in API group "" at the cluster scope' in forbidden


def test_kubectl_without_the_token_is_unauthorized(kubectl: Kubectl, server_of_kubectl: ApiServer) -> None:
    """Kubectl sends no token over plain HTTP, whatever its kubeconfig says."""
    server_of_kubectl.token = "a-token"  # noqa: S105 - a test's own

    assert "logged in to the server" in kubectl("get", "pods", "-A", code=1)
