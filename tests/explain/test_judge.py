"""Which pod is meant, what state it is in, and what the account of it leaves out."""

import pytest
from asking_rig import GIB, GPU, GPUS, demo, known, running, small_node, spec
from builders import container, pod

from podres_exporter.errors import NotFoundError
from podres_exporter.explain import Relation, State, explain
from podres_exporter.fit import Fits
from podres_exporter.model import PodMeta, Snapshot


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
    assert "pod a is in several namespaces; name one: x/a, y/a" == str(caught.value)
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
