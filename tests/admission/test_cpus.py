"""The static CPU manager: which CPUs a container gets, and which stay allocated although they are not listed."""

from dataclasses import replace

import pytest
from admission_rig import burstable, cpu_manager, cpus, machine_topology, pod, want

from podres_exporter.admission import (
    AllocationError,
    Amounts,
    ContainerRequest,
    CpuManager,
    Hint,
    Kind,
    PodRequest,
    take_packed,
)
from podres_exporter.cpuset import format_cpuset
from podres_exporter.model import Core, Topology

ANYWHERE = Hint(None, preferred=True)
NODE_1 = Hint(frozenset([1]), preferred=True)


def served(manager: CpuManager, asking: PodRequest, hint: Hint = ANYWHERE) -> CpuManager:
    for container in asking.in_order:
        manager = manager.allocate(asking, container, hint)
    return manager


def holdings(manager: CpuManager) -> dict[str, str]:
    return {container: format_cpuset(held) for (_, container), held in manager.held.items()}


def test_only_whole_cpus_of_guaranteed_pods_are_exclusive() -> None:
    whole, part = want("whole", cpus=2), want("part", cpus=1.5)

    assert (2, 0) == (pod(whole, part).exclusive_cpus(whole), pod(whole, part).exclusive_cpus(part))
    assert pod(whole, burstable()).exclusive_cpus(whole) == 0


def test_a_container_without_exclusive_cpus_has_no_preference() -> None:
    manager = cpu_manager()
    asking = pod(want(cpus=0.5))

    assert manager.container_hints(asking, asking.containers[0]) == {}
    assert manager.pod_hints(asking) == {}
    assert manager == served(manager, asking)


def test_hints_prefer_as_few_nodes_as_could_ever_serve() -> None:
    """Node 0 has three CPUs to give; four would fit on an idle node, so two nodes are possible but not preferred."""
    four, three = pod(want(cpus=4)), pod(want(cpus=3))
    both = frozenset([0, 1])

    assert {"cpu": (Hint(both, preferred=False),)} == cpu_manager().container_hints(four, four.containers[0])
    assert {
        "cpu": (Hint(frozenset([0]), preferred=True), NODE_1, Hint(both, preferred=False))
    } == cpu_manager().container_hints(three, three.containers[0])


def test_more_cpus_than_a_node_has_prefer_two_nodes() -> None:
    asking = pod(want(cpus=5))

    assert {"cpu": (Hint(frozenset([0, 1]), preferred=True),)} == cpu_manager().pod_hints(asking)


def test_a_node_without_cpus_is_in_no_hint() -> None:
    topology = Topology({0: cpus("0-3"), 1: frozenset()})
    asking = pod(want(cpus=1))

    assert {"cpu": (Hint(frozenset([0]), preferred=True),)} == cpu_manager(topology, "").pod_hints(asking)


def test_a_pod_needs_the_most_that_it_needs_at_any_time() -> None:
    """KEP-753: the second init container runs beside the sidecar before it, the first one does not."""
    asking = pod(
        want("app", cpus=1),
        want("first", cpus=3, kind=Kind.INIT),
        want("side", cpus=1, kind=Kind.SIDECAR),
        want("second", cpus=3, kind=Kind.INIT),
    )

    assert asking.total(asking.exclusive_cpus) == 4


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "1"),  # its sibling is reserved: a broken core is used up before another is broken
        (2, "2-3"),  # a whole core rather than two halves
        (3, "1-3"),
        (4, "2-3,6-7"),  # whole cores, though they are on two nodes
        (6, "1-3,5-7"),
    ],
)
def test_cpus_are_packed_by_core(count: int, expected: str) -> None:
    manager = served(cpu_manager(), pod(want(cpus=count)))

    assert {"main": expected} == holdings(manager)


def test_whole_nodes_go_before_cores() -> None:
    topology = machine_topology(nodes=3)

    assert cpus("4-7,2-3") == take_packed(topology, cpus("1-3,4-7,8-10"), 6)


def test_among_equal_nodes_the_fullest_is_used_up_first() -> None:
    topology = machine_topology(nodes=2, cores=4, threads=1)

    assert cpus("6-7") == take_packed(topology, cpus("0-3,6-7"), 2)


def test_sockets_of_several_nodes_are_taken_whole_before_nodes() -> None:
    """Four nodes on two sockets: with node 0 in use, eight CPUs are the other socket, not nodes 1 and 2."""
    topology = machine_topology(nodes=4, nodes_per_socket=2)

    assert cpus("8-15") == take_packed(topology, cpus("4-15"), 8)


def test_unknown_cores_count_as_one_thread_each() -> None:
    topology = Topology({0: cpus("0-3")}, {0: Core(core=-1, socket=-1)})

    assert cpus("1-2") == take_packed(topology, cpus("1-3"), 2)


def test_a_core_with_more_threads_than_the_average_is_not_taken_whole_when_part_of_it_is_in_use() -> None:
    """Two threads on core 0, one on each of four others: the kubelet's average of one would call CPU 0 a whole core."""
    cores = {0: 0, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4}
    topology = Topology({0: cpus("0-5")}, {cpu: Core(core, 0) for cpu, core in cores.items()})

    assert cpus("2-3") == take_packed(topology, cpus("0,2-5"), 2)


def test_the_hint_decides_and_the_rest_comes_from_anywhere() -> None:
    assert {"main": "6-7"} == holdings(served(cpu_manager(), pod(want(cpus=2)), NODE_1))
    assert {"main": "1,5-7"} == holdings(served(cpu_manager(), pod(want(cpus=4)), NODE_1))


def test_reserved_cpus_stay_in_the_shared_pool() -> None:
    manager = served(cpu_manager(), pod(want(cpus=6)))

    assert cpus("0,4") == manager.shared_pool
    assert cpus("1-3,5-7") == manager.allocatable
    assert manager.available == frozenset()


def test_too_few_cpus_are_refused_in_the_words_of_the_kubelet() -> None:
    with pytest.raises(
        AllocationError, match=r"^not enough cpus available to satisfy request: requested=7, available=6$"
    ):
        served(cpu_manager(), pod(want(cpus=7)))


def test_where_the_near_cpus_were_taken_first_the_refusal_speaks_of_the_rest() -> None:
    with pytest.raises(AllocationError, match=r"requested=4, available=3$"):
        served(cpu_manager(), pod(want(cpus=7)), NODE_1)


def test_app_containers_reuse_the_cpus_of_ended_init_containers() -> None:
    manager = served(cpu_manager(), pod(want("init", cpus=6, kind=Kind.INIT), want("a", cpus=4), want("b", cpus=2)))

    assert {"init": "1-3,5-7", "a": "2-3,6-7", "b": "1,5"} == holdings(manager)


def test_a_later_init_container_reuses_them_too() -> None:
    manager = served(cpu_manager(), pod(want("one", cpus=6, kind=Kind.INIT), want("two", cpus=6, kind=Kind.INIT)))

    assert {"one": "1-3,5-7", "two": "1-3,5-7"} == holdings(manager)


def test_what_a_sidecar_holds_is_never_reused() -> None:
    asking = pod(want("side", cpus=6, kind=Kind.SIDECAR), want("app", cpus=1))

    with pytest.raises(AllocationError, match=r"requested=1, available=0$"):
        served(cpu_manager(), asking)


def test_what_a_sidecar_took_over_from_an_init_container_is_its_own() -> None:
    asking = pod(want("init", cpus=6, kind=Kind.INIT), want("side", cpus=5, kind=Kind.SIDECAR), want("app", cpus=2))

    with pytest.raises(AllocationError, match=r"requested=2, available=1$"):
        served(cpu_manager(), asking)


def test_a_mask_that_leaves_reusable_cpus_out_is_no_hint() -> None:
    asking = pod(want("init", cpus=1, kind=Kind.INIT), want("app", cpus=1))
    manager = cpu_manager().allocate(asking, asking.containers[0], NODE_1)

    assert {"cpu": (NODE_1, Hint(frozenset([0, 1]), preferred=False))} == manager.container_hints(
        asking, asking.containers[1]
    )


def test_cpus_that_only_an_ended_init_container_holds_are_neither_free_nor_listed() -> None:
    """Facts of 1.36.3: the state file says init 6-7, main 6, and CPU 7 is lost until the pod is gone."""
    asking = pod(want("init", cpus=2, kind=Kind.INIT), want("side", cpus=1, kind=Kind.SIDECAR), want("main", cpus=1))
    manager = served(cpu_manager(), asking, NODE_1)
    listed = [manager.of(asking, container) for container in asking.containers if container.kind is not Kind.INIT]

    assert {"init": "6-7", "side": "5", "main": "6"} == holdings(manager)
    assert cpus("7") == manager.allocatable - manager.available - frozenset[int]().union(*listed)


def test_release_gives_everything_back() -> None:
    before = served(cpu_manager(), pod(want(cpus=1), uid="other"))
    asking = pod(want("init", cpus=3, kind=Kind.INIT), want("main", cpus=2))

    assert before == served(before, asking).release("uid")
    assert before == before.release("nobody")


def test_the_quality_of_service_is_that_of_computepodqos() -> None:
    amounts = Amounts(500, 1)
    half = ContainerRequest("half", requests=amounts, limits=Amounts(500, 0))

    assert pod(ContainerRequest("empty")).qos.value == "BestEffort"
    assert pod(want()).qos.value == "Guaranteed"
    assert pod(want(), ContainerRequest("empty")).qos.value == "Burstable"
    assert pod(want(), want("init", memory=0, kind=Kind.INIT)).qos.value == "Burstable"
    assert pod(half).qos.value == "Burstable"
    assert pod(replace(half, limits=amounts)).qos.value == "Guaranteed"
