"""NUMA alignment: whether one node serves a container, or could have."""

import pytest
from builders import GPU, MIB, NIC, TWO_NODES, allocatable, block, container, device, gpu

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join.numa import Capacity, container_alignment, node_capacity
from podres_exporter.model import Alignment, Constraint, Container, CpuStock, Device, DeviceStock, Topology, Verdict

ROOMY = Capacity(
    cpus={0: 4, 1: 4},
    memory_bytes={("memory", 0): 4096 * MIB, ("memory", 1): 4096 * MIB},
    devices={(GPU, 0): 4, (GPU, 1): 4, (NIC, 0): 1, (NIC, 1): 1},
)
"""Each of two nodes could serve any container of these tests, unless it says otherwise."""

NODE_0, NODE_1, BOTH = frozenset([0]), frozenset([1]), frozenset([0, 1])
NOWHERE: frozenset[int] = frozenset()


def nic(device_id: str, *numa_nodes: int) -> Device:
    return device(NIC, device_id, *numa_nodes)


@pytest.mark.parametrize(
    ("held", "verdict", "numa_nodes"),
    [
        pytest.param(container(), Verdict.NOT_APPLICABLE, NOWHERE, id="holds nothing"),
        pytest.param(container(cpus="0-3"), Verdict.ALIGNED, NODE_0, id="CPUs of one node"),
        pytest.param(container(cpus="4"), Verdict.ALIGNED, NODE_1, id="one CPU of node 1"),
        pytest.param(container(cpus="3-4"), Verdict.MISALIGNED, BOTH, id="CPUs of two nodes that fit on one"),
        pytest.param(container(cpus="0-4"), Verdict.SPANS, BOTH, id="more CPUs than one node has"),
        pytest.param(container(memory=[block(64, 1)]), Verdict.ALIGNED, NODE_1, id="memory of one node"),
        pytest.param(
            container(memory=[block(64, 0), block(2, 1, memory_type="hugepages-2Mi")]),
            Verdict.SPANS,
            BOTH,
            id="memory and huge pages apart, and no node has huge pages enough",
        ),
        pytest.param(
            container(cpus="1", memory=[block(64, 1)]), Verdict.MISALIGNED, BOTH, id="memory far from the CPUs"
        ),
        pytest.param(
            container(cpus="1", memory=[block(5120, 1)]),
            Verdict.SPANS,
            BOTH,
            id="memory far from the CPUs, more than one node has",
        ),
        pytest.param(container("c", gpu("0", 1)), Verdict.ALIGNED, NODE_1, id="a device alone sits well"),
        pytest.param(container("c", gpu("0", 0), cpus="1"), Verdict.ALIGNED, NODE_0, id="device near the CPUs"),
        pytest.param(container("c", gpu("0", 1), cpus="1"), Verdict.MISALIGNED, BOTH, id="device far from the CPUs"),
        pytest.param(
            container("c", gpu("0", 0, 1), cpus="5"),
            Verdict.ALIGNED,
            NODE_1,
            id="a device on two nodes is near to either (mask.AnySet)",
        ),
        pytest.param(
            container("c", gpu("0", 0), gpu("1", 0, 1)),
            Verdict.ALIGNED,
            NODE_0,
            id="devices with a node in common, no CPUs",
        ),
        pytest.param(
            container("c", gpu("0", 0, 1)), Verdict.ALIGNED, NODE_0, id="a device on two nodes alone splits nothing"
        ),
        pytest.param(
            container("c", gpu("0", 0), gpu("1", 1)),
            Verdict.MISALIGNED,
            BOTH,
            id="devices without a node in common that one node has",
        ),
        pytest.param(
            container("c", nic("0", 0), nic("1", 1)),
            Verdict.SPANS,
            BOTH,
            id="two devices of a resource of which each node has one",
        ),
        pytest.param(
            container("c", device("example.com/rare", "0", 1), cpus="1"),
            Verdict.SPANS,
            BOTH,
            id="a resource of which no node has any (plugin gone)",
        ),
        pytest.param(
            container(memory=[block(5120, 0, 1)]), Verdict.SPANS, BOTH, id="a block that no node could hold alone"
        ),
        pytest.param(
            container(memory=[block(64, 0, 1)]),
            Verdict.SPANS,
            BOTH,
            id="a small block that joined a group of nodes (measured on 1.36.3)",
        ),
        pytest.param(
            container("c", gpu("0", 1), cpus="4-5", memory=[block(64, 0, 1)]),
            Verdict.SPANS,
            BOTH,
            id="a small block that joined a group, all else on one node of it",
        ),
        pytest.param(
            container(cpus="3-4", memory=[block(64, 0, 1)]),
            Verdict.MISALIGNED,
            BOTH,
            id="a small block that joined a group does not excuse split CPUs",
        ),
        pytest.param(container("c", gpu("0")), Verdict.UNKNOWN, NOWHERE, id="only a device that states no node"),
        pytest.param(
            container("c", gpu("0", 7)), Verdict.UNKNOWN, NOWHERE, id="only a device on a node that the machine lacks"
        ),
        pytest.param(
            container("c", gpu("0"), cpus="1"), Verdict.ALIGNED, NODE_0, id="a device that states no node is left out"
        ),
        pytest.param(
            container("c", gpu("0", 1, 7), cpus="5"),
            Verdict.ALIGNED,
            NODE_1,
            id="of a device's nodes those count that the machine has",
        ),
        pytest.param(container(cpus="9"), Verdict.UNKNOWN, NOWHERE, id="only a CPU that no node lists"),
        pytest.param(container(cpus="1,9"), Verdict.UNKNOWN, NODE_0, id="a CPU that no node lists may be anywhere"),
        pytest.param(
            container("c", gpu("0", 0), cpus="1,40-42"), Verdict.UNKNOWN, NODE_0, id="one CPU of four has a known place"
        ),
        pytest.param(container(cpus="1,5,9"), Verdict.MISALIGNED, BOTH, id="two nodes stay two, whatever is not known"),
        pytest.param(
            container(memory=[block(64)]), Verdict.NOT_APPLICABLE, NOWHERE, id="only memory that states no node"
        ),
    ],
)
def test_a_container_is_judged_by_what_it_holds(held: Container, verdict: Verdict, numa_nodes: frozenset[int]) -> None:
    """CPUs and memory need all their nodes, a device any of its; SPANS where no node could have served it."""
    alignment = container_alignment(held, TWO_NODES, ROOMY)

    assert (verdict, numa_nodes) == (alignment.verdict, alignment.numa_nodes)


@pytest.mark.parametrize("near_node", [0, 1, 2])
def test_a_joined_memory_group_excuses_a_device_that_is_near_to_one_of_its_nodes(near_node: int) -> None:
    """
    Only the block keeps the container from one node, for the device is near to a node of the group (mask.AnySet).

    It must not matter how the kernel numbers the nodes.
    """
    three = Topology({node: frozenset([node]) for node in range(3)})
    roomy = Capacity({0: 1, 1: 1, 2: 1}, {("memory", n): 64 * MIB for n in range(3)}, {(GPU, n): 1 for n in range(3)})
    outside, inside = {0, 1, 2} - {near_node}
    held = container("c", gpu("0", outside, near_node), memory=[block(1, near_node, inside)])

    assert Verdict.SPANS == container_alignment(held, three, roomy).verdict


def test_a_memory_group_away_from_everything_else_is_no_excuse() -> None:
    """The group does not contain the node of the CPUs, and one node could have served all."""
    three = Topology({node: frozenset([node]) for node in range(3)})
    roomy = Capacity({0: 1, 1: 1, 2: 1}, {("memory", n): 64 * MIB for n in range(3)}, {})
    held = container(cpus="0", memory=[block(1, 1, 2)])

    alignment = container_alignment(held, three, roomy)

    assert (Verdict.MISALIGNED, frozenset([0, 1, 2])) == (alignment.verdict, alignment.numa_nodes)


def test_the_nodes_are_the_fewest_that_serve_the_container() -> None:
    """Of several devices the node that most of them share comes first, then the lowest."""
    four = Topology({node: frozenset([node]) for node in range(4)})
    held = container("c", gpu("0", 0, 3), gpu("1", 1, 3), gpu("2", 2))

    assert {2, 3} == container_alignment(held, four, None).numa_nodes


def test_nodes_that_cpus_need_serve_the_devices_too() -> None:
    """No node is added for a device that is near to one which the CPUs need anyway."""
    held = container("c", gpu("0", 0, 1), cpus="5", memory=[block(1, 1)])

    assert NODE_1 == container_alignment(held, TWO_NODES, ROOMY).numa_nodes


def test_every_verdict_gives_its_reasons() -> None:
    """Constraints by resource and nodes, sorted, with their counts; what has no known place is counted apart."""
    held = container(
        "c",
        gpu("0", 0),
        gpu("1", 0),
        gpu("2", 1),
        gpu("3"),
        nic("0", 1, 7),
        nic("1", 7),
        cpus="2-4,9-11",
        memory=[block(1, 0, 1), block(2, 0, 1), block(4, 0), block(8)],
    )

    assert Alignment(
        Verdict.MISALIGNED,
        BOTH,
        (
            Constraint("cpu", NODE_0, 2, every=True),
            Constraint("cpu", NODE_1, 1, every=True),
            Constraint(NIC, NODE_1, 1, every=False),
            Constraint("memory", NODE_0, 1, every=True),
            Constraint("memory", BOTH, 2, every=True),
            Constraint(GPU, NODE_0, 2, every=False),
            Constraint(GPU, NODE_1, 1, every=False),
        ),
        unplaced=5,
    ) == container_alignment(held, TWO_NODES, None)


@pytest.mark.parametrize(
    ("held", "verdict", "unplaced"),
    [
        pytest.param(container(), Verdict.NOT_APPLICABLE, 0, id="holds nothing"),
        pytest.param(container(cpus="0-1"), Verdict.UNKNOWN, 2, id="CPUs"),
        pytest.param(container("c", gpu("0", 0), cpus="0-1"), Verdict.UNKNOWN, 2, id="CPUs and a device"),
        pytest.param(container("c", gpu("0", 0), gpu("1", 0, 1)), Verdict.UNKNOWN, 0, id="devices of one node"),
        pytest.param(container("c", gpu("0", 7)), Verdict.UNKNOWN, 0, id="a device whose node cannot be checked"),
        pytest.param(container("c", gpu("0")), Verdict.UNKNOWN, 1, id="a device that states no node"),
        pytest.param(container("c", gpu("0", 0), gpu("1", 1)), Verdict.UNKNOWN, 0, id="devices of two nodes"),
        pytest.param(container(memory=[block(1, 0)]), Verdict.UNKNOWN, 0, id="memory"),
    ],
)
def test_without_topology_nothing_is_judged(held: Container, verdict: Verdict, unplaced: int) -> None:
    """Which nodes the machine has is not known then; a container is not at fault for that, nor is it aligned."""
    alignment = container_alignment(held, None, None)

    assert (verdict, unplaced) == (alignment.verdict, alignment.unplaced)


def test_a_verdict_without_locality_names_no_nodes_but_keeps_its_reasons() -> None:
    """CPUs without topology leave the verdict open; what is known is still shown."""
    assert Alignment(
        Verdict.UNKNOWN, NOWHERE, (Constraint(GPU, NODE_0, 1, every=False),), unplaced=2
    ) == container_alignment(container("c", gpu("0", 0), cpus="0-1"), None, None)


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(container(cpus="0-4"), id="more CPUs than one node has"),
        pytest.param(container("c", nic("0", 0), nic("1", 1)), id="more devices than one node has"),
        pytest.param(container(cpus="1", memory=[block(5120, 1)]), id="more memory than one node has"),
    ],
)
def test_without_capacity_what_one_node_does_not_serve_is_misaligned(held: Container) -> None:
    """1.20 cannot be asked what is allocatable; nothing then tells a large request from a bad placement."""
    assert Verdict.MISALIGNED == container_alignment(held, TWO_NODES, None).verdict


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        pytest.param(container(), Verdict.NOT_APPLICABLE, id="holds nothing"),
        pytest.param(container(cpus="0"), Verdict.UNSUPPORTED, id="CPUs"),
        pytest.param(container("c", gpu("0", 0)), Verdict.UNSUPPORTED, id="a device, perhaps wrongly on node 0"),
        pytest.param(container("c", gpu("0")), Verdict.UNSUPPORTED, id="a device that states no node"),
    ],
)
def test_kubelets_1_20_to_1_22_cannot_be_judged(held: Container, verdict: Verdict) -> None:
    """They report unknown locality as node 0 (kubernetes #103289, fixed in 1.23)."""
    assert verdict == container_alignment(held, TWO_NODES, ROOMY, legacy=True).verdict


def test_an_unsupported_verdict_keeps_its_reasons_and_names_no_nodes() -> None:
    """What the kubelet said is shown, what follows from it is not."""
    assert Alignment(
        Verdict.UNSUPPORTED, NOWHERE, (Constraint(GPU, NODE_0, 1, every=False),), unplaced=1
    ) == container_alignment(container("c", gpu("0", 0), gpu("1")), TWO_NODES, ROOMY, legacy=True)


def test_capacity_counts_what_is_used_and_what_is_free() -> None:
    """The question is whether a node could have served a container, not whether it still could."""
    stock = [
        DeviceStock(GPU, NODE_0, frozenset({"0", "1"}), frozenset({"1", "2"})),
        DeviceStock(GPU, BOTH, frozenset({"3"}), frozenset()),
        DeviceStock(GPU, NOWHERE, frozenset({"4"}), frozenset()),
        DeviceStock(NIC, NODE_1, None, frozenset({"0"})),
    ]
    memory = [block(64, 0), block(32, 1), block(2, 1, memory_type="hugepages-2Mi")]

    capacity = node_capacity(
        allocatable(memory=memory), CpuStock(parse_cpuset("1-5"), parse_cpuset("1-2")), stock, TWO_NODES
    )

    assert (
        Capacity(
            cpus={0: 3, 1: 2},
            memory_bytes={("memory", 0): 64 * MIB, ("memory", 1): 32 * MIB, ("hugepages-2Mi", 1): 2 * MIB},
            devices={(GPU, 0): 4, (GPU, 1): 1, (NIC, 1): 1},
        )
        == capacity
    )


def test_what_is_held_counts_where_nothing_is_reported() -> None:
    """A kubelet without allocatable CPUs still shows what it granted."""
    capacity = node_capacity(allocatable(), CpuStock(None, parse_cpuset("1-2,4")), [], TWO_NODES)

    assert {0: 2, 1: 1} == capacity.cpus


def test_a_node_without_cpus_serves_containers_that_hold_none() -> None:
    """Nodes of memory or devices only exist; the topology lists them with no CPU."""
    machine = Topology({0: parse_cpuset("0-3"), 1: frozenset()})
    capacity = Capacity({0: 4, 1: 0}, {}, {(GPU, 1): 2})

    assert Verdict.SPANS == container_alignment(container("c", gpu("0", 1), cpus="0"), machine, capacity).verdict
    assert Verdict.ALIGNED == container_alignment(container("c", gpu("0", 1)), machine, capacity).verdict
