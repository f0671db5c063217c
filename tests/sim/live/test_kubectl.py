"""kubectl against the live node: created pods are admitted or rejected, and List follows."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubectl_rig import Kubectl, columns
from node_rig import NodeRig, amounts, container, node_rig, pod

from podres_exporter.sim.api import kubeconfig

GPU = "example.com/gpu"
SCENARIO = f"""
node: n1
kubelet: {{release: "1.36", cpu_manager: {{reserved: "0"}}}}
numa: [{{node: 0, cpus: "0-3", memory: 1Gi}}]
resources: [{{name: {GPU}, devices: [{{id: GPU-0, numa_nodes: [0]}}, {{id: GPU-1, numa_nodes: [0]}}]}}]
pods:
  - {{name: web, namespace: shop, spec: {{containers: [{{name: main}}]}}}}
  - name: train
    namespace: ml
    spec: {{containers: [{{name: main, resources: {{limits: {{{GPU}: 1}}}}}}]}}
"""
WEB_AND_TRAIN = {"web": {"main": (0, {})}, "train": {"main": (0, {GPU: 1})}}


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    return Kubectl(tmp_path)


@pytest.fixture
def live(short_dir: Path, kubectl: Kubectl) -> Iterator[NodeRig]:
    """Yield the node, and tell kubectl where it is."""
    with node_rig(SCENARIO, short_dir) as live:
        kubectl.config.write_text(kubeconfig(live.node.api.url))
        yield live


def manifest(tmp_path: Path, gpus: int, node: str = "") -> str:
    """Return the path of a file with a Guaranteed pod that asks for GPUs."""
    path = tmp_path / "pod.json"
    wanted = pod("mine", container(cpu="2", devices={GPU: gpus}))
    path.write_text(json.dumps({**wanted, "spec": wanted["spec"] | ({"nodeName": node} if node else {})}))
    return str(path)


def test_kubectl_lists_the_pods_that_list_lists(kubectl: Kubectl, live: NodeRig) -> None:
    """The API server has the pods of the scenario, admitted: the two answers name the same ones."""
    shown = columns(kubectl("get", "pods", "-A", "--no-headers"), 0, 1, 2, 3)

    assert [["ml", "train", "1/1", "Running"], ["shop", "web", "1/1", "Running"]] == shown
    assert WEB_AND_TRAIN == amounts(live.agreed())


def test_a_pod_that_kubectl_creates_runs_and_holds_what_it_asked_for(
    kubectl: Kubectl, live: NodeRig, tmp_path: Path
) -> None:
    """Create, admission, allocation: the status is there for the next call, and List and the exporter follow."""
    created = kubectl("create", "-f", manifest(tmp_path, gpus=1))
    live.node.settle()
    shown = columns(kubectl("get", "pod", "mine", "--no-headers", "-o", "wide"), 0, 2, 6)

    assert "pod/mine created\n" == created
    assert [["mine", "Running", "n1"]] == shown
    assert WEB_AND_TRAIN | {"mine": {"cnt-00": (2, {GPU: 1})}} == amounts(live.agreed())


def test_kubectl_shows_why_a_pod_was_rejected(kubectl: Kubectl, live: NodeRig, tmp_path: Path) -> None:
    """The status has the kubelet's reason and words (devicesToAllocate); the pod is in the API, but not in List."""
    created = kubectl("create", "-f", manifest(tmp_path, gpus=2, node="n1"))
    live.node.settle()
    shown = columns(kubectl("get", "pod", "mine", "--no-headers"), 0, 1, 2)
    status = json.loads(kubectl("get", "pod", "mine", "-o", "json"))["status"]

    assert "pod/mine created\n" == created
    assert [["mine", "0/1", "UnexpectedAdmissionError"]] == shown
    assert ("Failed", "UnexpectedAdmissionError") == (status["phase"], status["reason"])
    assert (
        "Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/gpu. "
        "Requested: 2, Available: 1, which is unexpected"
    ) == status["message"]
    assert WEB_AND_TRAIN == amounts(live.agreed())


def test_kubectl_shows_why_a_pod_waits(kubectl: Kubectl, live: NodeRig, tmp_path: Path) -> None:
    """What does not fit is not bound: Pending, with the scheduler's words, until another pod has ended."""
    kubectl("create", "-f", manifest(tmp_path, gpus=2))
    live.node.settle()
    shown = columns(kubectl("get", "pod", "mine", "--no-headers"), 0, 1, 2)
    described = kubectl("describe", "pod", "mine")
    kubectl("delete", "pod", "train", "-n", "ml")
    live.node.settle()
    then = columns(kubectl("get", "pod", "mine", "--no-headers"), 0, 1, 2)

    assert [["mine", "0/1", "Pending"]] == shown
    assert "PodScheduled   False" in described
    assert [["mine", "1/1", "Running"]] == then


def test_a_pod_that_kubectl_deletes_gives_back_what_it_held(kubectl: Kubectl, live: NodeRig, tmp_path: Path) -> None:
    """Deleted pods leave List at once, and what they held can be had by the next one."""
    kubectl("delete", "pod", "train", "-n", "ml")
    without = amounts(live.agreed())
    kubectl("create", "-f", manifest(tmp_path, gpus=2))
    live.node.settle()

    assert {"web": {"main": (0, {})}} == without
    assert {"web": {"main": (0, {})}, "mine": {"cnt-00": (2, {GPU: 2})}} == amounts(live.agreed())


def test_kubectl_shows_the_node_with_its_release_and_devices(kubectl: Kubectl, live: NodeRig) -> None:
    """The Node has the kubelet's version, and the devices of the plugins in capacity and allocatable."""
    shown = columns(kubectl("get", "nodes", "--no-headers"), 0, 1, 4)
    status = json.loads(kubectl("get", "node", live.node.scenario.node, "-o", "json"))["status"]

    assert [["n1", "Ready", "v1.36.0"]] == shown
    assert ("2", "2") == (status["capacity"][GPU], status["allocatable"][GPU])
