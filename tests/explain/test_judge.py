"""Which pod a name means, its state, and the content of its explanation."""

import pytest
from asking_rig import GIB, GPU, GPUS, demo, known, running, small_node, spec
from builders import container, pod

from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.errors import NotFoundError
from podres_exporter.explain import Relation, State, explain
from podres_exporter.explain.text import explain_text
from podres_exporter.fit import Fits
from podres_exporter.model import Claim, ClaimDevice, ContainerKind, Core, Pod, PodMeta, Snapshot, Topology


def test_a_name_without_namespace_is_found_anywhere() -> None:
    found = explain(demo(), None, "finetune-2")

    assert ("ml", "finetune-2", State.LISTED) == (found.namespace, found.name, found.state)


@pytest.mark.parametrize(
    ("namespace", "name", "expected"),
    [
        (None, "finetune-1", "no pod finetune-1 on demo-node; near: ml/finetune-2"),
        ("web", "finetune-2", "no pod finetune-2 in namespace web on demo-node; near: ml/finetune-2"),
        (None, "train", "no pod train on demo-node; near: ml/train-llm-0"),
        (None, "qqqq", "no pod qqqq on demo-node; 13 pods are known there"),
        (None, "\x1b[2J", r"no pod \x1b[2J on demo-node; 13 pods are known there"),
    ],
)
def test_an_unknown_pod_is_answered_with_near_names(namespace: str | None, name: str, expected: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        explain(demo(), namespace, name)

    assert expected == str(caught.value)


def test_a_name_in_two_namespaces_is_answered_with_both() -> None:
    snapshot = small_node(pod("a", container(), namespace="x"), metadata=known(running("a", namespace="y")))

    with pytest.raises(NotFoundError) as caught:
        explain(snapshot, None, "a")

    assert ("x/a", "y/a") == caught.value.candidates
    assert "pod a is in several namespaces; give one: x/a, y/a" == str(caught.value)
    assert "y" == explain(snapshot, "y", "a").namespace


def test_nothing_is_known_of_no_pod_at_all() -> None:
    with pytest.raises(NotFoundError, match="0 pods are known there"):
        explain(Snapshot("n1", None), None, "a")


def test_one_container_can_be_asked_for() -> None:
    assert ["trainer"] == [each.name for each in explain(demo(), "ml", "train-llm-0", "trainer").containers]


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (demo(), "pod ml/finetune-2 has no container main; it has: worker"),
        (
            Snapshot("n1", None, known(PodMeta("ml", "finetune-2", "u"))),
            "pod ml/finetune-2 has no container main",
        ),
    ],
)
def test_an_unknown_container_is_answered_with_those_there_are(snapshot: Snapshot, expected: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        explain(snapshot, "ml", "finetune-2", "main")

    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("phase", "reason", "message", "expected"),
    [
        ("Failed", "TopologyAffinityError", "", State.REJECTED),
        ("Failed", "UnexpectedAdmissionError", "", State.REJECTED),
        ("Failed", "OutOfcpu", "", State.REJECTED),
        ("Failed", "Evicted", "Pod was rejected: The node had condition: [MemoryPressure]", State.REJECTED),
        ("Failed", "Evicted", "The node was low on resource: memory", State.FINISHED),
        ("Failed", "", "", State.FINISHED),
        ("Succeeded", "", "", State.FINISHED),
        ("Running", "", "", State.MISSING),
    ],
)
def test_a_pod_that_is_not_listed_is_so_for_a_reason(phase: str, reason: str, message: str, expected: State) -> None:
    meta = running("a", spec(), phase=phase, reason=reason, message=message)

    assert expected == explain(small_node(metadata=known(meta)), None, "a").state


def test_a_pod_that_no_kubelet_has_taken_up_is_pending() -> None:
    meta = running("a", spec("main", devices={GPU: 9}), phase="Pending", has_started=False)

    account = explain(small_node(metadata=known(meta)), None, "a")

    assert State.PENDING == account.state
    assert account.fit
    assert Fits.NO == account.fit.fits


def test_without_the_kubelet_only_the_api_servers_word_counts() -> None:
    metadata = known(running("a", spec()), running("b", spec(), phase="Succeeded"))
    snapshot = Snapshot("n1", None, metadata)

    assert [State.UNTOLD, State.FINISHED] == [explain(snapshot, None, name).state for name in "ab"]
    assert [None, None] == [explain(snapshot, None, name).fit for name in "ab"]


def test_a_pod_that_sits_well_is_not_asked_again() -> None:
    held = pod("a", container("main", GPUS[0], cpus="1-2"), namespace="ml")
    metadata = known(running("a", spec("main", 2, GIB, {GPU: 1})))

    assert explain(small_node(held, metadata=metadata), None, "a").fit is None


def test_what_a_misaligned_pod_holds_counts_as_free_for_itself() -> None:
    held = pod("a", container("main", *GPUS[2:], cpus="1-7"), namespace="ml")
    metadata = known(running("a", spec("main", 7, GIB, {GPU: 2})))
    account = explain(small_node(held, metadata=metadata), None, "a")

    assert account.fit
    assert Fits.YES == account.fit.fits


def test_siblings_within_the_own_pod_are_no_strangers() -> None:
    """CPUs 2 and 3 are one core."""
    held = pod("a", container("one", cpus="2"), container("two", cpus="3"))
    account = explain(small_node(held), None, "a")

    assert [(), ()] == [each.neighbours for each in account.containers]


def test_a_device_held_twice_is_shared_by_its_own_id() -> None:
    """Some resources are shared under one id, and some kubelets list one device in two pods for a while."""
    one, two = (pod(name, container("main", GPUS[0])) for name in "ab")
    (account,) = explain(small_node(one, two), None, "a").containers

    assert [(Relation.DEVICE, "b", ("GPU-0",))] == [
        (each.relation, each.pod, each.theirs) for each in account.neighbours
    ]


REFUSED = "Pod was rejected: "


def refusal(reason: str, text: str = "", **asked: int) -> PodMeta:
    """Return a pod that the kubelet has refused."""
    wanted = spec("main", asked.get("cpus", 1), GIB, {GPU: asked["gpu"]} if "gpu" in asked else None)
    return running(
        "a",
        wanted,
        phase="Failed",
        reason=reason,
        message=REFUSED + text,
        is_terminal=True,
        cpu_millicores=asked.get("cpus", 1) * 1000,
        memory_bytes=GIB,
    )


@pytest.mark.parametrize(
    ("meta", "fits"),
    [
        pytest.param(refusal("SMTAlignmentError"), [Fits.NO] * 4, id="whole cores: it never fits"),
        pytest.param(refusal("SMTAlignmentError", cpus=2), [Fits.YES] * 4, id="whole cores were short then"),
        pytest.param(refusal("NodeAffinity"), [Fits.UNKNOWN] * 4, id="its node selector"),
        pytest.param(refusal("NodePorts"), [Fits.UNKNOWN] * 4, id="a host port"),
        pytest.param(refusal("OutOfephemeral-storage"), [Fits.UNKNOWN] * 4, id="storage is not judged"),
        pytest.param(refusal("NodeAffinity", gpu=5), [Fits.NO] * 4, id="and it does not fit either"),
        pytest.param(refusal("TopologyAffinityError", gpu=2), [Fits.YES] * 2, id="policies that refuse so"),
        pytest.param(
            refusal("OutOfcpu", "resource: cpu, requested: 1000, used: 5500, capacity: 6000"),
            [Fits.YES] * 4,
            id="others have left",
        ),
        pytest.param(
            refusal("OutOfcpu", "resource: cpu, requested: 7000, used: 0, capacity: 6000", cpus=7),
            [Fits.NO] * 4,
            id="more than the node has",
        ),
    ],
)
def test_a_refusal_of_the_kubelet_is_never_answered_with_yes(meta: PodMeta, fits: list[Fits]) -> None:
    """It is final for this pod; a new one may find what others have left."""
    account = explain(small_node(metadata=known(meta)), None, "a")
    lines = [line.strip() for line in explain_text(account, 100)]

    assert account.fit
    assert fits == [each.fits for each in account.fit.outcomes]
    assert not any(line.startswith("yes") for line in lines)
    assert any("stays rejected" in line for line in lines)


def test_explain_names_what_the_kubelet_does_not_list_and_who_chose_the_device() -> None:
    """Leftovers of init containers, and a scheduler's annotation."""
    held = pod("a", container("main", GPUS[0]), namespace="ml")
    meta = running(
        "a",
        spec("i", devices={GPU: 3}, kind=ContainerKind.INIT),
        spec("main", devices={GPU: 1}),
        chosen_by="hami.io/vgpu-devices-allocated",
        chosen_devices=("GPU-9",),
    )
    text = " ".join(" ".join(explain_text(explain(small_node(held, metadata=known(meta)), None, "a"), 200)).split())

    assert "holds: 2 nvidia.com/gpu more that the kubelet does not list" in text
    assert "chosen: GPU-9 by annotation hami.io/vgpu-devices-allocated" in text


@pytest.mark.parametrize(
    ("cpus", "caches"),
    [("1-3", ()), ("2-5", ((0, ("2-3", "4-5")),)), ("2-5,8-9,12", ((0, ("2-3", "4-5")), (1, ("8-9", "12"))))],
)
def test_cpus_on_several_caches_of_one_node_are_told(cpus: str, caches: tuple[object, ...]) -> None:
    """Four CPUs to a last-level cache, two caches to a NUMA node; the NUMA verdict stays."""
    cores = {cpu: Core(cpu % 8, cpu // 8, cpu - cpu % 4) for cpu in range(16)}
    topology = Topology({0: parse_cpuset("0-7"), 1: parse_cpuset("8-15")}, cores)
    (account,) = explain(small_node(pod("a", container("main", cpus=cpus)), topology=topology), None, "a").containers

    assert caches == tuple((node, tuple(map(format_cpuset, parts))) for node, parts in account.caches)


@pytest.mark.parametrize(
    ("held", "words"),
    [("1-7,9-15", "without any allocatable CPU left: it runs on the reserved CPUs 0,8"), ("1-7", "7 allocatable CPUs")],
)
def test_the_reserved_cpus_stand_beside_the_shared_pool(held: str, words: str) -> None:
    """An empty pool is not where nothing runs."""
    pods = [pod("big", container("main", cpus=held)), pod("web", container("main"))]
    text = " ".join(" ".join(explain_text(explain(small_node(*pods), None, "web"), 200)).split())

    assert words in text
    assert "the reserved CPUs 0,8" in text


def claimed(name: str, claim: str, share_id: str = "") -> Pod:
    """Return a pod whose claim has the one GPU of the driver."""
    gpu = ClaimDevice("gpu.example.com", "n1", "gpu-0", share_id, ())
    return pod(name, container("main", claims=[Claim("ml", claim, (gpu,))]), namespace="ml")


@pytest.mark.parametrize(
    ("ours", "theirs", "relation"),
    [
        (claimed("a", "one"), claimed("b", "one"), Relation.CLAIM),
        (claimed("a", "one", "s1"), claimed("b", "two", "s2"), Relation.CLAIM),
        (claimed("a", "one"), claimed("b", "two"), Relation.TWO_CLAIMS),
    ],
)
def test_a_device_of_two_claims_is_not_called_shared(ours: Pod, theirs: Pod, relation: Relation) -> None:
    """A monitor's admin access takes nothing; a claim that several pods use, and shares of a device, are shared."""
    account = explain(small_node(ours, theirs), None, "a")
    text = " ".join(explain_text(account, 200))

    assert [relation] == [each.relation for each in account.containers[0].neighbours]
    assert ("shares:" in text) == (relation is Relation.CLAIM)


def test_a_resize_that_has_not_happened_is_told() -> None:
    held = pod("a", container("main", cpus="2-3"), namespace="ml")
    meta = running("a", spec("main", 2, GIB), resize="Infeasible: static CPU manager")

    (note,) = [each for each in explain(small_node(held, metadata=known(meta)), None, "a").notes if "resize" in each]
    assert "Infeasible: static CPU manager" in note
