"""
Whole explanations, compared with golden files.

`pytest tests/explain --update-golden` rewrites the files. Read the diff as a person on call would.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asking_rig import GIB, GPU, GPUS, TWO_NODES, demo, known, recorded, running, small_node, spec
from builders import block, container, device, pod
from snapshots import with_doubles

from podres_exporter.explain import Account, explain
from podres_exporter.explain.document import to_dict
from podres_exporter.explain.text import explain_text
from podres_exporter.model import (
    Alignment,
    Allocation,
    Claim,
    ClaimDevice,
    ContainerKind,
    ContainerView,
    CpusetDrift,
    Drift,
    Metadata,
    Part,
    PinnedContainer,
    PodView,
    ResourceHealth,
    Snapshot,
    Topology,
    Verdict,
)
from podres_exporter.text.words import LEAST_COLUMNS

SAID = Path(__file__).parent / "said"
SPLIT = frozenset({"olap-0"})
SICK = ResourceHealth(GPU, "GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a05", "Unhealthy", "Xid 79:\nfallen off the bus")
DEMO_PODS = known(
    running(
        "inference-7c9d",
        spec("server", 4, 16 * GIB, {GPU: 1}),
        workload_kind="Deployment",
        workload_name="inference",
        is_deleting=True,
    ),
    running("finetune-2", replace(spec("worker", 4, 24 * GIB, {GPU: 2}), health=(SICK,))),
    running(
        "too-greedy",
        spec("main", 4, 16 * GIB, {GPU: 4}),
        namespace="batch",
        phase="Failed",
        reason="TopologyAffinityError",
        message="Pod was rejected: Resources cannot be allocated with Topology locality",
        is_terminal=True,
    ),
    running("later", spec("main", 4, 16 * GIB, {GPU: 1}), namespace="batch", phase="Pending", has_started=False),
    running("evicted", spec(), namespace="batch", phase="Failed", reason="Evicted", message="low on\x1b[31m memory"),
    running("done", spec(), namespace="batch", phase="Succeeded"),
    running("lost", spec("main", 1, GIB), namespace="batch"),
)


def of_demo(name: str, metadata: Metadata | None = DEMO_PODS) -> Callable[[], Account]:
    return lambda: explain(demo(metadata, SPLIT), None, name)


def of_capture(release: str, name: str) -> Callable[[], Account]:
    return lambda: explain(recorded(release), "default", name)


def pod_level() -> Account:
    """1.36 with PodLevelResourceManagers: the shared CPUs of the pod are listed on every container that shares."""
    shares = pod(
        "shares",
        container("own", cpus="2-3", memory=[block(64, 0)]),
        container("sh1", cpus="4-5", memory=[block(128, 0)]),
        container("sh2", cpus="4-5", memory=[block(128, 0)]),
        namespace="ml",
    )
    metadata = known(running("shares", spec("own"), spec("sh1"), spec("sh2"), has_pod_resources=True))
    return explain(small_node(shares, metadata=metadata), "ml", "shares")


def noisy() -> Account:
    """CPU 2 is paired with 3, 4 with 5, 6 with 7; 5 is another pod's, 7 nobody's."""
    quiet = pod("quiet", container("main", cpus="2-4,6"), namespace="ml")
    loud = pod("loud", container("main", cpus="5"), namespace="web")
    return explain(small_node(quiet, loud), "ml", "quiet")


def claims() -> Account:
    def claim(name: str, share: str, *more: ClaimDevice) -> Claim:
        return Claim(
            "ml", name, (ClaimDevice("gpu.example.com", "n1", "gpu-0", share, ("gpu.example.com/gpu=0",)), *more)
        )

    nameless = Claim("ml", "old", (ClaimDevice("", "", "", "", ("vendor.com/gpu=7",)),))
    one = pod("one", container("main", claims=[claim("a", "share-a"), nameless]), namespace="ml")
    two = pod("two", container("main", claims=[claim("b", "share-b")]), namespace="ml")
    three = pod("three", container("main", claims=[claim("a", "share-a"), nameless]), namespace="ml")
    return explain(small_node(one, two, three), "ml", "one")


def crowded() -> Account:
    """A time-sliced GPU with many sharers, and many devices in one container."""
    shares = [device("nvidia.com/gpu.shared", f"GPU-9b2e4d17::{number}", 0) for number in range(12)]
    many = [device("intel.com/nic", f"0000:3b:{number:02x}.0", 0) for number in range(20)]
    pods = [pod(f"nb-{index:02}", container("notebook", each), namespace="nb") for index, each in enumerate(shares[1:])]
    first = pod("first", container("notebook", shares[0], *many, shares[1]), namespace="nb")
    return explain(small_node(first, *pods, devices=(*shares, *many)), None, "first")


def wide() -> Account:
    """Eight NUMA nodes, of which two are used; ids longer than any column."""
    topology = Topology({node: frozenset(range(node * 4, node * 4 + 4)) for node in range(8)})
    devices = [device("vendor.example.com/a-long-name-of-a-device", f"{'x' * 70}-{index}", index) for index in (2, 5)]
    holds = pod("wide", container("main", *devices, cpus="8-11,20-23", memory=[block(1024, 2, 5)]), namespace="ml")
    return explain(small_node(holds, devices=tuple(devices), topology=topology), None, "wide")


def partly_old() -> Account:
    metadata = known(
        running("old", spec("side", kind=ContainerKind.SIDECAR, devices={GPU: 1}), spec("main")), synced=False
    )
    snapshot = small_node(
        pod("old", container("main"), namespace="ml"), metadata=metadata, topology=None, cpus=frozenset()
    )
    return explain(replace(snapshot, parts=(Part("pods", stale=True, held=False),)), None, "old")


def restarted() -> Account:
    snapshot = small_node(pod("a", container("main", GPUS[0], cpus="1-2")), metadata=known(), topology=None)
    return explain(replace(snapshot, parts=(Part("pods", stale=True, held=True),)), None, "a")


def depends() -> Account:
    """Misaligned, and it would be so again if it were recreated: CPUs are left on node 1 only, GPUs on node 0 only."""
    held = pod("a", container("main", GPUS[0], cpus="9-10", memory=[block(1024, 1)]), namespace="ml")
    others = [
        pod("b", container("main", cpus="1-7"), namespace="ml"),
        pod("c", container("main", *GPUS[2:]), namespace="ml"),
    ]
    metadata = known(running("a", spec("main", 2, GIB, {GPU: 1})))
    return explain(small_node(held, *others, metadata=metadata), None, "a")


def held_twice() -> Account:
    """A GPU and a CPU that another pod holds too, a share of a GPU beside it, and a DRA device in two claims."""
    share = [device("nvidia.com/gpu.shared", f"GPU-9b2e::{number}", 0) for number in range(2)]
    lane = ClaimDevice("dra.example.com", "n1", "lane-0", "", ())
    claims = [Claim("ml", name, (lane,)) for name in ("lane-a", "lane-b")]
    a = pod("a", container("main", GPUS[0], share[0], cpus="1-2", claims=claims[:1]), namespace="ml")
    b = pod("b", container("main", GPUS[0], share[1], cpus="2-3", claims=claims[1:]), namespace="ml")
    return explain(with_doubles(small_node(a, b, metadata=known())), None, "a")


def drifting() -> Account:
    """A container that the kernel lets run elsewhere, beside one that is as it should be."""
    held = pod("a", container("main", cpus="1-3"), container("beside", cpus="4"), namespace="ml")
    snapshot = small_node(held, metadata=known())
    assert isinstance(snapshot.allocation, Allocation)
    main = PinnedContainer(held.key, "main", frozenset({1, 2, 3}), "id1")
    beside = PinnedContainer(held.key, "beside", frozenset({4}), "id2")
    drift = Drift(
        (CpusetDrift(main, frozenset({3}), frozenset({0, 5, 6})), CpusetDrift(beside, frozenset(), frozenset()))
    )
    return explain(replace(snapshot, allocation=replace(snapshot.allocation, drift=drift)), None, "a")


def legacy() -> Account:
    held = pod("a", container("main", GPUS[0], cpus="1-2"))
    view = PodView(held, (ContainerView(held.containers[0], Alignment(Verdict.UNSUPPORTED)),))
    snapshot = small_node(held)
    assert isinstance(snapshot.allocation, Allocation)
    return explain(replace(snapshot, allocation=replace(snapshot.allocation, pods=(view,))), None, "a")


def hostile() -> Account:
    bad = device("evil\x1b[31m.com/gpu\n", "d\u202e0\x07", 0)
    held = pod("p\x1b]0;x\x07", container("c\n\n", bad), namespace="n\ts")
    metadata = known(
        running(
            "p\x1b]0;x\x07", spec("c\n\n", devices={"evil\x1b[31m.com/gpu\n": 2}), namespace="n\ts", phase="\x1b[2J"
        )
    )
    return explain(small_node(held, devices=(bad,), metadata=metadata), None, "p\x1b]0;x\x07")


ACCOUNTS: dict[str, Callable[[], Account]] = {
    "demo/aligned": of_demo("train-llm-0", None),
    "demo/misaligned": of_demo("inference-7c9d"),
    "demo/sick": of_demo("finetune-2"),
    "demo/rejected": of_demo("too-greedy"),
    "demo/pending": of_demo("later"),
    "demo/evicted": of_demo("evicted"),
    "demo/done": of_demo("done"),
    "demo/lost": of_demo("lost"),
    "held-twice": held_twice,
    "demo/shared-gpu": of_demo("jupyter-ada"),
    "demo/claim": of_demo("preview-0"),
    "demo/huge-pages": of_demo("upf-0", None),
    "demo/spans": lambda: explain(demo(), None, "olap-0"),
    "demo/holds-nothing": of_demo("frontend-5d8f", None),
    "untold": lambda: explain(Snapshot("n1", None, DEMO_PODS), None, "lost"),
    "three-gpus": lambda: explain(small_node(pod("big", container("main", *GPUS[:3]))), None, "big"),
    "no-nodes": lambda: explain(
        small_node(pod("a", container("main", device("x.y/z", "0"))), devices=(device("x.y/z", "0"),)), None, "a"
    ),
    "pod-level": pod_level,
    "noisy": noisy,
    "claims": claims,
    "crowded": crowded,
    "wide": wide,
    "partly-old": partly_old,
    "restarted": restarted,
    "drifting": drifting,
    "legacy": legacy,
    "depends": depends,
    "hostile": hostile,
    "recorded/1.36-dev": of_capture("kubelet-1.36", "dev-node1"),
    "recorded/1.36-gu2": of_capture("kubelet-1.36", "gu2-node1"),
    "recorded/1.36-init": of_capture("kubelet-1.36", "initjob-node1"),
    "recorded/1.27-init": of_capture("kubelet-1.27", "initjob-node1"),
    "recorded/1.27-job": of_capture("kubelet-1.27", "job-node1"),
}


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_the_account_reads_as_agreed(name: str, pytestconfig: pytest.Config) -> None:
    said = "\n".join(explain_text(ACCOUNTS[name](), 100)) + "\n"
    file = SAID / f"{name}.txt"
    if pytestconfig.getoption("--update-golden"):
        file.write_text(said, encoding="utf-8")

    assert file.read_text(encoding="utf-8") == said


@pytest.mark.parametrize("columns", [20, 80, 100, 132])
@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_no_account_is_wider_than_the_terminal(name: str, columns: int) -> None:
    """Below 80 columns it is as if there were 80; and nothing in it commands the terminal."""
    lines = explain_text(ACCOUNTS[name](), columns)

    assert max(map(len, lines)) <= max(columns, LEAST_COLUMNS)
    assert all(line == line.rstrip() and (not line or line.isprintable()) for line in lines)


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_every_account_is_json_and_says_the_same(name: str) -> None:
    account = ACCOUNTS[name]()

    document = json.loads(json.dumps(to_dict(account)))

    assert (account.namespace, account.name, account.state.value) == (
        document["namespace"],
        document["pod"],
        document["state"],
    )
    assert [each.name for each in account.containers] == [each["name"] for each in document["containers"]]
    assert (account.fit is None) == (document["fit_now"] is None)


def test_the_document_of_a_container_has_everything() -> None:
    held = pod("a", container("main", device("x.y/gpu", "G::0", 1), cpus="2"), namespace="ml")
    other = pod("b", container("side", device("x.y/gpu", "G::1", 1), cpus="3"), namespace="ml")
    health = (ResourceHealth("x.y/gpu", "G::0", "Unknown", "lost"),)
    asked = replace(spec("main", 1, GIB, {"x.y/gpu": 2}), health=health)
    metadata = known(running("a", asked, workload_kind="Job", workload_name="train"))
    snapshot = small_node(held, other, devices=(), metadata=metadata, topology=TWO_NODES)

    assert snapshot.allocation is not None
    main = PinnedContainer(held.key, "main", frozenset({2}), "id1")
    drift = Drift((CpusetDrift(main, frozenset(), frozenset({4})),))
    snapshot = replace(snapshot, allocation=replace(snapshot.allocation, drift=drift))

    document = to_dict(explain(snapshot, "ml", "a"))

    assert [
        {
            "name": "main",
            "is_listed": True,
            "asked": {
                "name": "main",
                "kind": "app",
                "cpu_millicores": 1000,
                "memory_bytes": {"memory": GIB},
                "devices": {"x.y/gpu": 2},
                "claims": [],
            },
            "alignment": {
                "verdict": "misaligned",
                "numa_nodes": [0, 1],
                "unplaced": 0,
                "constraints": [
                    {"resource": "cpu", "numa_nodes": [0], "count": 1, "every": True},
                    {"resource": "x.y/gpu", "numa_nodes": [1], "count": 1, "every": False},
                ],
            },
            "shared_pool": "",
            "runs_in_shared_pool": False,
            "reserved_cpus": "0,8",
            "caches": [],
            "unlisted": [],
            "chosen": None,
            "holds": [
                {"resource": "cpu", "total": 1, "items": [{"numa_nodes": [0], "items": ["2"]}]},
                {"resource": "x.y/gpu", "total": 1, "items": [{"numa_nodes": [1], "items": ["G::0"]}]},
            ],
            "missing": [{"resource": "x.y/gpu", "requested": 2, "held": 1, "explanation": "unexplained"}],
            "health": [
                {
                    "resource": "x.y/gpu",
                    "device": "G::0",
                    "pool": "",
                    "claim": "",
                    "health": "Unknown",
                    "message": "lost",
                }
            ],
            "unallocatable": ["G::0"],
            "cpuset_drift": {"missing": "", "foreign": "4"},
            "claim_faults": [],
            "neighbours": [
                {
                    "relation": relation,
                    "ours": [ours],
                    "theirs": [theirs],
                    "namespace": "ml",
                    "pod": "b",
                    "container": "side",
                    "resource": resource,
                }
                for relation, ours, theirs, resource in (
                    ("device", "G::0", "G::1", "x.y/gpu"),
                    ("cores", "2", "3", ""),
                )
            ],
        }
    ] == document["containers"]
    assert {"kind": "Job", "name": "train"} == document["metadata"]["workload"]
    assert ("Running", "Guaranteed", "uid-a") == tuple(
        document["metadata"][key] for key in ("phase", "qos_class", "uid")
    )
