"""Pods that wait for resources, and pods bound without a check."""

from pathlib import Path
from typing import Any

import pytest
from live_bench import GPU, container, live_node, phases, statuses
from node_rig import on_node

from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import NODES, PODS
from podres_exporter.sim.live import LiveNode

NO_CPUS = "not enough cpus available to satisfy request"
NONE = "0/1 nodes are available"
WAITS = (
    "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
)
HOPELESS = (
    "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
)


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name}
    return {"metadata": metadata, "spec": {"containers": list(containers) or [container()], **spec}}


def told(node: LiveNode, name: str) -> tuple[str, str, str]:
    """Return what the condition PodScheduled says."""
    conditions = statuses(node)[name]["conditions"]
    found = next(each for each in conditions if each["type"] == "PodScheduled")
    return found["status"], found.get("reason", ""), found.get("message", "")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"cpu": "7"}, f"{NONE}: 1 Insufficient cpu. {HOPELESS}"),
        ({"memory": "9Gi"}, f"{NONE}: 1 Insufficient memory. {HOPELESS}"),
        ({"gpu": 2}, f"{NONE}: 1 Insufficient {GPU}. {WAITS}"),
        ({"gpu": 2, "cpu": "6"}, f"{NONE}: 1 Insufficient cpu, 1 Insufficient {GPU}. {WAITS}"),
        ({"none": 1}, f"{NONE}: 1 Insufficient example.com/none. {HOPELESS}"),
    ],
)
def test_what_does_not_fit_stays_pending_with_the_reason(short_dir: Path, asked: dict[str, Any], message: str) -> None:
    """Six CPUs, two of eight reserved, 8Gi and two GPUs, one of which is taken (FitError of the scheduler)."""
    with live_node(short_dir) as (node, _):
        node.create(pod("first", container(gpu=1)))
        waiting = node.create(pod("a", container(**asked)))

        assert ("False", "Unschedulable", message) == told(node, "a")
        assert {"first": "Running", "a": "Pending"} == phases(node)
        assert "nodeName" not in waiting["spec"]
        assert "startTime" not in waiting["status"]


def test_what_waits_is_bound_in_order_of_age_when_there_is_room(short_dir: Path) -> None:
    with live_node(short_dir) as (node, _):
        node.create(pod("first", container(gpu=2)))
        node.create(pod("older", container(gpu=1)))
        node.create(pod("newer", container(gpu=2)))
        node.finish("default", "first")
        node.settle()
        between = phases(node)
        node.store.delete(PODS, "default", "older")
        node.settle()

        assert {"first": "Succeeded", "older": "Running", "newer": "Pending"} == between
        assert {"first": "Succeeded", "newer": "Running"} == phases(node)
        assert ("True", "", "") == told(node, "newer")


@pytest.mark.parametrize(
    ("spec", "reason", "message"),
    [
        (
            {"nodeSelector": {"zone": "a"}},
            "Unschedulable",
            f"{NONE}: 1 node(s) didn't match Pod's node affinity/selector. {HOPELESS}",
        ),
        (
            {"schedulingGates": [{"name": "x"}]},
            "SchedulingGated",
            "Scheduling is blocked due to non-empty scheduling gates",
        ),
    ],
)
def test_selectors_and_gates_are_heeded(short_dir: Path, spec: dict[str, Any], reason: str, message: str) -> None:
    with live_node(short_dir) as (node, _):
        node.create(pod("a", **spec))
        node.create(pod("b", nodeSelector={"kubernetes.io/hostname": "n1"}))

        assert ("False", reason, message) == told(node, "a")
        assert "Running" == phases(node)["b"]


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"affinity": {kind: {REQUIRED: [{"topologyKey": "x"}]}}}, f"spec.affinity.{kind}.{REQUIRED}")
        for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")
    ]
    + [
        (
            {"topologySpreadConstraints": [{"whenUnsatisfiable": "DoNotSchedule"}]},
            "spec.topologySpreadConstraints with DoNotSchedule",
        )
    ],
)
def test_what_a_pod_requires_and_is_not_played_is_refused_with_that_word(
    short_dir: Path, spec: dict[str, Any], word: str
) -> None:
    """Never bound as if it had not asked; whoever names the node himself has no scheduler."""
    with live_node(short_dir) as (node, _):
        node.create(pod("a", **spec))
        node.create(pod("b", **spec, nodeName="n1"))

        assert ("False", "Unschedulable", f"{word} is not simulated") == told(node, "a")
        assert {"a": "Pending", "b": "Running"} == phases(node)


def test_what_a_pod_only_prefers_makes_no_difference(short_dir: Path) -> None:
    """There is one node."""
    affinity = {kind: {PREFERRED: [{"weight": 1}]} for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")}
    spread = [{"whenUnsatisfiable": "ScheduleAnyway"}]
    with live_node(short_dir) as (node, _):
        node.create(pod("a", affinity=affinity, topologySpreadConstraints=spread))

        assert {"a": "Running"} == phases(node)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"priorityClassName": "high"}, "Preemption is not simulated"),
        ({"priority": 1}, "Preemption is not simulated"),
        ({"priorityClassName": "high", "preemptionPolicy": "Never"}, "No preemption victims found for incoming pod"),
        ({"priority": 0}, "No preemption victims found for incoming pod"),
    ],
)
def test_a_pod_that_preemption_may_help_is_told_that_there_is_none(
    short_dir: Path, spec: dict[str, Any], why: str
) -> None:
    """A real scheduler might evict others for it."""
    with live_node(short_dir) as (node, _):
        node.create(pod("first", container(gpu=2)))
        node.create(pod("a", container(gpu=1), **spec))

        assert told(node, "a")[2].endswith(f"1 {why}.")


def test_a_cordoned_or_tainted_node_gets_no_pods_until_it_is_free_again(short_dir: Path) -> None:
    with live_node(short_dir) as (node, _):
        free = node.store.get(NODES, "", "n1")
        taint = {"key": "k", "value": "v", "effect": "NoSchedule"}
        tolerated = {"key": "k", "operator": "Exists"}
        for name, spec, words in (
            ("a", {"unschedulable": True}, "1 node(s) were unschedulable"),
            ("b", {"taints": [taint]}, "1 node(s) had untolerated taint(s) {k: v}"),
        ):
            current = node.store.get(NODES, "", "n1")
            node.store.update(NODES, {**current, "spec": spec})
            node.create(pod(name))
            assert told(node, name)[2].startswith(f"{NONE}: {words}. ")
        node.create(pod("c", tolerations=[tolerated]))
        before = phases(node)
        current = node.store.get(NODES, "", "n1")
        node.store.update(NODES, {**current, "spec": free["spec"]})
        node.settle()

        assert {"a": "Pending", "b": "Pending", "c": "Running"} == before
        assert {"Running"} == set(phases(node).values())


def test_another_schedulers_pod_is_left_alone(short_dir: Path) -> None:
    with live_node(short_dir) as (node, _):
        created = node.create(pod("a", schedulerName="volcano"))

        assert "nodeName" not in created["spec"]
        assert "conditions" not in created.get("status", {})


@pytest.mark.parametrize(
    ("asked", "reason", "message"),
    [
        (
            {"cpu": "100"},
            "UnexpectedAdmissionError",
            f"Allocate failed due to {NO_CPUS}: requested=100, available=6, which is unexpected",
        ),
        (
            {"cpu": "5500m"},
            "OutOfcpu",
            "Node didn't have enough resource: cpu, requested: 5500, used: 1000, capacity: 6000",
        ),
    ],
)
def test_a_pod_that_is_bound_without_room_is_rejected_by_the_kubelet(
    short_dir: Path, asked: dict[str, Any], reason: str, message: str
) -> None:
    """The resource managers come first, and only then the sum of requests (kubelet.go, admitHandlers)."""
    with live_node(short_dir) as (node, _):
        node.create(pod("first", container(cpu="500m"), container("second", cpu="500m")))
        node.create(on_node(pod("a", container(**asked)), node))

        status = statuses(node)["a"]
        assert ("Failed", reason) == (status["phase"], status["reason"])
        assert f"Pod was rejected: {message}" == status["message"]


def test_memory_and_the_number_of_pods_are_counted_too(short_dir: Path) -> None:
    """Without static policies the sum of requests is all that the kubelet looks at."""
    head = "kubelet: {cpu_manager: {policy: none}, memory_manager: {policy: None}, max_pods: 2}"
    with live_node(short_dir, kubelet=head) as (node, _):
        node.create(on_node(pod("a", container(memory="9Gi")), node))
        node.create(pod("b"))
        node.create(pod("c"))
        node.create(pod("d"))
        node.create(on_node(pod("e"), node))

        gi = 1 << 30
        memory = f"Node didn't have enough resource: memory, requested: {9 * gi}, used: 0, capacity: {8 * gi}"
        assert ("OutOfmemory", f"Pod was rejected: {memory}") == tuple(
            statuses(node)["a"][key] for key in ("reason", "message")
        )
        assert f"{NONE}: 1 Too many pods. {WAITS}" == told(node, "d")[2]
        assert "OutOfpods" == statuses(node)["e"]["reason"]
        assert "requested: 1, used: 2, capacity: 2" in statuses(node)["e"]["message"]


def test_a_resource_that_no_plugin_has_registered_is_no_obstacle_to_the_kubelet(short_dir: Path) -> None:
    """It may be one of the whole cluster (removeMissingExtendedResources)."""
    with live_node(short_dir) as (node, _):
        node.create(on_node(pod("a", container(none=1)), node))

        assert "Running" == phases(node)["a"]


OVERFULL = """
node: n1
kubelet:
  release: "1.31"
  memory_manager: {policy: Static, reserved: {0: 512Mi}}
  cpu_manager: {policy: static, reserved: "0"}
numa: [{node: 0, cpus: "0-3", memory: 4Gi}]
resources: [{name: example.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}]}]
pods:
  - {namespace: d, name: fits, spec: {containers: [{name: c, resources: {limits: {cpu: 1, memory: 3Gi}}}]}}
  - {namespace: d, name: memory, spec: {containers: [{name: c, resources: {limits: {cpu: 1, memory: 3Gi}}}]}}
  - {namespace: d, name: cpus, spec: {containers: [{name: c, resources: {limits: {cpu: 3, memory: 64Mi}}}]}}
  - {namespace: d, name: burstable, spec: {containers: [{name: c, resources: {requests: {cpu: 3}}}]}}
"""


def test_what_a_scenario_starts_is_the_kubelets_to_reject(short_dir: Path) -> None:
    """A scheduler would hold all three back; on clusters they come by a stale scheduler, and people replay them."""
    with LiveNode(parse_scenario(OVERFULL, "test"), short_dir, SystemClock()) as node:
        node.settle()
        said = {name: f"{each.get('reason')}: {each.get('message', '')}" for name, each in statuses(node).items()}

    assert "no NUMA nodes with enough memory is available" in said["memory"]
    assert NO_CPUS in said["cpus"]
    assert said["burstable"].startswith("OutOfcpu: ")
    assert said["fits"].startswith("None")
