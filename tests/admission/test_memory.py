"""The Static memory manager: groups of NUMA nodes, and blocks reused after init containers."""

import pytest
from admission_rig import GIB, MIB, burstable, memory_manager, pod, want

from podres_exporter.admission import AllocationError, Hint, Kind, MemoryManager, PodRequest, new_machine
from podres_exporter.model import MemoryBlock

ANYWHERE = Hint(None, preferred=False)
BOTH = frozenset([0, 1])


def on(*nodes: int, preferred: bool = True) -> Hint:
    return Hint(frozenset(nodes), preferred=preferred)


def served(manager: MemoryManager, asking: PodRequest, hint: Hint = ANYWHERE) -> MemoryManager:
    for container in asking.in_order:
        manager = manager.allocate(asking, container, hint)
    return manager


def sizes(manager: MemoryManager) -> dict[str, list[tuple[str, list[int], int]]]:
    return {
        container: [(block.memory_type, sorted(block.numa_nodes), block.size_bytes // MIB) for block in blocks]
        for (_, container), blocks in manager.held.items()
    }


def reserved(manager: MemoryManager) -> dict[int, int]:
    return {node: memory.tables["memory"].reserved // MIB for node, memory in manager.machine.items()}


def gib(size: float, name: str = "main", kind: Kind = Kind.APP) -> PodRequest:
    return pod(want(name, memory=int(size * GIB), kind=kind), uid=f"{name}-{size}")


def test_the_machine_is_what_is_left_of_the_nodes() -> None:
    """Measured on 1.36.3: 4 GiB, less 100 MiB for the system, less huge pages."""
    machine = new_machine({0: 4 * GIB}, {0: {"hugepages-2Mi": 128 * MIB}}, {0: {"memory": 100 * MIB}})

    assert (
        MemoryBlock("hugepages-2Mi", frozenset([0]), 134217728),
        MemoryBlock("memory", frozenset([0]), 4055891968),
    ) == (MemoryManager(machine).allocatable)


def test_pages_that_a_node_has_none_of_are_not_allocatable() -> None:
    machine = new_machine({0: GIB}, {0: {"hugepages-1Gi": 0}}, {})

    assert ["memory"] == [block.memory_type for block in MemoryManager(machine).allocatable]


def test_only_guaranteed_pods_get_blocks() -> None:
    manager = memory_manager()

    assert manager == served(manager, pod(burstable()))
    assert manager.container_hints(pod(burstable()), burstable()) == {}


def test_every_container_gets_a_block_of_each_type() -> None:
    manager = memory_manager(hugepages={0: {"hugepages-2Mi": GIB}, 1: {"hugepages-2Mi": GIB}})
    asking = pod(want("a", hugepages={"hugepages-2Mi": 4 * MIB}), want("b", cpus=0.1))

    assert {
        "a": [("memory", [1], 64), ("hugepages-2Mi", [1], 4)],
        "b": [("memory", [1], 64)],
    } == sizes(served(manager, asking, on(1)))


def test_hints_name_the_nodes_with_enough_free_of_every_type() -> None:
    manager = memory_manager(hugepages={1: {"hugepages-2Mi": GIB}})
    container = want(hugepages={"hugepages-2Mi": 4 * MIB})
    hints = (on(1), on(0, 1, preferred=False))

    assert {"memory": hints, "hugepages-2Mi": hints} == manager.container_hints(pod(container), container)


def test_a_full_node_makes_a_wider_group_possible_but_not_preferred() -> None:
    manager = served(memory_manager(nodes=3), gib(3.5), on(0))
    asking = gib(2)

    assert {"memory": (on(1), on(2), on(1, 2, preferred=False))} == manager.pod_hints(asking)


def test_a_block_over_several_nodes_is_one_block_of_the_total_size() -> None:
    """Measured on 1.36.3: 5 GiB on two nodes of 4 GiB."""
    manager = served(memory_manager(), gib(5), on(0, 1))

    assert {"main": [("memory", [0, 1], 5120)]} == sizes(manager)
    assert {0: 4096, 1: 1024} == reserved(manager)


def test_nodes_of_a_group_serve_no_single_node_block() -> None:
    """Measured on 1.36.3: every later container gets the whole group, even for 64 MiB."""
    manager = served(memory_manager(), gib(5), on(0, 1))
    small = pod(want())

    assert {"memory": (on(0, 1, preferred=False),)} == manager.pod_hints(small)
    assert [("memory", [0, 1], 64)] == sizes(served(manager, small))["main"]


def test_a_node_with_single_node_blocks_joins_no_group() -> None:
    """Measured on 1.36.3: no hint is no preference, so that the pod fails only when it is allocated."""
    manager = served(memory_manager(), pod(want(), uid="small"), on(0))
    asking = gib(5)

    assert manager.pod_hints(asking) == {}
    with pytest.raises(AllocationError, match=r"^\[memorymanager\] preferred hint violates NUMA node allocation$"):
        served(manager, asking, on(0, 1))


def test_groups_do_not_overlap() -> None:
    manager = served(memory_manager(nodes=3), gib(5), on(0, 1))
    asking = gib(6)

    assert manager.pod_hints(asking) == {}
    with pytest.raises(AllocationError, match="violates NUMA node allocation"):
        served(manager, asking, on(0, 1, 2))


def test_a_hint_with_too_little_free_is_widened_to_a_group_that_includes_it() -> None:
    manager = served(memory_manager(), gib(5), on(0, preferred=False))

    assert {"main": [("memory", [0, 1], 5120)]} == sizes(manager)


def test_a_hint_that_cannot_be_widened_is_refused() -> None:
    manager = served(memory_manager(), gib(3), on(0))

    with pytest.raises(AllocationError, match="failed to find NUMA nodes to extend the current topology hint"):
        served(manager, gib(2), on(0))


def test_a_preferred_hint_is_not_widened_to_one_that_is_not() -> None:
    uneven = MemoryManager(new_machine({0: GIB, 1: 4 * GIB}, {}, {}))

    with pytest.raises(AllocationError, match="failed to find the extended preferred hint"):
        served(uneven, gib(2), on(0))


def test_without_a_hint_the_manager_takes_the_fewest_and_lowest_nodes() -> None:
    assert {"main": [("memory", [0], 1024)]} == sizes(served(memory_manager(), gib(1)))
    assert {"main": [("memory", [0, 1], 5120)]} == sizes(served(memory_manager(), gib(5)))


def test_without_a_hint_nothing_fits_where_nothing_is_free() -> None:
    message = "failed to get the default NUMA affinity, no NUMA nodes with enough memory is available"

    with pytest.raises(AllocationError, match=message):
        served(memory_manager(), gib(9))


def test_where_no_preference_was_preferred_the_managers_choice_must_be_too() -> None:
    """Under single-numa-node no preference is a preferred hint; a group that only later pods need is not."""
    manager = served(memory_manager(), gib(5), on(0, 1))

    with pytest.raises(AllocationError, match="failed to find the default preferred hint"):
        served(manager, gib(1), Hint(None, preferred=True))


def test_app_containers_reuse_what_init_containers_hold_on_the_same_nodes() -> None:
    asking = pod(want("init", memory=3 * GIB, kind=Kind.INIT), want("a", memory=2 * GIB), want("b", memory=2 * GIB))
    manager = served(memory_manager(), asking, on(0))

    assert {"init": [("memory", [0], 0)], "a": [("memory", [0], 2048)], "b": [("memory", [0], 2048)]} == sizes(manager)
    assert {0: 4096, 1: 0} == reserved(manager)


def test_of_several_init_containers_the_largest_counts() -> None:
    """They never run at the same time."""
    init = [want("one", memory=GIB, kind=Kind.INIT), want("two", memory=3 * GIB, kind=Kind.INIT)]
    manager = served(memory_manager(), pod(*init, want(memory=4 * GIB)), on(1))

    assert {"one": [("memory", [1], 0)], "two": [("memory", [1], 0)], "main": [("memory", [1], 4096)]} == sizes(manager)
    assert {0: 0, 1: 4096} == reserved(manager)


def test_the_blocks_of_a_pod_add_up_to_what_it_takes_of_the_machine() -> None:
    init = [want("one", memory=3 * GIB, kind=Kind.INIT), want("two", memory=GIB, kind=Kind.INIT)]
    manager = served(memory_manager(), pod(*init, want(memory=2 * GIB)), on(1))

    assert {"one": [("memory", [1], 0)], "two": [("memory", [1], 1024)], "main": [("memory", [1], 2048)]} == (
        sizes(manager)
    )
    assert {0: 0, 1: 3072} == reserved(manager)


def test_a_sidecar_keeps_its_memory() -> None:
    asking = pod(want("side", memory=GIB, kind=Kind.SIDECAR), want("app", memory=GIB))

    assert {0: 2048, 1: 0} == reserved(served(memory_manager(), asking, on(0)))


def test_memory_on_other_nodes_is_not_reused() -> None:
    asking = pod(want("init", memory=GIB, kind=Kind.INIT), want("app", memory=GIB))
    manager = memory_manager().allocate(asking, asking.containers[0], on(0))

    assert {0: 1024, 1: 1024} == reserved(manager.allocate(asking, asking.containers[1], on(1)))


def test_once_a_container_runs_the_rest_of_ended_init_containers_is_free_for_all() -> None:
    """The kubelet's AddContainer; the state files of both recordings have no init container."""
    asking = pod(want("init", memory=3 * GIB, kind=Kind.INIT), want("side", kind=Kind.SIDECAR), want("app", memory=GIB))
    manager = served(memory_manager(), asking, on(0)).started(asking, asking.containers[2])

    assert {"side": [("memory", [0], 64)], "app": [("memory", [0], 1024)]} == sizes(manager)
    assert {0: 1088, 1: 0} == reserved(manager)


def test_an_init_container_that_runs_still_holds_its_memory() -> None:
    asking = pod(want("init", memory=GIB, kind=Kind.INIT), want("app", memory=MIB))
    manager = served(memory_manager(), asking, on(0))

    assert manager == manager.started(asking, asking.containers[0])


def test_release_gives_everything_back_and_dissolves_the_group() -> None:
    manager = served(served(memory_manager(), gib(5), on(0, 1)), pod(want()), on(0, 1))

    assert memory_manager() == manager.release("uid").release("main-5")
    assert memory_manager() == manager.release("main-5").release("uid")


def test_the_pod_counts_only_types_that_its_app_containers_want() -> None:
    """A quirk of getPodRequestedResources: huge pages of an init container alone are left out of the pod's hints."""
    manager = memory_manager(hugepages={1: {"hugepages-2Mi": GIB}})
    asking = pod(want("init", kind=Kind.INIT, hugepages={"hugepages-2Mi": MIB}), want("app"))

    assert ["memory"] == list(manager.pod_hints(asking))
