"""Pod manifests in a scenario."""

import json

import pytest

from podres_exporter.errors import ConfigError
from podres_exporter.model import Claim, ClaimDevice
from podres_exporter.scenario import Fault, FaultKind, parse_scenario

MACHINE = """
numa:
  - {node: 0, cpus: "0-3", memory: 4Gi}
resources:
  - {name: example.com/gpu, devices: [{id: GPU-0, numa_nodes: [0]}]}
  - {name: example.com/real, external: true}
"""
POD = "{name: a, spec: {containers: [{name: c}]}}"


def problems(text: str) -> list[str]:
    """Return what is wrong with the document, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        parse_scenario(MACHINE + text, "x")
    return [problem.removeprefix("x: ") for problem in caught.value.problems]


def of_spec(spec: str) -> list[str]:
    return [problem.removeprefix("pods[0].spec") for problem in problems(f"pods: [{{name: a, spec: {spec}}}]")]


def of_fault(fault: str) -> list[str]:
    return problems(f"pods: [{POD}]\nfaults: [{fault}]")


def test_a_pod_with_a_spec_is_a_kubernetes_manifest() -> None:
    """Labels, annotations and every key of the spec are passed on as they stand."""
    spec = {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": 2}}}], "hostNetwork": True}
    pod = {"name": "a", "namespace": "ml", "labels": {"app": "x"}, "annotations": {"n": "y"}, "spec": spec}

    found = parse_scenario(
        f"{MACHINE}pods: [{json.dumps({**pod, 'start': 1, 'finish': 5, 'end': 9, 'repeat': 20})}]", "x"
    )

    metadata = {"namespace": "ml", "name": "a", "labels": {"app": "x"}, "annotations": {"n": "y"}}
    read = found.pods[0]
    assert {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec} == read.manifest
    assert (1, 5, 9, 20) == (read.start_seconds, read.finish_seconds, read.end_seconds, read.repeat_seconds)
    assert () == read.containers


def test_a_pod_lives_for_ever_unless_it_is_told() -> None:
    """Its namespace is `default`, and it has no labels."""
    read = parse_scenario(f"{MACHINE}pods: [{POD}]", "x").pods[0]

    assert (0, None, None, None) == (read.start_seconds, read.finish_seconds, read.end_seconds, read.repeat_seconds)
    assert read.manifest is not None
    assert {"namespace": "default", "name": "a"} == read.manifest["metadata"]


def test_the_managers_decide_where_a_pod_has_a_spec_or_a_plugin_is_real() -> None:
    """Otherwise the document says what every pod holds."""
    numa = "numa: [{node: 0, cpus: 0-3, memory: 1Gi}]\n"

    assert parse_scenario(f"{numa}pods: [{POD}]", "x").is_admitted
    assert parse_scenario(f"{numa}resources: [{{name: a/b, external: true}}]", "x").is_admitted
    assert not parse_scenario(f"{numa}pods: [{{name: a, containers: [{{name: c}}]}}]", "x").is_admitted


def test_claims_stand_beside_the_pods_that_refer_to_them() -> None:
    """They are in `default` unless they say otherwise."""
    device = "devices: [{driver: d, pool: p, device: x}]"

    found = parse_scenario(f"{MACHINE}claims: [{{name: one, {device}}}, {{name: two, namespace: ml}}]", "x").claims

    assert (Claim("default", "one", (ClaimDevice("d", "p", "x", "", ()),)), Claim("ml", "two", ())) == found


def test_the_topology_manager_has_a_policy_and_a_scope() -> None:
    """None and container unless told, as in the kubelet's configuration."""
    told = "kubelet: {topology_manager: {policy: restricted, scope: pod}, active_pods: false}"

    plain, found = parse_scenario(MACHINE, "x").kubelet, parse_scenario(MACHINE + told, "x").kubelet

    assert ("none", "container", None) == (plain.topology_policy, plain.topology_scope, plain.active_pods)
    assert ("restricted", "pod", False) == (found.topology_policy, found.topology_scope, found.active_pods)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("policy: strict", "policy: 'strict' is unknown; write one of none, best-effort, restricted, single-numa-node"),
        ("scope: node", "scope: 'node' is unknown; write one of container, pod"),
        ("policies: none", "policies: unknown key; remove it or choose one of "),
    ],
)
def test_a_wrong_topology_manager_is_named(settings: str, problem: str) -> None:
    """The path is the key's."""
    found = problems(f"kubelet: {{topology_manager: {{{settings}}}}}")

    assert 1 == len(found)
    assert found[0].startswith(f"kubelet.topology_manager.{problem}")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", [".containers: has no container; describe at least one"]),
        ("{containers: []}", [".containers: has no container; describe at least one"]),
        ("{initContainers: [{name: i}]}", [".containers: has no container; describe at least one"]),
        ("[]", [": is a list; write a mapping of keys to values"]),
        ("text", [": is the value 'text'; write a mapping of keys to values"]),
        (
            "{containers: [{image: a}, {image: b}]}",
            [
                ".containers[0].name: is missing; write a text in quotes",
                ".containers[1].name: is missing; write a text in quotes",
            ],
        ),
        (
            "{initContainers: [{name: c}], containers: [{name: c}]}",
            [".containers[0].name: 'c' is also the name of another container; rename one"],
        ),
        (
            "{containers: [{name: c, resources: {limits: {cpu: two}}}]}",
            [".containers[0].resources.limits[\"cpu\"]: 'two' is not a number of CPUs; write for example 500m"],
        ),
        (
            "{initContainers: [{name: c, resources: {requests: {memory: 1.5GB}}}], containers: [{name: d}]}",
            [".initContainers[0].resources.requests[\"memory\"]: '1.5GB' is not a size; write for example 2 or 4Gi"],
        ),
        (
            "{containers: [{name: c, resources: {limits: {example.com/gpu: true}}}]}",
            [
                (
                    '.containers[0].resources.limits["example.com/gpu"]: is the value True; '
                    "write an amount such as 2, 500m or 4Gi"
                )
            ],
        ),
        (
            "{containers: [{name: c, resources: {limits: {cpu: null}}}]}",
            ['.containers[0].resources.limits["cpu"]: is missing; write an amount such as 2, 500m or 4Gi'],
        ),
    ],
)
def test_a_wrong_spec_is_named_once_with_its_remedy(spec: str, expected: list[str]) -> None:
    """Each fault names the path of the entry and what to do about it; one fault is one sentence."""
    assert expected == of_spec(spec)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("containers: []", "pods[0].containers: unknown key; remove it or choose one of annotations, end, finish, "),
        ("cpus: '1'", "pods[0].cpus: unknown key; "),
        ("labels: [a]", "pods[0].labels: is a list; write a mapping of keys to values"),
        ("annotations: a", "pods[0].annotations: is the value 'a'; write a mapping of keys to values"),
        ("start: 5, finish: 5", "pods[0].finish: is not after start; write a later second"),
        ("finish: soon", "pods[0].finish: is the value 'soon'; write a number of 0 or more"),
        ("end: 0", "pods[0].end: is not after start; write a later second"),
        ("repeat: 5", "pods[0].repeat: a pod without an end cannot start again; add end"),
    ],
)
def test_a_wrong_key_beside_a_spec_is_named(keys: str, problem: str) -> None:
    """What a pod with a spec holds is not the document's to say; its life is."""
    assert problems(f"pods: [{{name: a, spec: {{containers: [{{name: c}}]}}, {keys}}}]")[0].startswith(problem)


def test_a_pod_that_says_what_it_holds_cannot_finish() -> None:
    """The managers of `finish` are not there; such a pod ends."""
    found = problems("pods: [{name: a, finish: 5, containers: [{name: c}]}]")

    assert found[0].startswith("pods[0].finish: unknown key; ")


def test_pods_with_and_without_a_spec_do_not_mix() -> None:
    """The managers would give away what the document says is held; every pod without a spec is named."""
    plain = "{name: %s, containers: [{name: c}]}"
    sentence = "states what it holds, but other pods or plugins of the scenario have a spec; give it a spec too"

    mixed = problems(f"pods: [{plain % 'x'}, {POD}, {plain % 'y'}]")
    beside_a_real_plugin = problems(f"pods: [{plain % 'x'}]")

    assert [f"pods[0]: {sentence}", f"pods[2]: {sentence}"] == mixed
    assert [f"pods[0]: {sentence}"] == beside_a_real_plugin


def test_faults_of_devices_plugins_and_the_api_are_read() -> None:
    """Each names what it is about."""
    text = f"""
pods: [{POD}]
faults:
  - {{kind: unhealthy, at: 1, duration: 2, resource: example.com/gpu, device: GPU-0}}
  - {{kind: plugin_down, at: 3, duration: 4, every: 60, resource: example.com/gpu}}
  - {{kind: api_down, at: 5, duration: 6}}
"""

    assert (
        Fault(FaultKind.UNHEALTHY, 1, 2, resource="example.com/gpu", device_id="GPU-0"),
        Fault(FaultKind.PLUGIN_DOWN, 3, 4, every_seconds=60, resource="example.com/gpu"),
        Fault(FaultKind.API_DOWN, 5, 6),
    ) == parse_scenario(MACHINE + text, "x").faults


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("kind: unhealthy, at: 1, duration: 1, device: GPU-0", "resource: is missing; write a text in quotes"),
        (
            "kind: unhealthy, at: 1, duration: 1, resource: example.com/gpu",
            "device: is missing; write a text in quotes",
        ),
        ("kind: plugin_down, at: 1, duration: 1", "resource: is missing; write a text in quotes"),
        ("kind: plugin_down, at: 1, resource: example.com/gpu", "duration: is missing; write a number of 0 or more"),
        ("kind: plugin_down, at: 1, duration: 1, resource: example.com/gpu, device: GPU-0", "device: unknown key; "),
        ("kind: api_down, at: 1, duration: 1, resource: example.com/gpu", "resource: unknown key; "),
        ("kind: api_down, duration: 1", "at: is missing; write a number of 0 or more"),
        (
            "kind: plugin_down, at: 1, duration: 1, resource: example.com/no",
            "resource: unknown resource 'example.com/no'; choose one of resources",
        ),
        (
            "kind: plugin_down, at: 1, duration: 1, resource: example.com/real",
            "resource: 'example.com/real' is provided by a real plugin; choose one that is not external",
        ),
        (
            "kind: unhealthy, at: 1, duration: 1, resource: example.com/real, device: x",
            "resource: 'example.com/real' is provided by a real plugin; choose one that is not external",
        ),
        (
            "kind: unhealthy, at: 1, duration: 1, resource: example.com/gpu, device: GPU-9",
            "device: unknown device 'GPU-9'; choose one of the resource's",
        ),
    ],
)
def test_a_wrong_fault_is_named_with_its_path(fault: str, problem: str) -> None:
    """The simulation breaks what it plays itself; the rest cannot be broken by a timeline."""
    found = of_fault(f"{{{fault}}}")

    assert 1 == len(found)
    assert found[0].startswith(f"faults[0].{problem}")
