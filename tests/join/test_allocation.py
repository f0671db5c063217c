"""Joining the kubelet's answers and the topology to an Allocation, with and without a previous join."""

from dataclasses import replace
from typing import Any

import pytest
from builders import GPU, MIB, NIC, TWO_NODES, allocatable, block, container, device, gpu, listing, pod

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocatable,
    Allocation,
    ContainerKind,
    ContainerSpec,
    CpuStock,
    DeviceStock,
    Listing,
    Malformed,
    MemoryStock,
    Metadata,
    PodMeta,
    ResourceHealth,
    Topology,
    Verdict,
)

NODE_0, NODE_1 = frozenset([0]), frozenset([1])

ANSWER = listing(
    pod("a", container("main", gpu("0", 0), cpus="1-2", memory=[block(64, 0)])),
    pod("b", container("main", gpu("1", 1), cpus="3")),
)
REPORT = allocatable(gpu("0", 0), gpu("1", 1), cpus="1-3,5-7", memory=[block(4096, 0)])


def verdicts(allocation: Allocation) -> dict[str, list[Verdict]]:
    """Return the verdicts on each pod's containers, by pod name."""
    return {view.pod.name: [each.alignment.verdict for each in view.containers] for view in allocation.pods}


def test_a_join_shows_pods_stock_and_verdicts() -> None:
    """Everything comes from the two answers and the topology."""
    allocation = Joiner().join(ANSWER, REPORT, TWO_NODES)

    assert ANSWER.pods == tuple(view.pod for view in allocation.pods)
    assert {"a": [Verdict.ALIGNED], "b": [Verdict.MISALIGNED]} == verdicts(allocation)
    assert (
        DeviceStock(GPU, NODE_0, frozenset("0"), frozenset("0")),
        DeviceStock(GPU, NODE_1, frozenset("1"), frozenset("1")),
    ) == allocation.devices
    assert CpuStock(parse_cpuset("1-3,5-7"), parse_cpuset("1-3")) == allocation.cpus
    assert (MemoryStock("memory", NODE_0, 4096 * MIB, 64 * MIB),) == allocation.memory
    assert TWO_NODES == allocation.topology


def test_an_empty_node_is_an_allocation() -> None:
    """No pods and nothing allocatable is a fact; unavailable is said elsewhere."""
    assert Allocation(
        pods=(),
        devices=(),
        cpus=CpuStock(frozenset(), frozenset()),
        memory=(),
        topology=None,
        skipped_pods={"duplicate_name": 0},
    ) == Joiner().join(listing(), allocatable(), None)


def test_each_container_has_its_verdict_in_the_order_of_the_pod() -> None:
    """Alignments run parallel to the pod's containers."""
    answer = listing(pod("p", container("a", cpus="3-4"), container("b"), container("c", cpus="5")))

    assert {"p": [Verdict.MISALIGNED, Verdict.NOT_APPLICABLE, Verdict.ALIGNED]} == verdicts(
        Joiner().join(answer, REPORT, TWO_NODES)
    )


@pytest.mark.parametrize(
    ("report", "topology", "verdict"),
    [
        pytest.param(allocatable(cpus="1-7"), TWO_NODES, Verdict.SPANS, id="more than one node has"),
        pytest.param(None, TWO_NODES, Verdict.MISALIGNED, id="nothing tells how much a node has"),
        pytest.param(allocatable(cpus="1-7"), None, Verdict.UNKNOWN, id="nothing tells where a CPU is"),
        pytest.param(None, None, Verdict.UNKNOWN, id="neither"),
    ],
)
def test_a_verdict_needs_both_answers_and_the_topology(
    report: Allocatable | None, topology: Topology | None, verdict: Verdict
) -> None:
    """Without GetAllocatableResources (1.20, or switched off) or sysfs the verdict says less, never something else."""
    answer = listing(pod("p", container(cpus="1-5")))

    assert {"p": [verdict]} == verdicts(Joiner().join(answer, report, topology))


def test_kubelets_1_20_to_1_22_get_no_verdict() -> None:
    """They report unknown locality as node 0 (kubernetes #103289)."""
    assert {"a": [Verdict.UNSUPPORTED], "b": [Verdict.UNSUPPORTED]} == verdicts(
        Joiner().join(ANSWER, REPORT, TWO_NODES, legacy=True)
    )


def test_entries_that_were_united_are_counted() -> None:
    """They are not shown under an identity of their own."""
    assert {"duplicate_name": 2} == Joiner().join(replace(ANSWER, merged_pods=2), None, None).skipped_pods


def test_devices_and_cpus_add_up_by_namespace() -> None:
    """A pod's CPUs are united over its lists, a container's devices counted; zeros are left out."""
    answer = listing(
        pod("a", container("x", gpu("0"), gpu("1"), cpus="1-2"), container("y", cpus="1-2"), namespace="ml"),
        pod("b", container("x", device(NIC, "0")), namespace="ml", cpus="4-6"),
        pod("c", container("x", gpu("2")), namespace="web"),
        pod("d", container("x"), namespace="idle"),
    )

    allocation = Joiner().join(answer, None, None)

    assert {("ml", GPU): 2, ("ml", NIC): 1, ("web", GPU): 1} == allocation.devices_by_namespace
    assert {"ml": 5} == allocation.cpus_by_namespace


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(ANSWER, id="the same record"),
        pytest.param(listing(*ANSWER.pods), id="an equal record"),
        pytest.param(replace(ANSWER, malformed=(Malformed("pod_resources[2]", "empty"),)), id="only a fault is new"),
    ],
)
def test_what_did_not_change_is_the_same_allocation(again: Listing) -> None:
    """Only then need the page not be written again."""
    joiner = Joiner()

    assert joiner.join(ANSWER, REPORT, TWO_NODES) is joiner.join(again, REPORT, TWO_NODES)


def test_the_view_of_a_pod_that_did_not_change_is_kept() -> None:
    """One new pod does not judge a hundred old ones again."""
    joiner = Joiner()
    before = joiner.join(ANSWER, REPORT, TWO_NODES)

    after = joiner.join(listing(*ANSWER.pods, pod("c", container())), REPORT, TWO_NODES)

    assert [True, True] == [old is new for old, new in zip(before.pods, after.pods[:2], strict=True)]


@pytest.mark.parametrize(
    ("answer", "report", "topology", "legacy"),
    [
        pytest.param(listing(), REPORT, TWO_NODES, False, id="pods went"),
        pytest.param(listing(*ANSWER.pods[:1]), REPORT, TWO_NODES, False, id="a pod went"),
        pytest.param(replace(ANSWER, merged_pods=1), REPORT, TWO_NODES, False, id="pods were united"),
        pytest.param(ANSWER, allocatable(gpu("0", 0), gpu("1", 1)), TWO_NODES, False, id="fewer CPUs to hand out"),
        pytest.param(ANSWER, replace(REPORT, cpus=parse_cpuset("3")), TWO_NODES, False, id="the capacity is another"),
        pytest.param(ANSWER, replace(REPORT, devices=(gpu("1", 0),)), TWO_NODES, False, id="a device moved"),
        pytest.param(ANSWER, replace(REPORT, memory=()), TWO_NODES, False, id="no memory to hand out"),
        pytest.param(ANSWER, None, TWO_NODES, False, id="no report"),
        pytest.param(ANSWER, REPORT, None, False, id="no topology"),
        pytest.param(ANSWER, REPORT, Topology({0: parse_cpuset("0-7")}), False, id="another topology"),
        pytest.param(ANSWER, REPORT, TWO_NODES, True, id="an older kubelet"),
    ],
)
def test_every_change_is_seen(
    answer: Listing, report: Allocatable | None, topology: Topology | None, legacy: bool
) -> None:
    """What is remembered never stands for something else, and going back is a change too."""
    joiner = Joiner()
    before = joiner.join(ANSWER, REPORT, TWO_NODES)

    after = joiner.join(answer, report, topology, legacy=legacy)

    assert Joiner().join(answer, report, topology, legacy=legacy) == after
    assert before != after
    assert before == joiner.join(ANSWER, REPORT, TWO_NODES)


def test_a_finished_pod_and_its_successor_hold_one_set_of_cpus() -> None:
    """1.22 to 1.31 list a finished pod with CPUs that another may have got: the node holds them once."""
    answer = listing(pod("finished", container(cpus="1-2")), pod("heir", container(cpus="1-2")))

    cpus = Joiner().join(answer, REPORT, TWO_NODES).cpus

    assert (parse_cpuset("1-2"), parse_cpuset("3,5-7")) == (cpus.exclusive, cpus.shared_pool)


def known(name: str, **fields: Any) -> PodMeta:
    """Return what the API server says of a pod."""
    return PodMeta("default", name, f"uid-{name}", **fields)


def metadata(*metas: PodMeta, synced: bool = True) -> Metadata:
    return Metadata({meta.key: meta for meta in metas}, synced=synced)


def test_a_finished_pod_that_the_kubelet_still_lists_holds_nothing() -> None:
    """Kubelets up to 1.33 list every pod they have from their sources (kubernetes #119423, #132020)."""
    allocation = Joiner().join(ANSWER, REPORT, TWO_NODES, metadata(known("a", is_terminal=True), known("b")))

    assert ["b"] == [view.pod.name for view in allocation.pods]
    assert {"duplicate_name": 0, "terminal": 1} == allocation.skipped_pods
    assert parse_cpuset("3") == allocation.cpus.exclusive
    assert frozenset("0") == allocation.devices[0].free
    assert {("default", GPU): 1} == allocation.devices_by_namespace
    assert 0 == allocation.memory[0].held_bytes


def test_nobody_is_taken_for_dead_while_the_api_server_is_not_heard() -> None:
    """What was last known names the pods, and decides nothing; nothing pretends to count finished ones."""
    last_known = metadata(known("a", is_terminal=True), synced=False)
    allocation = Joiner().join(ANSWER, REPORT, TWO_NODES, last_known)

    assert [("a", "uid-a"), ("b", None)] == [
        (view.pod.name, view.meta.uid if view.meta else None) for view in allocation.pods
    ]
    assert {"duplicate_name": 0} == allocation.skipped_pods


def test_a_pod_that_the_api_server_does_not_know_keeps_what_it_holds() -> None:
    """The kubelet is the authority for allocation; the API server only decorates."""
    allocation = Joiner().join(ANSWER, REPORT, TWO_NODES, metadata())

    assert [("a", None), ("b", None)] == [(view.pod.name, view.meta) for view in allocation.pods]


def test_news_of_one_pod_leaves_the_views_of_the_others() -> None:
    """A memory that only saves work."""
    joiner = Joiner()
    before = joiner.join(ANSWER, REPORT, TWO_NODES, metadata(known("a"), known("b")))
    after = joiner.join(ANSWER, REPORT, TWO_NODES, metadata(known("a"), known("b", phase="Running")))

    assert before.pods[0] is after.pods[0]
    assert "Running" == (after.pods[1].meta or known("none")).phase


def test_metadata_that_says_the_same_gives_the_same_allocation() -> None:
    """So that a page need not be written again."""
    joiner = Joiner()
    before = joiner.join(ANSWER, REPORT, TWO_NODES, metadata(known("a")))

    assert before is joiner.join(ANSWER, REPORT, TWO_NODES, metadata(known("a")))


def test_equal_memory_blocks_of_a_pod_with_pod_level_resources_are_one() -> None:
    """
    1.36 lists the pod's shared block on each container that shares it; only the spec tells that it is shared.

    Source: measured on 1.36.3 with PodLevelResourceManagers.
    """
    answer = listing(
        pod("a", container("one", memory=[block(192, 0)]), container("two", memory=[block(192, 0)])),
        pod("b", container("one", memory=[block(64, 0)]), container("two", memory=[block(64, 0)])),
    )
    allocation = Joiner().join(answer, None, None, metadata(known("a", has_pod_resources=True), known("b")))

    assert [(192 + 128) * MIB] == [stock.held_bytes for stock in allocation.memory]


def test_requests_and_health_come_from_the_pod_s_spec_and_status() -> None:
    """The CPU manager's policy is static where there are CPUs to hand out."""
    spec = ContainerSpec("main", ContainerKind.APP, ((GPU, 2),), 2000, health=(ResourceHealth(GPU, "0", "Unhealthy"),))
    allocation = Joiner().join(
        ANSWER, REPORT, TWO_NODES, metadata(known("a", qos_class="Guaranteed", containers=(spec,)))
    )
    view = allocation.pods[0]

    assert [(GPU, 2, 1), ("cpu", 2, 2)] == [(each.resource, each.requested, each.held) for each in view.requests]
    assert ["Unhealthy"] == [each.health for each in view.containers[0].health]
