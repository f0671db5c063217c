"""A table of admission questions, each with the expected answer and reason."""

from dataclasses import replace

import pytest
from asking_rig import GIB, GPU, GPUS, NIC, demo, known, recorded, small_node, spec
from builders import container, device, pod

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.fit import (
    Answer,
    Ask,
    Caveat,
    Fits,
    KubeletOptions,
    Obstacle,
    Outcome,
    Policy,
    Scope,
    ask_for,
    fit,
)
from podres_exporter.fit.reasons import reason
from podres_exporter.model import (
    Alignment,
    ContainerKind,
    CpuStock,
    Device,
    MemoryBlock,
    Part,
    Snapshot,
    Topology,
    Verdict,
)

ALIGNING = [Policy.RESTRICTED, Policy.SINGLE_NUMA_NODE]
LENIENT = [Policy.NONE, Policy.BEST_EFFORT]
ALWAYS = {Caveat.REQUESTS_UNKNOWN, Caveat.SCHEDULER}


def asking(cpus: int = 0, memory: int = 0, **devices: int) -> Ask:
    """Return an ask for whole CPUs, GiB of memory and devices: `gpu`, `nic`."""
    names = {"gpu": GPU, "nic": NIC}
    counts = {names[name]: count for name, count in devices.items()}
    return ask_for(cpu_millicores=cpus * 1000, memory_bytes=memory * GIB, devices=counts)


def outcome(snapshot: Snapshot, ask: Ask, policy: Policy = Policy.SINGLE_NUMA_NODE) -> Outcome:
    (only,) = fit(snapshot, ask, policy).outcomes
    return only


def verdicts(answer: Answer) -> dict[Policy, Fits]:
    return {each.policy: each.fits for each in answer.outcomes}


def obstacles(found: Outcome) -> list[tuple[Obstacle, str]]:
    return [(each.obstacle, each.room.resource if each.room else "") for each in found.hurdles]


def caveats(answer: Answer) -> set[Caveat]:
    return {note.caveat for note in answer.notes}


def test_an_idle_node_takes_the_pod_on_its_first_numa_node() -> None:
    answer = fit(small_node(), asking(cpus=4, memory=2, gpu=2))

    assert dict.fromkeys(Policy, Fits.YES) == verdicts(answer)
    assert Fits.YES == answer.fits
    assert [frozenset(), *[frozenset([0])] * 3] == [each.numa_nodes for each in answer.outcomes]
    assert [Verdict.ALIGNED] == [place.verdict for place in answer.outcomes[-1].places]
    assert frozenset([0, 1]) == answer.fitting_nodes


def test_room_is_told_by_numa_node() -> None:
    held = pod(
        "a", container("main", GPUS[0], cpus="2-5", memory=[MemoryBlock("memory", frozenset([0]), GIB)]), namespace="ml"
    )

    rooms = fit(small_node(held), asking(cpus=4, memory=2, gpu=2)).rooms

    assert [
        ("cpu", 4, 10, 14, {0: (3, 7), 1: (7, 7)}),
        ("memory", 2 * GIB, 31 * GIB, 32 * GIB, {0: (15 * GIB, 16 * GIB), 1: (16 * GIB, 16 * GIB)}),
        (GPU, 2, 3, 4, {0: (1, 2), 1: (2, 2)}),
    ] == [(room.resource, room.asked, room.free, room.allocatable, room.by_node) for room in rooms]


@pytest.mark.parametrize("policy", Policy)
def test_what_the_node_does_not_have_fits_under_no_policy(policy: Policy) -> None:
    assert [(Obstacle.TOO_FEW, GPU)] == obstacles(outcome(small_node(), asking(gpu=5), policy))
    assert [(Obstacle.TOO_FEW, "cpu")] == obstacles(outcome(small_node(), asking(cpus=15, memory=1), policy))
    assert [(Obstacle.TOO_FEW, "memory")] == obstacles(outcome(small_node(), asking(cpus=1, memory=40), policy))


@pytest.mark.parametrize("policy", Policy)
def test_what_others_hold_is_named_with_those_whose_leaving_would_help(policy: Policy) -> None:
    held = [pod("big", container("main", *GPUS[:2])), pod("small", container("main", GPUS[2]))]
    found = outcome(small_node(*held), asking(gpu=2), policy)

    assert [(Obstacle.HELD, GPU)] == obstacles(found)
    assert [("big", 2), ("small", 1)] == [(each.name, each.amount) for each in found.holders]
    assert (("default", "big"), ("default", "small")) == found.freeing
    assert found.nearest is None


def test_enough_free_devices_on_different_nodes_are_scattered() -> None:
    held = [pod("a", container("main", GPUS[0])), pod("b", container("main", GPUS[2]))]
    snapshot = small_node(*held)
    answer = fit(snapshot, asking(gpu=2))

    assert dict(zip(Policy, [Fits.YES, Fits.YES, Fits.NO, Fits.NO], strict=True)) == verdicts(answer)
    assert Fits.UNKNOWN == answer.fits
    for refused in answer.outcomes[2:]:
        assert [(Obstacle.SCATTERED, GPU)] == obstacles(refused)
        assert 0 == refused.nearest
        assert ["a"] == [each.name for each in refused.holders]
        assert (("default", "a"),) == refused.freeing
        assert refused.rejection
        assert "TopologyAffinityError" == refused.rejection.reason
    assert Verdict.MISALIGNED == answer.outcomes[1].places[0].verdict


def test_more_than_a_numa_node_has_spans_and_only_single_numa_node_refuses() -> None:
    answer = fit(small_node(), asking(gpu=3))

    assert dict(zip(Policy, [*[Fits.YES] * 3, Fits.NO], strict=True)) == verdicts(answer)
    assert [(Obstacle.TOO_WIDE, GPU)] == obstacles(answer.outcomes[-1])
    assert [Verdict.SPANS] == [place.verdict for place in answer.outcomes[2].places]


@pytest.mark.parametrize("policy", ALIGNING)
def test_resources_that_fit_different_nodes_only_are_apart(policy: Policy) -> None:
    """CPUs are left on node 1, GPUs on node 0."""
    held = [pod("a", container("main", cpus="1-7")), pod("b", container("main", *GPUS[2:]))]
    found = outcome(small_node(*held), asking(cpus=2, memory=1, gpu=1), policy)

    assert [(Obstacle.APART, "cpu"), (Obstacle.APART, "memory"), (Obstacle.APART, GPU)] == obstacles(found)
    assert [(frozenset([1]),), (frozenset([0]), frozenset([1])), (frozenset([0]),)] == [
        each.numa_nodes for each in found.hurdles
    ]
    assert (("default", "a"), 0) == ((found.holders[0].namespace, found.holders[0].name), found.nearest)
    assert (("default", "a"),) == found.freeing


@pytest.mark.parametrize("policy", ALIGNING)
def test_blocks_that_span_nodes_keep_blocks_of_one_node_out(policy: Policy) -> None:
    """Source: kubelet memorymanager, groups of NUMA nodes."""
    wide = pod("wide", container("main", memory=[MemoryBlock("memory", frozenset([0, 1]), 20 * GIB)]))
    found = outcome(small_node(wide), asking(cpus=1, memory=1), policy)

    assert [(Obstacle.GROUPED, "memory")] == obstacles(found)
    assert (("default", "wide"),) == found.freeing


def test_a_block_that_would_span_is_refused_beside_blocks_of_one_node() -> None:
    """The memory manager says so itself, whatever the policy: it is no matter of hints."""
    blocks = [
        pod(f"p{node}", container("main", memory=[MemoryBlock("memory", frozenset([node]), GIB)])) for node in (0, 1)
    ]
    found = outcome(small_node(*blocks), asking(cpus=1, memory=20), Policy.NONE)

    assert [(Obstacle.GROUPED, "memory")] == obstacles(found)
    assert found.rejection
    assert "UnexpectedAdmissionError" == found.rejection.reason
    assert () == found.freeing


def test_the_container_that_is_refused_is_named() -> None:
    """In scope container each container is judged after those before it got theirs."""
    ask = Ask((spec("one", devices={GPU: 3}), spec("two", devices={GPU: 2})), is_guaranteed=False)
    found = outcome(small_node(), ask, Policy.BEST_EFFORT)

    assert [("two", Obstacle.HELD)] == [(each.container, each.obstacle) for each in found.hurdles]
    assert found.hurdles[0].room
    assert (2, 1) == (found.hurdles[0].room.asked, found.hurdles[0].room.free)


def test_scope_pod_wants_one_node_for_all_containers() -> None:
    ask = Ask((spec("one", devices={GPU: 2}), spec("two", devices={GPU: 2})), is_guaranteed=False)
    snapshot = small_node()
    apart = fit(snapshot, ask, Policy.SINGLE_NUMA_NODE, Scope.CONTAINER)
    together = fit(snapshot, ask, Policy.SINGLE_NUMA_NODE, Scope.POD)

    assert (Fits.YES, Fits.NO) == (apart.fits, together.fits)
    assert [("one", frozenset([0])), ("two", frozenset([1]))] == [
        (place.container, place.numa_nodes) for place in apart.outcomes[0].places
    ]
    assert [(Obstacle.TOO_WIDE, GPU)] == obstacles(together.outcomes[0])
    assert [""] == [each.container for each in together.outcomes[0].hurdles]
    assert {Caveat.SCOPE, *ALWAYS} == caveats(apart) == caveats(together)


def test_what_init_containers_held_counts_as_free_for_those_after_them() -> None:
    """So that what is in the way is the third GPU, which the sidecar has, and not the init container's two."""
    ask = Ask(
        (
            spec("init", devices={GPU: 2}, kind=ContainerKind.INIT),
            spec("side", devices={GPU: 3}, kind=ContainerKind.SIDECAR),
            spec("main", devices={GPU: 2}),
        ),
        is_guaranteed=False,
    )
    (hurdle,) = outcome(small_node(), ask, Policy.NONE).hurdles

    assert hurdle.room
    assert ("main", Obstacle.HELD, 1) == (hurdle.container, hurdle.obstacle, hurdle.room.free)


def test_devices_on_a_node_that_does_not_exist_are_near_nothing() -> None:
    """Source: kubelet devicemanager, unknown node ids; restricted and single-numa-node find no hint for them."""
    answer = fit(small_node(devices=(device(NIC, "n0", 7),)), asking(nic=1))

    assert dict(zip(Policy, [Fits.YES, Fits.YES, Fits.NO, Fits.NO], strict=True)) == verdicts(answer)
    assert "1 intel.com/nic requested and 1 free, but near no NUMA node of this machine" == reason(answer.outcomes[-1])


def test_a_kubelet_before_1_23_is_not_trusted_with_nodes() -> None:
    snapshot = small_node(pod("a", container("main", GPUS[0])))
    assert snapshot.allocation
    view = snapshot.allocation.pods[0]
    unsupported = replace(view, containers=(replace(view.containers[0], alignment=Alignment(Verdict.UNSUPPORTED)),))
    old = replace(snapshot, allocation=replace(snapshot.allocation, pods=(unsupported,)))

    assert Caveat.LEGACY in caveats(fit(old, asking(gpu=1)))


def test_cpus_of_an_ended_init_container_pass_on() -> None:
    """The pod needs the most of both at a time, not the sum."""
    ask = Ask((spec("init", 7, GIB, kind=ContainerKind.INIT), spec("main", 6, GIB)), is_guaranteed=True)
    answer = fit(small_node(), ask, Policy.SINGLE_NUMA_NODE)

    assert Fits.YES == answer.fits
    assert 7 == answer.rooms[0].asked


def test_a_pod_can_be_taken_for_gone() -> None:
    held = pod("a", container("main", *GPUS))
    snapshot = small_node(held)

    assert Fits.NO == fit(snapshot, asking(gpu=1)).fits
    assert Fits.YES == fit(snapshot, asking(gpu=1), without=("default", "a")).fits


def test_a_pod_taken_for_gone_is_not_named_as_holder() -> None:
    snapshot = small_node(pod("a", container("main", *GPUS[:2])), pod("b", container("main", *GPUS[2:])))
    found = fit(snapshot, asking(gpu=3), Policy.NONE, without=("default", "a")).outcomes[0]

    assert ["b"] == [each.name for each in found.holders]


def test_a_held_device_that_is_not_reported_stays_out_even_when_its_holder_goes() -> None:
    """Unhealthy, or its plugin is gone."""
    held = pod("a", container("main", GPUS[0]))
    snapshot = small_node(held, devices=GPUS[1:2])
    answer = fit(snapshot, asking(gpu=2))

    assert Fits.NO == answer.fits
    assert () == answer.outcomes[0].freeing
    assert Caveat.UNALLOCATABLE in caveats(answer)


def test_devices_without_a_node_fit_anywhere() -> None:
    nics = tuple(device(NIC, f"n{index}") for index in range(2))
    answer = fit(small_node(devices=(*GPUS, *nics)), asking(gpu=1, nic=2))
    alone = fit(small_node(devices=nics), asking(nic=2))

    assert (Fits.YES, Fits.YES) == (answer.fits, alone.fits)
    assert {Caveat.UNPLACED, *ALWAYS} == caveats(answer)
    assert [2] == [room.unplaced for room in alone.rooms]
    assert alone.fitting_nodes is None


def test_a_device_near_two_nodes_serves_either() -> None:
    wide = device(NIC, "n0", 0, 1)
    answer = fit(small_node(pod("a", container("main", *GPUS[:2])), devices=(*GPUS, wide)), asking(gpu=1, nic=1))

    assert Fits.YES == answer.fits
    assert frozenset([1]) == answer.outcomes[-1].numa_nodes


def test_without_static_cpu_manager_cpus_are_no_constraint() -> None:
    answer = fit(small_node(cpus=frozenset()), asking(cpus=100, memory=1))

    assert Fits.YES == answer.fits
    assert ["memory"] == [room.resource for room in answer.rooms]
    assert Caveat.CPUS_NOT_STATIC in caveats(answer)


def test_without_memory_manager_memory_is_no_constraint() -> None:
    answer = fit(small_node(memory=()), asking(cpus=1, memory=100))

    assert Fits.YES == answer.fits
    assert Caveat.MEMORY_NOT_MANAGED in caveats(answer)


def test_cpus_without_memory_make_no_guaranteed_pod() -> None:
    answer = fit(small_node(), asking(cpus=100))

    assert Fits.YES == answer.fits
    assert () == answer.rooms
    assert any(note.text.endswith("request memory as well to get them.") for note in answer.notes)


def test_a_burstable_pod_that_states_memory_is_not_told_to_state_it() -> None:
    ask = Ask((spec("main", 2, GIB),), is_guaranteed=False)

    (note,) = [each for each in fit(small_node(), ask).notes if each.caveat is Caveat.MEMORY_NOT_GIVEN]

    assert note.text.endswith("no memory blocks.")


def test_a_fraction_of_a_cpu_is_shared() -> None:
    answer = fit(small_node(), ask_for(cpu_millicores=2500, memory_bytes=GIB))

    assert ["memory"] == [room.resource for room in answer.rooms]
    assert Caveat.CPUS_SHARED in caveats(answer)


@pytest.mark.parametrize(
    ("part", "caveat"),
    [(Part("pods", stale=True, held=False), Caveat.STALE), (Part("pods", stale=True, held=True), Caveat.HELD_BACK)],
)
def test_an_old_snapshot_says_so(part: Part, caveat: Caveat) -> None:
    assert caveat in caveats(fit(replace(small_node(), parts=(part,)), asking(gpu=1)))


def test_without_an_allocation_nothing_is_known() -> None:
    answer = fit(Snapshot("n1", None), asking(gpu=1))

    assert (Fits.UNKNOWN, ()) == (answer.fits, answer.rooms)
    assert Caveat.NO_ALLOCATION in caveats(answer)


@pytest.mark.parametrize("ask", [asking(gpu=1), asking(cpus=1, memory=1), ask_for(cpu_millicores=100, memory_bytes=1)])
def test_without_allocatable_resources_what_is_free_is_unknown(ask: Ask) -> None:
    """1.20, or the gate is off."""
    snapshot = small_node()
    assert snapshot.allocation
    stock = tuple(replace(row, reported=None) for row in snapshot.allocation.devices)
    cpus = CpuStock(None, frozenset())
    answer = fit(replace(snapshot, allocation=replace(snapshot.allocation, devices=stock, cpus=cpus, memory=())), ask)

    assert (Fits.UNKNOWN, ()) == (answer.fits, answer.rooms)
    assert {Caveat.NO_ALLOCATABLE, *ALWAYS} == caveats(answer) - {Caveat.CPUS_SHARED}


def test_without_topology_only_policy_none_can_be_judged_for_cpus() -> None:
    snapshot = small_node(topology=None)

    assert dict(zip(Policy, [Fits.YES, *[Fits.UNKNOWN] * 3], strict=True)) == verdicts(fit(snapshot, asking(2, 1)))
    assert Fits.NO == fit(snapshot, asking(15, 1), Policy.NONE).fits
    assert Fits.YES == fit(snapshot, asking(gpu=2), Policy.SINGLE_NUMA_NODE).fits
    assert Fits.NO == fit(snapshot, asking(gpu=3), Policy.SINGLE_NUMA_NODE).fits


def test_without_topology_and_anything_placed_there_is_one_node() -> None:
    snapshot = small_node(topology=None, memory=(), devices=(device(NIC, "n0"),))

    assert Fits.YES == fit(snapshot, asking(nic=1)).fits


def test_hints_over_many_nodes_are_not_judged() -> None:
    """They double with every node; the kubelet takes at most eight, too, unless told."""
    many = Topology({node: frozenset([node]) for node in range(36)})
    everywhere = tuple(MemoryBlock("memory", frozenset([node]), GIB) for node in range(36))
    plain = small_node(topology=many, memory=(), devices=(), cpus=frozenset(range(36)))
    placed = small_node(topology=many, memory=everywhere, devices=(), cpus=frozenset(range(36)))

    assert dict(zip(Policy, [Fits.YES, *[Fits.UNKNOWN] * 3], strict=True)) == verdicts(fit(plain, asking(2, 1)))
    assert Fits.UNKNOWN == fit(placed, asking(2, 1)).fits
    assert Caveat.TOO_MANY_NODES in caveats(fit(placed, asking(2, 1)))


MANY = Topology({0: parse_cpuset("0-7"), 1: parse_cpuset("8-15"), **{node: frozenset() for node in range(2, 34)}})
"""Two nodes with CPUs, and 32 that are memory of GPUs."""


@pytest.mark.parametrize(
    ("ask", "fits"),
    [
        pytest.param(asking(gpu=5), [Fits.NO] * 4, id="more devices than there are"),
        pytest.param(asking(gpu=4), [Fits.NO] * 4, id="more than are free"),
        pytest.param(asking(15, 1), [Fits.NO] * 4, id="more CPUs than there are"),
        pytest.param(asking(1, 40), [Fits.NO] * 4, id="more memory than there is"),
        pytest.param(asking(2, 1, gpu=1), [Fits.YES] * 4, id="two nodes have all of it"),
        pytest.param(asking(gpu=3), [*[Fits.YES] * 3, Fits.NO], id="hints over two nodes"),
    ],
)
def test_what_counts_decide_and_what_lies_on_few_nodes_is_judged_on_a_machine_of_many(
    ask: Ask, fits: list[Fits]
) -> None:
    """34 NUMA nodes, as a GB200 has them; its CPUs, devices and memory lie on two."""
    node = small_node(pod("a", container("main", GPUS[0])), topology=MANY)

    assert dict(zip(Policy, fits, strict=True)) == verdicts(fit(node, ask))


def test_a_pod_with_its_own_resources_is_not_judged_by_them() -> None:
    ask = Ask((spec("main", 4, GIB, {GPU: 1}),), is_guaranteed=False, has_pod_resources=True)

    answer = fit(small_node(), ask)

    assert [GPU] == [room.resource for room in answer.rooms]
    assert Caveat.POD_RESOURCES in caveats(answer)


def test_claims_are_not_judged() -> None:
    ask = Ask((replace(spec(), claims=(("gpus", ""),)),), is_guaranteed=False)

    assert Caveat.CLAIMS in caveats(fit(small_node(), ask))


def test_the_snapshot_is_left_as_it_was() -> None:
    snapshot, twin = demo(), demo()

    fit(snapshot, asking(cpus=4, memory=1, gpu=2))

    assert twin == snapshot


@pytest.mark.parametrize("release", ["kubelet-1.36", "kubelet-1.27"])
def test_a_recorded_node_has_no_room_for_a_whole_core_of_its_second_node(release: str) -> None:
    """
    Reserved 0 and 4, held 2-3 and 5 (1.36: and 6): two CPUs are left nowhere together but on 1.27's node 1, and there
    an init container of the pod with 5 has left one taken, which nobody lists.
    """
    ask, idle = ask_for(cpu_millicores=2000, memory_bytes=1 << 20), KubeletOptions(capacities={"cpu": (8000, 8000)})
    answer = fit(recorded(release), ask, options=idle)
    unsure = [Fits.YES, Fits.YES, Fits.UNKNOWN, Fits.UNKNOWN]
    expected = {"kubelet-1.36": [Fits.YES, Fits.YES, Fits.NO, Fits.NO], "kubelet-1.27": unsure}[release]

    assert dict(zip(Policy, expected, strict=True)) == verdicts(answer)
    assert (release == "kubelet-1.27") == (Caveat.UNLISTED in caveats(answer))


def test_nothing_hides_cpus_where_no_init_container_asks_for_any() -> None:
    held = pod("a", container("main", cpus="1-2"))

    assert Caveat.INIT_CPUS in caveats(fit(small_node(held), asking(1, 1)))
    assert Caveat.INIT_CPUS not in caveats(fit(small_node(held, metadata=known()), asking(1, 1)))


@pytest.mark.parametrize("release", ["kubelet-1.27", "kubelet-1.36"])
def test_devices_that_state_a_node_which_is_none_fit_no_aligning_policy(release: str) -> None:
    """Measured on 1.36.3: TopologyAffinityError under restricted and single-numa-node, for no hint can be met."""
    answer = fit(recorded(release), ask_for(devices={"example.com/minus1": 1}))

    assert dict(zip(Policy, [Fits.YES, Fits.YES, Fits.NO, Fits.NO], strict=True)) == verdicts(answer)
    assert "near no NUMA node of this machine" in reason(answer.outcomes[-1])


def test_a_device_on_no_node_keeps_the_others_of_its_kind_from_counting_it() -> None:
    """Of two on node 0 and one that states -1, two are near a node: three need more than any node has."""
    near = tuple(device(NIC, f"n{number}", 0) for number in range(2))
    node = small_node(devices=(*near, device(NIC, "odd")))
    assert node.allocation
    stocks = tuple(
        replace(stock, off_node=frozenset({"odd"})) if not stock.numa_nodes else stock
        for stock in node.allocation.devices
    )
    node = replace(node, allocation=replace(node.allocation, devices=stocks))

    assert [Fits.YES] * 4 == list(verdicts(fit(node, asking(nic=2))).values())
    assert [Fits.YES, Fits.YES, Fits.NO, Fits.NO] == list(verdicts(fit(node, asking(nic=3))).values())


@pytest.mark.parametrize(
    ("reported", "held", "fits"),
    [
        pytest.param((), (), Fits.UNKNOWN, id="nothing is known of it"),
        pytest.param((), (device(NIC, "n0"),), Fits.UNKNOWN, id="one is held that is not reported"),
        pytest.param((device(NIC, "n1", 0),), (device(NIC, "n0"),), Fits.UNKNOWN, id="some have an empty topology"),
        pytest.param((device(NIC, "n1"),), (device(NIC, "n0"),), Fits.NO, id="none states a node: one is sick"),
        pytest.param((device(NIC, "n1", 0),), (device(NIC, "n0", 0),), Fits.NO, id="one that has a node is sick"),
        pytest.param((device(NIC, "n1", 0),), (), Fits.NO, id="two are more than there are"),
    ],
)
def test_what_the_kubelet_may_have_left_out_is_no_firm_no(
    reported: tuple[Device, ...], held: tuple[Device, ...], fits: Fits
) -> None:
    """Devices with an empty topology are in no report, and are given out all the same."""
    node = small_node(*(pod(f"p{each.device_id}", container("main", each)) for each in held), devices=reported)
    answer = fit(node, asking(nic=2))

    assert fits == answer.fits
    assert all(bool(each.hurdles) for each in answer.outcomes)
