"""Parsing scenario documents; every error is reported with its path."""

import json

import pytest

from podres_exporter.errors import ConfigError
from podres_exporter.scenario import Fault, FaultKind, Release, parse_scenario

MACHINE = """
numa:
  - {node: 0, cpus: "0-3", memory: 4Gi}
  - {node: 1, cpus: "4-7", memory: 4Gi}
resources:
  - {name: nvidia.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}]}
"""


def problems(text: str) -> list[str]:
    """Return what is wrong with the document, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        parse_scenario(text, "node.yaml")
    assert all(problem.startswith("node.yaml: ") for problem in caught.value.problems)
    return [problem.removeprefix("node.yaml: ") for problem in caught.value.problems]


def test_a_small_document_has_the_defaults_of_a_plain_node() -> None:
    """Only the machine must be described; 1.36 with static managers is the default."""
    scenario = parse_scenario("numa: [{node: 0, cpus: 0-3, memory: 1Gi}]", "x")

    assert "simulated" == scenario.node
    assert Release(36) == scenario.kubelet.release
    assert scenario.kubelet.static_cpus
    assert scenario.kubelet.static_memory
    assert () == scenario.pods


def test_json_is_read_like_yaml() -> None:
    """JSON is a part of YAML, keys that are numbers written as texts included."""
    numa = [{"node": 0, "cpus": "0-3", "memory": "1Gi"}]
    document = {"numa": numa, "kubelet": {"memory_manager": {"reserved": {"0": "1Mi"}}}}

    assert {0: 1048576} == parse_scenario(json.dumps(document), "x").kubelet.reserved_memory_bytes


def test_a_restart_has_a_window_by_default() -> None:
    """Real kubelets take about a second until all pods are listed, and plugins come back later."""
    scenario = parse_scenario(MACHINE + "faults: [{kind: restart, at: 10}, {kind: hang, at: 1, duration: 2}]", "x")

    restart = Fault(FaultKind.RESTART, 10, 1, None, window_seconds=1, plugins_seconds=3)
    assert (restart, Fault(FaultKind.HANG, 1, 2)) == scenario.faults


def test_every_fault_is_named_at_once() -> None:
    """A user mends the file in one go: ConfigError.problems has all faults, each with its path and a remedy."""
    text = """
nodes: n
kubelet: {release: 1.30, cpu_manager: {policy: dynamic}}
numa: [{node: zero, cpus: 3-1, memory: 1.5GB}]
pods:
  - {containers: [{name: c, devices: {a.b/c: GPU-0}, sidecar: "yes"}, 7]}
  - {name: p, start: -1, memory: [{size: 1Gi}]}
"""

    assert [
        "kubelet.release: is the value 1.3; write a text in quotes",
        "kubelet.cpu_manager.policy: 'dynamic' is unknown; write one of static, none",
        "numa[0].node: is the value 'zero'; write a whole number of 0 or more",
        "numa[0].cpus: range '3-1' runs backwards; write a CPU list in quotes, such as '0-3,8'",
        "numa[0].memory: '1.5GB' is not a size; write bytes or a quantity such as 256Gi",
        "pods[0].containers[0].devices[\"a.b/c\"]: is the value 'GPU-0'; write a list of texts in quotes",
        "pods[0].containers[0].sidecar: is the value 'yes'; write true or false",
        "pods[0].containers[1]: is the value 7; write a mapping of keys to values",
        "pods[0].name: is missing; write a text in quotes",
        "pods[1].start: -1 is out of range; write a number of 0 or more",
        "pods[1].memory[0].numa_nodes: is empty; write the numbers of the nodes that the block is on",
        (
            "nodes: unknown key; remove it or choose one of "
            "claims, device_metadata, faults, kubelet, node, numa, pods, resources, slices"
        ),
    ] == problems(text)


@pytest.mark.parametrize(
    ("pod", "problem"),
    [
        ("{name: a, end: 0}", "pods[0].end: is not after start; write a later second"),
        ("{name: a, repeat: 5}", "pods[0].repeat: a pod without an end cannot start again; add end"),
        (
            "{name: a, start: 1, end: 6, repeat: 5}",
            "pods[0].repeat: starts again before the pod has ended; write more than 5 seconds",
        ),
        ('{name: ""}', "pods[0].name: is empty; write a text in quotes"),
        ("{name: a, memory: [{size: 1.5, numa_nodes: [0]}]}", "pods[0].memory[0].size: is the value 1.5; write bytes"),
        ("{name: a, end: .inf}", "pods[0].end: inf is out of range; write a number of 0 or more"),
        ("{name: a, start: true}", "pods[0].start: is the value True; write a number of 0 or more"),
        ("{name: a, containers: {}}", "pods[0].containers: is a mapping; write a list"),
        ("[a]", "pods[0]: is a list; write a mapping of keys to values"),
        (
            "{name: a, containers: [{name: c, claims: [{name: x, devices: [{driver: d, pool: p}]}]}]}",
            "pods[0].containers[0].claims[0].devices[0].device: is missing; write a text in quotes",
        ),
        ("{name: a, cpus: true}", "pods[0].cpus: is the value True; write a CPU list in quotes, such as '0-3,8'"),
        (
            "{name: a, memory: [{size: 1Gi, numa_nodes: [zero]}]}",
            "pods[0].memory[0].numa_nodes: has the value 'zero'; write a list of numbers such as [0, 1]",
        ),
    ],
)
def test_a_wrong_pod_is_named_with_its_remedy(pod: str, problem: str) -> None:
    """Each fault names the path of the entry and what to do about it."""
    assert problems(f"{MACHINE}pods: [{pod}]")[0].startswith(problem)


def test_a_release_that_cannot_be_read_is_one_fault() -> None:
    """An empty text is as wrong as an unknown release, and is said once."""
    empty = problems("kubelet: {release: ''}" + MACHINE)
    unknown = problems("kubelet: {release: '2.0'}" + MACHINE)

    assert ["kubelet.release: is empty; write a text in quotes"] == empty
    assert ["kubelet.release: '2.0' is not a kubelet release; write it as 1.36"] == unknown


@pytest.mark.parametrize("text", ["numa: [", "a: 1\na: 2", "? [a]\n: 1\n? [a]\n: 2\n}"])
def test_a_text_that_is_no_yaml_is_one_fault(text: str) -> None:
    """A key written twice is a fault too: a loader that takes the last one would lose half a scenario in silence."""
    found = problems(text)

    assert 1 == len(found)
    assert found[0].startswith("is neither YAML nor JSON: ")


def test_a_key_written_twice_is_named_with_its_line() -> None:
    """YAML 1.1 calls it an error, PyYAML does not."""
    assert "key 'node' is written twice" in problems("node: a\nnode: b\n")[0]
    assert "line 2" in problems("node: a\nnode: b\n")[0]


@pytest.mark.parametrize("text", ["", "3", "- a"])
def test_a_document_that_is_no_mapping_is_one_fault(text: str) -> None:
    """The first thing to say is that there is no scenario in this file, not that parts of it are missing."""
    found = problems(text)

    assert 1 == len(found)
    assert found[0].startswith("document: is ")


def test_python_objects_are_not_loaded() -> None:
    """A scenario comes from bug reports: nothing in it may run."""
    assert "could not determine a constructor" in problems("node: !!python/object/apply:os.getcwd []")[0]


def test_what_nobody_would_mend_in_one_go_is_not_said_in_full() -> None:
    """Contradictions grow with the square of what is written: 600 pods of one name collide 180,000 times."""
    pods = ", ".join(["{name: a, cpus: '1', containers: [{name: m, cpus: '1'}]}"] * 600)

    found = problems(f"{MACHINE}pods: [{pods}]")

    assert 101 == len(found)
    assert "there are more; fix these first" == found[-1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("faults: [{kind: down, at: 1.0e+300, duration: 1}]", "faults[0].at: 1e+300 is out of range; "),
        ("faults: [{kind: down, at: .nan, duration: 1}]", "faults[0].at: nan is out of range; "),
        (
            f'kubelet: {{memory_manager: {{reserved: {{"{"9" * 500}": 1Gi}}}}}}',
            'kubelet.memory_manager.reserved["9999',
        ),
        ("kubelet: {memory_manager: {reserved: {'\u0663': 1Gi}}}", "kubelet.memory_manager.reserved["),
        (f'kubelet: {{release: "1.{"3" * 5000}"}}', "kubelet.release: '1.3333"),
    ],
)
def test_numbers_beyond_all_bounds_are_faults_like_others(text: str, problem: str) -> None:
    """Python has limits of its own, for digits and for floats, which are no users' business."""
    (found,) = problems(MACHINE + text)

    assert found.startswith(problem)


@pytest.mark.parametrize("text", ["a: 2020-99-99", "a: !!int ''", "[" * 10_000, "pods: &a [*a]"])
def test_yaml_that_the_parser_trips_over_is_no_yaml(text: str) -> None:
    (found,) = problems(text)

    assert found.startswith("is neither YAML nor JSON: ")


def test_of_very_many_faults_of_one_kind_a_hundred_are_said() -> None:
    keys = "".join(f"key{number}: 1\n" for number in range(150))

    found = problems(MACHINE + keys)

    assert 101 == len(found)
    assert "there are more; fix these first" == found[-1]
