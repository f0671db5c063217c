"""Invariants of the join, over random nodes."""

from dataclasses import replace

from builders import GPU, MIB, NIC, TWO_NODES, container, device, listing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join import Joiner, pod_memory
from podres_exporter.join.numa import Capacity, container_alignment
from podres_exporter.model import Allocatable, Container, Device, Listing, MemoryBlock, Pod, Topology, Verdict

law = settings(deadline=None)
"""Speed is measured elsewhere; a busy machine breaks no law."""

THREE_NODES = Topology({0: parse_cpuset("0-2"), 1: parse_cpuset("3-5"), 2: parse_cpuset("6-8")})

node_sets = st.frozensets(st.sampled_from([0, 1, 2, 7]), max_size=3)
cpu_sets = st.frozensets(st.integers(0, 9), max_size=4)
devices = st.builds(Device, st.sampled_from([GPU, NIC]), st.sampled_from("012"), node_sets)
device_sets = st.lists(devices, max_size=3, unique_by=lambda device: (device.resource, device.device_id))
blocks = st.builds(
    MemoryBlock,
    st.sampled_from(["memory", "hugepages-2Mi"]),
    st.frozensets(st.integers(0, 2), min_size=1, max_size=2),
    st.integers(1, 3).map(lambda size: size * MIB),
)
block_lists = st.lists(blocks, max_size=2)
containers = st.builds(Container, st.just("main"), device_sets.map(tuple), cpu_sets, block_lists.map(tuple))
pods = st.builds(
    lambda name, holders, cpus, memory: Pod(
        "default",
        name,
        tuple(replace(holder, name=f"c{number}") for number, holder in enumerate(holders)),
        cpus,
        tuple(memory),
    ),
    st.sampled_from("abc"),
    st.lists(containers, max_size=2),
    cpu_sets,
    block_lists,
)
listings = st.lists(pods, max_size=3, unique_by=lambda pod: pod.key).map(
    lambda found: listing(*sorted(found, key=lambda pod: pod.key))
)
reports = st.builds(Allocatable, device_sets.map(tuple), cpu_sets, block_lists.map(tuple))
maybe_topologies = st.sampled_from([None, TWO_NODES, THREE_NODES])
numbers = st.integers(0, 4)
capacities = st.builds(
    lambda cpus, memory, counts: Capacity(
        dict(enumerate(cpus)),
        {(kind, node): size * MIB for (kind, node), size in memory.items()},
        counts,
    ),
    st.tuples(numbers, numbers, numbers),
    st.dictionaries(st.tuples(st.sampled_from(["memory", "hugepages-2Mi"]), st.integers(0, 2)), numbers),
    st.dictionaries(st.tuples(st.sampled_from([GPU, NIC]), st.integers(0, 2)), numbers),
)
maybe_capacities = st.none() | capacities


@law
@given(listings, reports, maybe_topologies)
def test_the_shared_pool_and_the_exclusive_cpus_partition_what_is_allocatable(
    answer: Listing, report: Allocatable, topology: Topology | None
) -> None:
    """Every allocatable CPU is in exactly one of them, and no CPU that is held or reported is lost."""
    cpus = Joiner().join(answer, report, topology).cpus
    held = frozenset[int]().union(*(pod.all_exclusive_cpus() for pod in answer.pods))

    assert cpus.shared_pool is not None
    assert cpus.allocatable == cpus.shared_pool | cpus.exclusive
    assert cpus.shared_pool.isdisjoint(cpus.exclusive)
    assert (held, held | report.cpus) == (cpus.exclusive, cpus.allocatable)


@law
@given(listings, reports)
def test_allocatable_devices_are_those_held_and_those_free(answer: Listing, report: Allocatable) -> None:
    """By ids, so that free is never negative and no device is counted twice (kubelet quirks B1, B10 and B11)."""
    for row in Joiner().join(answer, report, None).devices:
        assert row.allocatable is not None
        assert row.free is not None
        assert row.unallocatable_held is not None
        assert len(row.allocatable) == len(row.held) + len(row.free)
        assert row.allocatable == row.held | row.free
        assert row.free.isdisjoint(row.held | row.unallocatable_held)
        assert row.unallocatable_held <= row.held


@law
@given(listings, reports)
def test_every_device_stands_in_exactly_one_row(answer: Listing, report: Allocatable) -> None:
    """However the two answers place it; rows are sorted and none is empty."""
    rows = Joiner().join(answer, report, None).devices
    held = {(d.resource, d.device_id) for pod in answer.pods for c in pod.containers for d in c.devices}
    reported = {(d.resource, d.device_id) for d in report.devices}

    everywhere = [(row.resource, name) for row in rows for name in row.allocatable or ()]
    assert sorted(held | reported) == sorted(everywhere)
    assert held == {(row.resource, name) for row in rows for name in row.held}
    assert reported == {(row.resource, name) for row in rows for name in row.reported or ()}
    keys = [(row.resource, sorted(row.numa_nodes)) for row in rows]
    assert sorted(keys) == keys
    assert all(row.allocatable for row in rows)


@law
@given(listings)
def test_what_is_unknown_without_a_report_stays_unknown(answer: Listing) -> None:
    """Where the kubelet cannot be asked there is no number, least of all 0."""
    allocation = Joiner().join(answer, None, TWO_NODES)

    assert (None, None) == (allocation.cpus.allocatable, allocation.cpus.shared_pool)
    assert {None} >= {row.reported for row in allocation.devices}
    assert {None} >= {row.reported_bytes for row in allocation.memory}


@law
@given(listings, reports)
def test_no_byte_of_memory_is_lost_or_counted_twice(answer: Listing, report: Allocatable) -> None:
    """Rows by type and nodes add up to the blocks of the pods and of the report."""
    rows = Joiner().join(answer, report, None).memory

    assert sum(block.size_bytes for pod in answer.pods for block in pod_memory(pod)) == sum(
        row.held_bytes for row in rows
    )
    assert sum(block.size_bytes for block in report.memory) == sum(row.reported_bytes or 0 for row in rows)
    keys = [(row.memory_type, sorted(row.numa_nodes)) for row in rows]
    assert sorted(keys) == keys
    assert len({(row.memory_type, row.numa_nodes) for row in rows}) == len(rows)


def serving_nodes(held: Container, topology: Topology) -> list[int]:
    """Return the nodes that alone serve everything with locality; all of them where nothing has any."""
    near = [known for device in held.devices if (known := device.numa_nodes & topology.nodes)]
    return [
        node
        for node in sorted(topology.nodes)
        if held.exclusive_cpus & topology.online <= topology.cpus_by_node[node]
        and all(block.numa_nodes == {node} for block in held.memory)
        and all(node in nodes for nodes in near)
    ]


@law
@given(containers, maybe_capacities)
def test_a_container_is_aligned_where_one_node_serves_it(held: Container, capacity: Capacity | None) -> None:
    """Node by node: all CPUs, each with a place, the whole node set of each block, any node of a device."""
    alignment = container_alignment(held, THREE_NODES, capacity)

    if alignment.constraints:
        serving = serving_nodes(held, THREE_NODES)
        is_known = held.exclusive_cpus <= THREE_NODES.online
        assert bool(serving) is (alignment.verdict is (Verdict.ALIGNED if is_known else Verdict.UNKNOWN))
        assert not serving or alignment.numa_nodes <= set(serving)
    else:
        assert alignment.verdict in {Verdict.UNKNOWN, Verdict.NOT_APPLICABLE}


@law
@given(containers, maybe_capacities)
def test_the_nodes_of_a_verdict_serve_the_container(held: Container, capacity: Capacity | None) -> None:
    """They contain all nodes of CPUs and memory and at least one of each device."""
    alignment = container_alignment(held, THREE_NODES, capacity)

    for constraint in alignment.constraints:
        if constraint.every:
            assert constraint.numa_nodes <= alignment.numa_nodes
        else:
            assert not constraint.numa_nodes.isdisjoint(alignment.numa_nodes)


@law
@given(containers, devices, st.sampled_from([TWO_NODES, THREE_NODES, None]), maybe_capacities)
def test_one_device_more_never_aligns_a_container(
    held: Container, more: Device, topology: Topology | None, capacity: Capacity | None
) -> None:
    """What one node does not serve, it does not serve with a device more."""
    capacity = capacity if topology is THREE_NODES else None
    before = container_alignment(held, topology, capacity).verdict
    after = container_alignment(replace(held, devices=(*held.devices, more)), topology, capacity).verdict

    assert after is not Verdict.ALIGNED or before not in {Verdict.MISALIGNED, Verdict.SPANS}


@law
@given(containers, maybe_capacities, st.permutations(range(3)))
@example(
    held=container("c", device(GPU, "0", 0, 1), memory=[MemoryBlock("memory", frozenset([1, 2]), MIB)]),
    capacity=None,
    order=[2, 1, 0],
)
def test_the_numbers_of_the_nodes_do_not_matter(held: Container, capacity: Capacity | None, order: list[int]) -> None:
    """The kernel numbers NUMA nodes as it finds them; a verdict is about what is together."""
    number = dict(enumerate(order)) | {7: 7}
    moved = replace(
        held,
        devices=tuple(replace(d, numa_nodes=frozenset(number[n] for n in d.numa_nodes)) for d in held.devices),
        memory=tuple(replace(b, numa_nodes=frozenset(number[n] for n in b.numa_nodes)) for b in held.memory),
    )
    topology = Topology({number[node]: cpus for node, cpus in THREE_NODES.cpus_by_node.items()})
    if capacity is not None:
        moved_capacity = Capacity(
            {number[node]: count for node, count in capacity.cpus.items()},
            {(kind, number[node]): size for (kind, node), size in capacity.memory_bytes.items()},
            {(resource, number[node]): count for (resource, node), count in capacity.devices.items()},
        )
    else:
        moved_capacity = None

    assert (
        container_alignment(held, THREE_NODES, capacity).verdict
        is container_alignment(moved, topology, moved_capacity).verdict
    )


@law
@given(
    st.lists(listings, min_size=1, max_size=2),
    st.lists(st.none() | reports, min_size=1, max_size=2),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), maybe_topologies, st.booleans()), max_size=6),
)
def test_a_joiner_that_remembers_says_what_a_fresh_one_says(
    answers: list[Listing],
    known: list[Allocatable | None],
    sequence: list[tuple[int, int, Topology | None, bool]],
) -> None:
    """What is remembered only saves work, whatever was joined before."""
    joiner = Joiner()
    for answer_index, report_index, topology, legacy in sequence:
        answer, report = answers[answer_index % len(answers)], known[report_index % len(known)]

        assert Joiner().join(answer, report, topology, legacy=legacy) == joiner.join(
            answer, report, topology, legacy=legacy
        )
