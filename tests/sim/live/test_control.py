"""Commands that control a live node."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from live_bench import GPU, eventually, live_node, phases, spec
from sim_client import LIST, ask, pods_in

from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import Control, LiveNode

POD = {"metadata": {"name": "b"}, "spec": {"containers": [{"name": "c"}]}}


@pytest.fixture(name="node")
def a_node(short_dir: Path) -> Iterator[LiveNode]:
    """Yield a node with one pod, a, that holds GPU-0."""
    with live_node(short_dir, f"pods: [{{name: a, {spec(gpu=1)}}}]") as (found, _):
        yield found


def usable(node: LiveNode) -> set[str]:
    return set(node.devices.healthy()[GPU])


def test_pods_are_shown_with_their_phase_and_their_devices(node: LiveNode) -> None:
    """One line per pod, in the order of names; a rejected one has its reason, one of another node nothing."""
    control = Control(node)
    greedy = {"limits": {GPU: "5"}}
    refused = {"nodeName": node.scenario.node, "containers": [{"name": "c", "resources": greedy}]}
    control.execute(f"create {json.dumps({**POD, 'spec': refused})}")
    elsewhere = {"metadata": {"name": "c"}, "spec": {"nodeName": "n2", "containers": [{"name": "c"}]}}
    control.execute(f"create {json.dumps(elsewhere)}")

    rows = control.execute("pods").splitlines()

    assert [
        f"default/a Running  {GPU}=GPU-0",
        "default/b Failed UnexpectedAdmissionError",
        "default/c Pending",
    ] == rows


def test_a_node_without_pods_says_so(node: LiveNode) -> None:
    """An empty answer would look like a command that failed."""
    control = Control(node)
    control.execute("delete a")

    assert "no pods" == control.execute("pods")


def test_a_pod_is_created_and_its_admission_told(node: LiveNode) -> None:
    """In `default` unless the manifest says otherwise."""
    control = Control(node)
    other = {**POD, "metadata": {"name": "b", "namespace": "ml"}}
    spec = {"containers": [{"name": "c", "resources": {"limits": {GPU: 5}}}]}
    greedy = {"metadata": {"name": "c"}, "spec": {**spec, "nodeName": node.scenario.node}}
    waiting = {"metadata": {"name": "d"}, "spec": spec}

    said = [control.execute(f"create  {json.dumps(pod)} ") for pod in (POD, other, greedy, waiting)]

    assert ["Running", "Running"] == said[:2]
    assert said[2].startswith("Failed UnexpectedAdmissionError Pod was rejected: Allocate failed due to requested")
    assert said[3].startswith(f"Pending Unschedulable 0/1 nodes are available: 1 Insufficient {GPU}. ")
    assert ["a", "b", "b"] == pods_in(ask(node.socket_path, LIST))


@pytest.mark.parametrize("key", ["a", "default/a"])
def test_a_pod_finishes_and_is_deleted(node: LiveNode, key: str) -> None:
    """A name without a namespace is in `default`, as for kubectl."""
    control = Control(node)

    finished = control.execute(f"finish {key}")
    after_finish = phases(node)
    deleted = control.execute(f"delete {key}")

    assert ("done", "done") == (finished, deleted)
    assert {"a": "Succeeded"} == after_finish
    assert {} == phases(node)


def test_a_device_falls_sick_and_recovers(node: LiveNode) -> None:
    """As the plugin reports it."""
    control = Control(node)

    said = [control.execute(f"sick {GPU} GPU-0")]
    sick = eventually(lambda: usable(node) == {"GPU-1"})
    said.append(control.execute(f"well {GPU} GPU-0"))

    assert ["done", "done"] == said
    assert sick
    assert eventually(lambda: usable(node) == {"GPU-0", "GPU-1"})


def test_a_plugin_crashes_and_is_started(node: LiveNode) -> None:
    """Its devices cannot be handed out in between."""
    control = Control(node)

    said = [control.execute(f"stop-plugin {GPU}")]
    gone = eventually(lambda: not usable(node))
    said.append(control.execute(f"start-plugin {GPU}"))

    assert ["done", "done"] == said
    assert gone
    assert eventually(lambda: usable(node) == {"GPU-0", "GPU-1"})


def test_the_kubelet_restarts(node: LiveNode) -> None:
    """Its socket is another one, its pods are the same."""
    before = node.socket_path.stat().st_ctime_ns

    said = Control(node).execute("restart")

    assert "done" == said
    assert before < node.socket_path.stat().st_ctime_ns
    assert ["a"] == pods_in(ask(node.socket_path, LIST))


def test_the_kubelet_hangs_and_goes_on(node: LiveNode) -> None:
    """A call in between runs into its deadline."""
    control = Control(node)

    said = [control.execute("hang")]
    hanging = ask(node.socket_path, LIST, timeout_seconds=0.2).code
    said.append(control.execute("resume"))

    assert ["done", "done"] == said
    assert grpc.StatusCode.DEADLINE_EXCEEDED == hanging
    assert ["a"] == pods_in(ask(node.socket_path, LIST))


def test_the_kubelet_rejects_every_call_and_stops_that(node: LiveNode) -> None:
    """With the text of its rate limit."""
    control = Control(node)

    said = [control.execute("throttle")]
    throttled = ask(node.socket_path, LIST)
    said.append(control.execute("unthrottle"))

    assert ["done", "done"] == said
    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit") == (throttled.code, throttled.details)
    assert ["a"] == pods_in(ask(node.socket_path, LIST))


def test_help_names_every_command(node: LiveNode) -> None:
    """Each word that help names is a command, and there is no command that it does not name."""
    control = Control(node)
    text = control.execute("help")
    words = {word.strip(",") for line in text.splitlines() for word in line[:34].split() if word.strip(",").islower()}

    unknown = [word for word in words if "unknown command" in control.execute(f"{word} 1 2 3")]

    assert [] == unknown
    assert {"pods", "create", "delete", "finish", "sick", "well", "stop-plugin", "start-plugin"} < words
    assert {"restart", "hang", "resume", "throttle", "unthrottle", "help"} < words


@pytest.mark.parametrize("line", ["", "  ", "\n"])
def test_an_empty_line_is_nothing(node: LiveNode, line: str) -> None:
    """People press return."""
    version = node.store.version

    assert "" == Control(node).execute(line)
    assert version == node.store.version


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("explode", "wrong: unknown command 'explode'; try help"),
        ("Pods", "wrong: unknown command 'Pods'; try help"),
        ("pods now", "wrong: pods takes 0 arguments, not 1; try help"),
        ("restart now", "wrong: restart takes 0 arguments, not 1; try help"),
        ("delete", "wrong: delete takes 1 arguments, not 0; try help"),
        ("sick", "wrong: sick takes 2 arguments, not 0; try help"),
        (f"sick {GPU}", "wrong: sick takes 2 arguments, not 1; try help"),
        (f"sick {GPU} GPU-9", "there is no 'GPU-9'"),
        ("well example.com/no GPU-0", "there is no 'example.com/no'"),
        ("stop-plugin example.com/no", "there is no 'example.com/no'"),
        ("start-plugin example.com/no", "there is no 'example.com/no'"),
        ("delete b", 'refused: pods "b" not found'),
        ("delete other/a", 'refused: pods "a" not found'),
        ("finish b", 'refused: pods "b" not found'),
        ("create {", "wrong: Expecting property name"),
        ("create a", "wrong: Expecting value"),
        ("create []", "wrong: a pod needs metadata and spec"),
        ("create {}", "wrong: a pod needs metadata and spec"),
        ('create {"metadata": {"name": "b"}}', "wrong: a pod needs metadata and spec"),
        ('create {"metadata": [], "spec": {}}', "wrong: a pod needs metadata and spec"),
        ('create {"metadata": {"name": "b"}, "spec": "s"}', "wrong: a pod needs metadata and spec"),
        ('create {"metadata": {}, "spec": {}}', "wrong: a pod needs a name"),
        ('create {"metadata": {"name": 5}, "spec": {}}', "wrong: a pod needs a name"),
        ('create {"metadata": {"name": "../../etc"}, "spec": {}}', "wrong: '../../etc' is no name: a lowercase RFC"),
        ('create {"metadata": {"name": "b", "namespace": "a/b"}, "spec": {}}', "wrong: 'a/b' is no namespace: a lower"),
        ("create " + "[" * 100_000, "wrong: the manifest is nested too deeply"),
        ('create {"metadata": {"name": "a"}, "spec": {"containers": []}}', 'refused: pods "a" already exists'),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_changes_nothing(node: LiveNode, line: str, answer: str) -> None:
    """A person typed it: the answer is for them, and the node is as before."""
    before = (node.store.version, node.store.read(PODS), node.devices.healthy())

    said = Control(node).execute(line)

    assert said.startswith(answer)
    assert before == (node.store.version, node.store.read(PODS), node.devices.healthy())
