"""Total, held and free amounts of each resource."""

import pytest
from builders import GPU, MIB, NIC, allocatable, block, container, device, gpu, pod

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join.stock import cpu_stock, device_stock, memory_stock, pod_memory
from podres_exporter.model import Allocatable, CpuStock, DeviceStock, MemoryStock, Pod

NOWHERE: frozenset[int] = frozenset()
NODE_0, NODE_1, BOTH = frozenset([0]), frozenset([1]), frozenset([0, 1])


def ids(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_free_devices_are_those_reported_and_not_held() -> None:
    """By sets of ids: an unhealthy device that is held would make a difference of counts wrong (measured on 1.36.3)."""
    pods = [pod("p", container("main", gpu("held", 0), gpu("unhealthy", 0)))]

    (stock,) = device_stock(pods, allocatable(gpu("held", 0), gpu("spare", 0)))

    assert DeviceStock(GPU, NODE_0, ids("held", "spare"), ids("held", "unhealthy")) == stock
    assert ids("spare") == stock.free
    assert ids("unhealthy") == stock.unallocatable_held
    assert ids("held", "spare", "unhealthy") == stock.allocatable


def test_what_is_held_is_allocatable_though_the_plugin_is_gone() -> None:
    """A plugin that stops takes all its devices out of the report while List keeps them (measured on 1.36.3)."""
    (stock,) = device_stock([pod("p", container("main", gpu("0", 0)))], allocatable())

    assert (ids("0"), ids(), ids("0")) == (stock.allocatable, stock.free, stock.unallocatable_held)


def test_a_device_with_an_empty_topology_is_held_though_it_is_never_reported() -> None:
    """`topology.nodes` present but empty: missing in the report, nil topology in List (measured on 1.36.3, 1.27.16)."""
    pods = [pod("p", container("main", gpu("E-0"), gpu("GPU-0", 0)))]

    assert (
        DeviceStock(GPU, NOWHERE, ids(), ids("E-0")),
        DeviceStock(GPU, NODE_0, ids("GPU-0", "GPU-1"), ids("GPU-0")),
    ) == device_stock(pods, allocatable(gpu("GPU-0", 0), gpu("GPU-1", 0)))


def test_without_a_report_only_what_is_held_is_known() -> None:
    """A kubelet of 1.20, or one with the RPC switched off, cannot be asked: unknown is not none."""
    (stock,) = device_stock([pod("p", container("main", gpu("0", 0)))], None)

    assert DeviceStock(GPU, NODE_0, None, ids("0")) == stock
    assert (None, None, None) == (stock.allocatable, stock.free, stock.unallocatable_held)


@pytest.mark.parametrize(
    ("reported", "held", "expected"),
    [
        pytest.param((1,), (0,), NODE_1, id="the report is live, a grant's nodes were frozen with it"),
        pytest.param((), (0,), NODE_0, id="a report that states no node leaves those of the grant"),
        pytest.param((1,), (), NODE_1, id="a grant that states no node"),
        pytest.param((), (), NOWHERE, id="neither states a node"),
        pytest.param((0, 1), (0,), BOTH, id="a report of two nodes"),
    ],
)
def test_a_device_sits_where_the_report_says(
    reported: tuple[int, ...], held: tuple[int, ...], expected: frozenset[int]
) -> None:
    """List shows the nodes of the checkpoint, GetAllocatableResources those of now (measured on 1.36.3)."""
    pods = [pod("p", container("main", gpu("0", *held)))]

    assert (DeviceStock(GPU, expected, ids("0"), ids("0")),) == device_stock(pods, allocatable(gpu("0", *reported)))


def test_devices_are_grouped_by_resource_and_nodes_and_sorted() -> None:
    """A device on two nodes is one device, in a group of its own; an id is unique within its resource only."""
    pods = [pod("a", container("main", gpu("0", 0, 1))), pod("b", container("main", device(NIC, "0", 1)))]
    reported = allocatable(gpu("2", 1), gpu("1", 0, 1), gpu("3"), gpu("4", 0), device(NIC, "1", 1))

    assert (
        DeviceStock(NIC, NODE_1, ids("1"), ids("0")),
        DeviceStock(GPU, NOWHERE, ids("3"), ids()),
        DeviceStock(GPU, NODE_0, ids("4"), ids()),
        DeviceStock(GPU, BOTH, ids("1"), ids("0")),
        DeviceStock(GPU, NODE_1, ids("2"), ids()),
    ) == device_stock(pods, reported)


def test_a_device_that_two_pods_hold_is_one_device() -> None:
    """A finished pod may still wear a device that its successor has got (1.22 to 1.31)."""
    pods = [pod(name, container("main", gpu("0", 0))) for name in ("finished", "heir")]

    (stock,) = device_stock(pods, allocatable(gpu("0", 0)))

    assert (ids("0"), ids("0"), ids()) == (stock.allocatable, stock.held, stock.free)


def test_no_devices_are_no_rows() -> None:
    """A node without device plugins has no stock of them."""
    assert () == device_stock([pod("p", container())], allocatable())


def test_the_shared_pool_is_what_nobody_holds_exclusively() -> None:
    """Allocatable minus the union of all exclusive sets; the kubelet's reserved CPUs are in neither."""
    stock = cpu_stock([pod("a", container(cpus="2-3")), pod("b", container(cpus="5"))], allocatable(cpus="1-3,5-7"))

    assert CpuStock(parse_cpuset("1-3,5-7"), parse_cpuset("2-3,5")) == stock
    assert parse_cpuset("1,6-7") == stock.shared_pool


def test_cpus_that_are_held_count_as_allocatable_though_they_are_not_reported() -> None:
    """Before the patches of November 2022 CPUs that were held at kubelet start were missing (kubernetes #112913)."""
    stock = cpu_stock([pod("p", container(cpus="2-3"))], allocatable(cpus="1,5"))

    assert parse_cpuset("1-3,5") == stock.allocatable
    assert parse_cpuset("1,5") == stock.shared_pool


def test_without_a_report_the_shared_pool_is_unknown() -> None:
    """Unknown is not empty."""
    stock = cpu_stock([pod("p", container(cpus="2"))], None)

    assert CpuStock(None, parse_cpuset("2")) == stock
    assert stock.shared_pool is None


def test_pod_level_cpus_leave_the_pool_once() -> None:
    """1.37 lists the pod's CPUs beside its containers', overlapping by design (KEP-5526): united, never added."""
    stock = cpu_stock([pod("p", container("a", cpus="2"), container("b"), cpus="2-4")], allocatable(cpus="1-5"))

    assert (parse_cpuset("2-4"), parse_cpuset("1,5")) == (stock.exclusive, stock.shared_pool)


def sharing_pod() -> Pod:
    """Return the pod of the measurement: one container with its own CPU and memory, two that share the rest."""
    return pod(
        "p",
        container("excl", cpus="1", memory=[block(64, 0)]),
        container("sh1", cpus="2-3", memory=[block(192, 0)]),
        container("sh2", cpus="2-3", memory=[block(192, 0)]),
    )


def test_five_cpus_and_448_mib_of_a_pod_that_shares_are_three_and_256() -> None:
    """1.36 repeats the pod's CPUs and its block on every container that shares (measured, PodLevelResourceManagers)."""
    held = sharing_pod().containers

    assert (5, 448) == (
        sum(len(c.exclusive_cpus) for c in held),
        sum(row.size_bytes for c in held for row in c.memory) // MIB,
    )
    assert 3 == len(cpu_stock([sharing_pod()], None).exclusive)
    assert 256 * MIB == sum(row.held_bytes for row in memory_stock([sharing_pod()], None))


@pytest.mark.parametrize(
    ("holder", "expected_mib"),
    [
        pytest.param(pod("p", container(memory=[block(64, 0)])), [64], id="one block"),
        pytest.param(pod("p", container()), [], id="no block"),
        pytest.param(
            pod("p", container("a", memory=[block(64, 0)]), container("b", memory=[block(64, 0)])),
            [64, 64],
            id="equal blocks of containers without exclusive CPUs are two (gu2 of the recordings)",
        ),
        pytest.param(
            pod("p", container("a", cpus="1", memory=[block(64, 0)]), container("b", cpus="2", memory=[block(64, 0)])),
            [64, 64],
            id="equal blocks of containers with CPUs of their own are two",
        ),
        pytest.param(
            pod(
                "p",
                container("a", cpus="1-2", memory=[block(64, 0)]),
                container("b", cpus="1-2", memory=[block(32, 0)]),
            ),
            [64, 32],
            id="blocks that differ are two, though the CPUs are shared",
        ),
        pytest.param(
            pod(
                "p",
                container("a", cpus="1-2", memory=[block(64, 0)]),
                container("b", cpus="1-2", memory=[block(64, 1)]),
            ),
            [64, 64],
            id="blocks of different nodes are two",
        ),
        pytest.param(sharing_pod(), [64, 192], id="1.36 repeats the block of the containers that share"),
        pytest.param(
            pod("p", container("a", memory=[block(64, 0)]), container("b"), memory=[block(256, 0)]),
            [256],
            id="1.37 lists the pod's block beside its containers'",
        ),
        pytest.param(
            pod("p", container("a", memory=[block(2, 0, memory_type="hugepages-2Mi")]), memory=[block(256, 0)]),
            [256, 2],
            id="the pod's list is the whole of the types that it names",
        ),
        pytest.param(
            pod("p", container("a", cpus="1", memory=[block(64, 0), block(64, 0)])),
            [64, 64],
            id="equal blocks of one container are two: an heir united with a pod of its name",
        ),
    ],
)
def test_each_block_of_a_pod_counts_once(holder: Pod, expected_mib: list[int]) -> None:
    """Lists overlap in two ways: the pod's over its containers' (1.37), and those of sharing containers (1.36)."""
    assert expected_mib == [row.size_bytes // MIB for row in pod_memory(holder)]


def test_memory_is_added_by_type_and_nodes() -> None:
    """A block over two nodes is a row of its own with its total size, added to neither node (measured on 1.36.3)."""
    pods = [
        pod("a", container(memory=[block(64, 0), block(5120, 0, 1)])),
        pod("b", container(memory=[block(64, 0), block(2, 1, memory_type="hugepages-2Mi")])),
    ]
    reported = allocatable(memory=[block(3868, 0), block(2844, 1), block(128, 1, memory_type="hugepages-2Mi")])

    assert (
        MemoryStock("hugepages-2Mi", NODE_1, 128 * MIB, 2 * MIB),
        MemoryStock("memory", NODE_0, 3868 * MIB, 128 * MIB),
        MemoryStock("memory", BOTH, None, 5120 * MIB),
        MemoryStock("memory", NODE_1, 2844 * MIB, 0),
    ) == memory_stock(pods, reported)


@pytest.mark.parametrize("report", [None, allocatable()], ids=["cannot be asked", "memory manager off"])
def test_memory_that_is_held_shows_without_a_report(report: Allocatable | None) -> None:
    """A finished pod's block stays in List (kubernetes #132020); nothing says how much there is."""
    pods = [pod("p", container(memory=[block(64, 0)]))]

    assert (MemoryStock("memory", NODE_0, None, 64 * MIB),) == memory_stock(pods, report)


def test_memory_that_nobody_holds_shows_with_nothing_held() -> None:
    """Free memory of a node is told only if its row is there."""
    assert (MemoryStock("memory", NODE_0, 64 * MIB, 0),) == memory_stock([], allocatable(memory=[block(64, 0)]))
