"""
Whole answers of `fit`, compared with golden files.

`pytest tests/fit --update-golden` rewrites the files. Read the diff as a person on call would.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asking_rig import GIB, GPU, GPUS, demo, known, recorded, small_node, spec
from builders import block, container, device, pod

from podres_exporter.fit import Answer, Ask, Policy, Scope, ask_for, fit
from podres_exporter.fit.document import to_dict
from podres_exporter.fit.text import fit_text, headline
from podres_exporter.model import Snapshot, Topology

SAID = Path(__file__).parent / "said"
VF = "openshift.io/sriov_dpdk"
SPLIT = frozenset({"olap-0"})
"""The demo's pod whose block spans nodes; without it the node is one that a kubelet could have made."""


def wide_machine() -> Answer:
    """Return an answer about eight NUMA nodes and long names."""
    topology = Topology({node: frozenset(range(node * 4, node * 4 + 4)) for node in range(8)})
    resource = "vendor.example.com/accelerator-with-a-long-name.shared"
    devices = tuple(device(resource, f"{resource}-{index}", index % 8) for index in range(32))
    memory = tuple(block(262_144, node) for node in range(8))
    snapshot = small_node(devices=devices, topology=topology, cpus=frozenset(range(1, 32)), memory=memory)
    return fit(snapshot, ask_for(cpu_millicores=8000, memory_bytes=GIB, devices={resource: 8}))


def by_container() -> Answer:
    ask = Ask((spec("one", 2, GIB, {GPU: 2}), spec("two", 2, GIB, {GPU: 2})), is_guaranteed=True)
    return fit(small_node(), ask, Policy.SINGLE_NUMA_NODE)


def refused_container() -> Answer:
    ask = Ask((spec("one", 2, GIB, {GPU: 3}), spec("two", 2, GIB, {GPU: 2})), is_guaranteed=True)
    return fit(small_node(metadata=known()), ask, Policy.BEST_EFFORT)


def hostile() -> Answer:
    bad = "evil\x1b[31m.com/\u202egpu\n"
    held = pod("pod\x1b]0;title\x07", container("main", device(bad, "d0", 0)), namespace="n\ns")
    return fit(small_node(held, devices=(device(bad, "d0", 0),)), ask_for(devices={bad: 1}))


def crowded(asked: int) -> Answer:
    """Return an answer about a GPU in twenty shares, each held by a pod."""
    shares = tuple(device(GPU, f"GPU-9b2e4d17::{number}", 0) for number in range(20))
    pods = [pod(f"nb-{number:02}", container("main", each), namespace="nb") for number, each in enumerate(shares)]
    return fit(small_node(*pods, devices=shares), ask_for(devices={GPU: asked}))


ANSWERS: dict[str, Callable[[], Answer]] = {
    "aligned": lambda: fit(demo(without=SPLIT), ask_for(cpu_millicores=4000, memory_bytes=16 * GIB, devices={GPU: 1})),
    "one-policy": lambda: fit(
        demo(without=SPLIT),
        ask_for(cpu_millicores=20_000, memory_bytes=16 * GIB, hugepage_bytes={"1Gi": 4 * GIB}),
        Policy.SINGLE_NUMA_NODE,
    ),
    "scattered": lambda: fit(demo(without=SPLIT), ask_for(devices={VF: 4})),
    "held": lambda: fit(demo(without=SPLIT), ask_for(cpu_millicores=4000, memory_bytes=16 * GIB, devices={GPU: 2})),
    "absent": lambda: fit(demo(without=SPLIT), ask_for(cpu_millicores=4000, devices={"amd.com/gpu": 1})),
    "apart": lambda: fit(
        demo(without=SPLIT),
        ask_for(
            cpu_millicores=8000, memory_bytes=GIB, devices={"nvidia.com/gpu.shared": 1, "rdma/hca_shared": 2, VF: 1}
        ),
    ),
    "spanning": lambda: fit(demo(), ask_for(cpu_millicores=2000, memory_bytes=GIB)),
    "unknown": lambda: fit(Snapshot("n1", None), ask_for(devices={GPU: 1})),
    "no-topology": lambda: fit(small_node(topology=None), ask_for(cpu_millicores=2000, memory_bytes=GIB)),
    "nothing-asked": lambda: fit(small_node(), ask_for()),
    "wide": wide_machine,
    "by-container": by_container,
    "refused-container": refused_container,
    "hostile": hostile,
    "crowded": lambda: crowded(1),
    "too-crowded": lambda: crowded(2),
    "recorded-1.36": lambda: fit(
        recorded("kubelet-1.36"), ask_for(cpu_millicores=2000, memory_bytes=GIB, devices={"example.com/gpu": 2})
    ),
    "recorded-1.27": lambda: fit(
        recorded("kubelet-1.27"), ask_for(cpu_millicores=2000, memory_bytes=GIB, devices={"example.com/gpu": 2})
    ),
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_answer_reads_as_agreed(name: str, pytestconfig: pytest.Config) -> None:
    said = "\n".join(fit_text(ANSWERS[name](), 100)) + "\n"
    file = SAID / f"{name}.txt"
    if pytestconfig.getoption("--update-golden"):
        file.write_text(said, encoding="utf-8")

    assert file.read_text(encoding="utf-8") == said


@pytest.mark.parametrize("columns", [20, 80, 100, 132])
@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_no_answer_is_wider_than_the_terminal(name: str, columns: int) -> None:
    """Below 80 columns it is as if there were 80; and nothing in it commands the terminal."""
    lines = fit_text(ANSWERS[name](), columns)

    assert max(map(len, lines)) <= max(columns, 80)
    assert all(line == line.rstrip() and (not line or line.isprintable()) for line in lines)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_every_answer_is_json_and_says_the_same(name: str) -> None:
    answer = ANSWERS[name]()

    document = json.loads(json.dumps(to_dict(answer)))

    assert [answer.fits.value, [each.fits.value for each in answer.outcomes]] == [
        document["fits"],
        [each["fits"] for each in document["outcomes"]],
    ]


def test_the_document_of_a_refusal_names_everything() -> None:
    held = pod("a", container("main", GPUS[0]), namespace="ml")
    answer = fit(small_node(held, pod("b", container("main", GPUS[2]))), ask_for(devices={GPU: 2}), Policy.RESTRICTED)
    room = {
        "resource": GPU,
        "asked": 2,
        "free": 2,
        "allocatable": 4,
        "unplaced": 0,
        "by_numa_node": {"0": {"free": 1, "allocatable": 2}, "1": {"free": 1, "allocatable": 2}},
    }

    document = to_dict(answer)

    assert [
        {
            "policy": "restricted",
            "fits": "no",
            "numa_nodes": [],
            "containers": [],
            "rejection": {
                "reason": "TopologyAffinityError",
                "message": "Resources cannot be allocated with Topology locality",
            },
            "in_the_way": [{"obstacle": "scattered", "container": "", "numa_nodes": [], "room": room}],
            "nearest_node": 0,
            "holders": [{"namespace": "ml", "pod": "a", "resource": GPU, "amount": 1, "ending": None}],
            "fits_without": [{"namespace": "ml", "pod": "a"}],
        }
    ] == document["outcomes"]
    assert [room] == document["room"]
    assert {
        "guaranteed": False,
        "containers": [
            {
                "name": "main",
                "kind": "app",
                "cpu_millicores": 0,
                "memory_bytes": {},
                "devices": {GPU: 2},
                "claims": [],
            }
        ],
    } == document["asked"]
    assert ("n1", "container", []) == (document["node"], document["scope"], document["fitting_nodes"])


@pytest.mark.parametrize(
    ("policy", "scope", "expected"),
    [
        (Policy.SINGLE_NUMA_NODE, Scope.CONTAINER, "yes: on NUMA nodes 0-1 of n1 (one on node 0, two on node 1)"),
        (Policy.NONE, Scope.POD, "yes: anywhere on n1 (policy none aligns nothing)"),
        (Policy.SINGLE_NUMA_NODE, Scope.POD, "no: 4 nvidia.com/gpu requested, and no NUMA node has more than 2"),
        (Policy.RESTRICTED, Scope.POD, "yes: on NUMA nodes 0-1 of n1 (one on node 0, two on node 1)"),
    ],
)
def test_the_headline_says_where(policy: Policy, scope: Scope, expected: str) -> None:
    ask = Ask((spec("one", devices={GPU: 2}), spec("two", devices={GPU: 2})), is_guaranteed=False)

    assert expected == headline(fit(small_node(), ask, policy, scope))
