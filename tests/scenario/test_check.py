"""Contradictions in a scenario are reported."""

import pytest

from podres_exporter.errors import ConfigError
from podres_exporter.scenario import parse_scenario

NUMA = """
numa:
  - {node: 0, cpus: "0-3", memory: 4Gi, hugepages: {2Mi: 1Gi}}
  - {node: 1, cpus: "4-7", memory: 4Gi}
"""
RESOURCES = """
resources:
  - {name: nvidia.com/gpu, devices: [{id: GPU-0}, {id: GPU-1}]}
  - {name: rdma/hca, shared: true, devices: [{id: "0"}]}
"""


def problems(*parts: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_scenario("".join(parts), "x")
    return [problem.removeprefix("x: ") for problem in caught.value.problems]


def container(holds: str, life: str = "", name: str = "p") -> str:
    return f"  - {{name: {name}, {life} containers: [{{name: c, {holds}}}]}}\n"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            "numa: [{node: 0, cpus: 0-3}, {node: 1, cpus: 3-4}]",
            "numa[1].cpus: CPUs 3 are also on numa[0]; give each CPU one node",
        ),
        ("numa: [{node: 0}, {node: 0}]", "numa[1].node: 0 is already at index 0; remove or rename one"),
        (
            "numa: [{node: 0, cpus: 0-2, threads_per_core: 2}]",
            "numa[0].threads_per_core: 2 does not divide 3 CPUs; write the hardware threads per core",
        ),
        (
            "numa: [{node: 0, memory: 1Gi, hugepages: {1Gi: 2Gi}}]",
            "numa[0].hugepages: exceed the node's memory, of which they are a part; use less",
        ),
        ("numa: [{node: 0, socket: -1}]", "numa[0].socket: -1 is out of range; write a whole number of 0 or more"),
        ("node: a", "numa: has no NUMA node; describe at least one"),
        (
            NUMA + "device_metadata: [d.example.com]",
            "device_metadata: no claim has a device of driver 'd.example.com'; name the driver of one of claims",
        ),
        (
            NUMA + "kubelet: {cpu_manager: {reserved: '0,8'}}",
            "kubelet.cpu_manager.reserved: CPUs 8 are not on the node; choose from numa",
        ),
        (
            NUMA + "kubelet: {memory_manager: {reserved: {2: 1Gi}}}",
            'kubelet.memory_manager.reserved["2"]: unknown NUMA node; choose one of numa',
        ),
        (
            NUMA + "kubelet: {memory_manager: {reserved: {zero: 1Gi}}}",
            'kubelet.memory_manager.reserved["zero"]: is not the number of a NUMA node',
        ),
        (
            NUMA + "kubelet: {memory_manager: {reserved: {0: 4Gi}}}",
            'kubelet.memory_manager.reserved["0"]: is more than the 3221225472 bytes besides huge pages; use less',
        ),
        (
            NUMA + "resources: [{name: a/b}, {name: a/b}]",
            "resources[1].name: 'a/b' is already at index 0; remove or rename one",
        ),
        (
            NUMA + "resources: [{name: a/b, devices: [{id: x}, {id: y}, {id: x}]}]",
            "resources[0].devices[2].id: 'x' is already at index 0; remove or rename one",
        ),
        (
            NUMA + "faults: [{kind: hang, at: 0, duration: 10, every: 10}]",
            "faults[0].every: repeats before the fault is over; write more than 10 seconds",
        ),
    ],
)
def test_a_machine_that_contradicts_itself_is_named(document: str, problem: str) -> None:
    """Each contradiction names the entry to change."""
    assert [problem] == problems(document)


@pytest.mark.parametrize(
    ("holds", "problem"),
    [
        ("devices: {nvidia.com/gpu: [GPU-9]}", 'devices["nvidia.com/gpu"]: unknown device "GPU-9"; add it'),
        ("devices: {a/b: [x]}", 'devices["a/b"]: unknown resource; choose one of nvidia.com/gpu, rdma/hca'),
        ('cpus: "3,8-9"', "cpus: CPUs 8-9 are not on the node; it has 0-7"),
        ('cpus: "0-1"', "cpus: CPUs 0 are reserved for the system; use others"),
        ("memory: [{size: 1, numa_nodes: [0, 2]}]", "memory[0].numa_nodes: NUMA node 2 is not on the node"),
        ("memory: [{size: 4Gi, numa_nodes: [0]}]", "memory[0].size: 4294967296 bytes of memory are more than"),
        (
            "memory: [{type: hugepages-2Mi, size: 2Gi, numa_nodes: [0, 1]}]",
            "memory[0].size: 2147483648 bytes of hugepages-2Mi are more than the 1073741824 there; use less",
        ),
        (
            "memory: [{type: disk, size: 1, numa_nodes: [0]}]",
            "memory[0].size: 1 bytes of disk are more than the 0 there; use less",
        ),
    ],
)
def test_what_the_node_does_not_have_cannot_be_held(holds: str, problem: str) -> None:
    """The path says which pod and container, the sentence what to do."""
    kubelet = 'kubelet: {cpu_manager: {reserved: "0"}}\n'

    found = problems(NUMA, RESOURCES, kubelet, "pods:\n", container(holds))

    assert 1 == len(found)
    assert found[0].startswith(f"pods[0].containers[0].{problem}")


def test_managers_that_are_off_give_nothing() -> None:
    """Policies none and None pin nothing, so no container can hold CPUs or memory blocks."""
    kubelet = "kubelet: {cpu_manager: {policy: none}, memory_manager: {policy: None}}\n"

    found = problems(NUMA, kubelet, "pods:\n", container("cpus: '1', memory: [{size: 1, numa_nodes: [0]}]"))

    assert [
        (
            "pods[0].containers[0].cpus: the kubelet allocates no CPUs; remove them or set "
            "kubelet.cpu_manager.policy to static"
        ),
        (
            "pods[0].containers[0].memory: the kubelet allocates no memory; remove it or set "
            "kubelet.memory_manager.policy to Static"
        ),
    ] == found


@pytest.mark.parametrize(
    ("holds", "thing", "part"),
    [
        ("devices: {nvidia.com/gpu: [GPU-0]}", 'nvidia.com/gpu "GPU-0"', 'devices["nvidia.com/gpu"]'),
        ('cpus: "1"', "CPU 1", "cpus"),
    ],
)
def test_two_containers_of_a_pod_hold_nothing_together(holds: str, thing: str, part: str) -> None:
    """Only a plain init container passes on what it held, and the kubelet never lists that one."""
    found = problems(NUMA, RESOURCES, f"pods: [{{name: a, containers: [{{name: b, {holds}}}, {{name: c, {holds}}}]}}]")

    holder = f"pods[0].containers[0].{part}"
    assert [f"pods[0].containers[1].{part}: {thing} is also held by {holder}; use another"] == found


@pytest.mark.parametrize(
    "holds",
    [
        "devices: {nvidia.com/gpu: [GPU-0]}",
        'cpus: "1"',
        "claims: [{name: %s, devices: [{driver: d, pool: p, device: x}]}]",
    ],
)
def test_two_pods_may_hold_one_thing(holds: str) -> None:
    """Kubelets have done so (#137534), and two claims may have one device; monitoring must be shown it."""
    pods = [container(holds.replace("%s", name), name=name) for name in ("a", "b")]

    scenario = parse_scenario("".join((NUMA, RESOURCES, "pods:\n", *pods)), "x")

    assert ["a", "b"] == [pod.name for pod in scenario.pods]


def test_the_fault_double_is_for_pods_that_are_admitted() -> None:
    """A document that says what each pod holds gives the device to two pods itself."""
    fault = "faults: [{kind: double, at: 1, duration: 2, resource: nvidia.com/gpu, device: GPU-0}]\n"
    spec = "spec: {containers: [{name: c, resources: {limits: {nvidia.com/gpu: 1}}}]}"

    found = problems(NUMA, RESOURCES, fault, "pods: [{name: a, containers: [{name: c}]}]")
    played = parse_scenario("".join((NUMA, RESOURCES, fault, f"pods: [{{name: a, {spec}}}]")), "x")

    assert ["faults[0].kind: is only for pods with a spec; to hold a device twice, list it in two pods"] == found
    assert "GPU-0" == played.faults[0].device_id


def test_a_shared_resource_may_be_held_by_several() -> None:
    """`shared: true` is for plugins that hand one id to many, which the Device Manager itself would not do."""
    holds = "devices: {rdma/hca: ['0']}"

    scenario = parse_scenario(
        "".join((NUMA, RESOURCES, "pods:\n", container(holds, name="a"), container(holds, name="b"))), "x"
    )

    assert 2 == len(scenario.pods)


def test_pods_that_never_meet_may_hold_the_same() -> None:
    """One ends at the second at which the other begins, in every period."""
    holds = "devices: {nvidia.com/gpu: [GPU-0]}, cpus: '1'"
    first = container(holds, "start: 0, end: 10, repeat: 20,", "a")
    second = container(holds, "start: 10, end: 20, repeat: 20,", "a")

    scenario = parse_scenario(f"{NUMA}{RESOURCES}pods:\n{first}{second}", "x")

    assert ["a", "a"] == [pod.name for pod in scenario.pods]


def test_containers_share_the_cpus_of_their_pod_only() -> None:
    """From 1.36 a pod's shared CPUs are on each of its containers (PodLevelResourceManagers); others stay exclusive."""
    found = problems(
        NUMA,
        "pods:\n",
        '  - {name: a, cpus: "1-2", containers: [{name: b, cpus: "1-3"}, {name: c, cpus: "1-3"}]}\n',
    )

    holder = "pods[0].containers[0].cpus"
    assert [f"pods[0].containers[1].cpus: CPU 3 is also held by {holder}; use another"] == found


def test_names_are_distinct_while_they_live() -> None:
    """The API identifies a pod by namespace and name, and a container by its name within the pod."""
    found = problems(NUMA, "pods: [{name: a}, {name: a}, {namespace: b, name: a, containers: [{name: c}, {name: c}]}]")

    assert [
        "pods[1].name: 'a' is also the name of pods[0]; rename one",
        "pods[2].containers[1].name: 'c' is also the name of containers[0]; rename one",
    ] == found


MANY = "numa: [" + ", ".join(f"{{node: {number}, cpus: '{number}', memory: 1Gi}}" for number in range(10)) + "]\n"


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("policy: best-effort", "a kubelet does not start with policy best-effort on 10 NUMA nodes"),
        ("policy: restricted, max_allowable_numa_nodes: 9", "more than max_allowable_numa_nodes (9)"),
    ],
)
def test_a_topology_policy_above_eight_numa_nodes_needs_an_option(policy: str, problem: str) -> None:
    """As the kubelet refuses to start."""
    (found,) = problems(MANY, f"kubelet: {{topology_manager: {{{policy}}}}}")

    assert found.startswith("kubelet.topology_manager.policy: ")
    assert problem in found


@pytest.mark.parametrize("policy", ["policy: none", "policy: restricted, max_allowable_numa_nodes: 10"])
def test_as_many_numa_nodes_as_the_option_allows_are_played(policy: str) -> None:
    scenario = parse_scenario(MANY + f"kubelet: {{topology_manager: {{{policy}}}}}", "x")

    assert 10 == len(scenario.numa)


def test_more_numa_nodes_than_can_be_tried_are_refused_where_sets_of_them_matter() -> None:
    """Every set of them: a machine of 34 would hang at the first pod."""
    many = MANY.replace("]", ", " + ", ".join(f"{{node: {number}}}" for number in range(10, 34)) + "]")
    (found,) = problems(many)

    assert found.startswith("numa: 34 NUMA nodes exceed the 12")
    assert 34 == len(parse_scenario(many + "kubelet: {memory_manager: {policy: None}}", "x").numa)


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (
            "numa: [{node: 0, cpus: 0-3, memory: 99999999999999999999999999Ei}]",
            "numa[0].memory: is more than any machine",
        ),
        (
            "numa: [{node: 0, cpus: 0-3, memory: 2Pi}]",
            "numa[0].memory: is more than any machine has; write at most 1Pi",
        ),
        (
            f"{NUMA}\nfaults: [{{kind: hang, at: 1, duration: 0.00000001, every: 0.0000001}}]",
            "faults[0].every: is too often; write at least 0.1 seconds",
        ),
        (
            f"{NUMA}\npods: [{{name: p, end: 0.00001, repeat: 0.0001}}]",
            "pods[0].repeat: is too often; write at least 0.1 seconds",
        ),
    ],
)
def test_what_no_machine_could_be_or_play_is_refused(part: str, fault: str) -> None:
    """It would only cost memory or every processor."""
    with pytest.raises(ConfigError) as caught:
        parse_scenario(part, "x")

    assert [f"x: {fault}"] == [problem[: len(f"x: {fault}")] for problem in caught.value.problems]
