"""Metrics of exclusive CPUs and the shared pool."""

from pages import sample_lines, wanted
from snapshots import TWO_NODES, holding, one_container, stocked

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.model import Container, Core, Pod, Topology

NODE_CPUS = ("podres_node_allocatable_cpus", "podres_node_exclusive_cpus", "podres_node_shared_pool_cpus")


def container(cpus: str, name: str = "c") -> Container:
    return Container(name, exclusive_cpus=parse_cpuset(cpus))


def test_exclusive_cpus_are_counted_by_numa_node() -> None:
    """The API gives no node for a CPU; the kernel's cpulist does."""
    actual = sample_lines(one_container(container("2-5"), topology=TWO_NODES), "podres_container_exclusive_cpus")

    assert (
        wanted(
            """
            podres_container_exclusive_cpus{namespace="ml",pod="a",container="c",numa_node="0"} 2
            podres_container_exclusive_cpus{namespace="ml",pod="a",container="c",numa_node="1"} 2
            """
        )
        == actual
    )


def test_without_a_topology_no_node_is_stated() -> None:
    """An unreadable /sys must not hide who holds how many CPUs."""
    actual = sample_lines(one_container(container("2-5")), "podres_container_exclusive_cpus")

    assert '\npodres_container_exclusive_cpus{namespace="ml",pod="a",container="c",numa_node=""} 4\n' == actual


def test_a_cpu_that_no_node_lists_is_counted_without_a_node() -> None:
    """A CPU that went offline since leaves the kernel's list but not the kubelet's answer."""
    actual = sample_lines(one_container(container("3,99"), topology=TWO_NODES), "podres_container_exclusive_cpus")

    assert (
        wanted(
            """
            podres_container_exclusive_cpus{namespace="ml",pod="a",container="c",numa_node=""} 1
            podres_container_exclusive_cpus{namespace="ml",pod="a",container="c",numa_node="0"} 1
            """
        )
        == actual
    )


def test_a_container_in_the_shared_pool_has_no_cpu_series() -> None:
    """Its list of exclusive CPUs is empty from 1.23 on."""
    families = ("podres_container_exclusive_cpus", "podres_container_cpuset_info", "podres_cpu_info")

    actual = sample_lines(one_container(Container("c"), topology=TWO_NODES), *families, "podres_pod_exclusive_cpus")

    assert actual == "\n"


def test_the_cpuset_is_written_as_the_kernel_writes_it() -> None:
    """cpuset(7), "List format"."""
    actual = sample_lines(one_container(container("66-69,2-5,8")), "podres_container_cpuset_info")

    assert '\npodres_container_cpuset_info{namespace="ml",pod="a",container="c",cpus="2-5,8,66-69"} 1\n' == actual


def test_a_pod_counts_each_cpu_once() -> None:
    """1.36 repeats a pod's shared CPUs on its containers, 1.37 adds a pod-level list: unite."""
    pod = Pod("ml", "a", (container("2-3", "one"), container("2-3", "two")), exclusive_cpus=parse_cpuset("2-4"))

    actual = sample_lines(holding(pod, topology=TWO_NODES), "podres_pod_exclusive_cpus")

    assert (
        wanted(
            """
            podres_pod_exclusive_cpus{namespace="ml",pod="a",numa_node="0"} 2
            podres_pod_exclusive_cpus{namespace="ml",pod="a",numa_node="1"} 1
            """
        )
        == actual
    )


def test_cpu_infos_say_where_each_cpu_sits() -> None:
    """What the kernel does not say is empty: it writes -1 itself on some machines (sysfs-devices-system-cpu)."""
    topology = Topology(TWO_NODES.cpus_by_node, {2: Core(7, 0), 4: Core(-1, -1)})

    actual = sample_lines(one_container(container("2-4,99"), topology=topology), "podres_cpu_info")

    identity = 'podres_cpu_info{namespace="ml",pod="a",container="c"'
    assert (
        "\n"
        f'{identity},cpu="99",numa_node="",core="",socket="",l3_cache=""}} 1\n'
        f'{identity},cpu="2",numa_node="0",core="7",socket="0",l3_cache=""}} 1\n'
        f'{identity},cpu="3",numa_node="0",core="",socket="",l3_cache=""}} 1\n'
        f'{identity},cpu="4",numa_node="1",core="",socket="",l3_cache=""}} 1\n'
    ) == actual


def test_cpu_infos_do_without_a_topology() -> None:
    """The join on `cpu` works without /sys too."""
    actual = sample_lines(one_container(container("2")), "podres_cpu_info")

    identity = 'namespace="ml",pod="a",container="c",cpu="2",numa_node="",core="",socket="",l3_cache=""'
    assert f"\npodres_cpu_info{{{identity}}} 1\n" == actual


def node(allocatable: str | None, exclusive: str, topology: Topology | None = TWO_NODES) -> str:
    """Return the lines of the node's CPUs."""
    cpus: CpuSet | None = None if allocatable is None else parse_cpuset(allocatable)
    snapshot = stocked(allocatable=cpus, exclusive=parse_cpuset(exclusive), topology=topology)
    return sample_lines(snapshot, *NODE_CPUS, "podres_node_cpuset_info")


def test_the_pools_are_split_by_node_and_a_node_with_none_left_says_zero() -> None:
    """Shared pool = allocatable minus exclusive; zero is an answer that an alert may wait for."""
    assert wanted(
        """
            podres_node_allocatable_cpus{numa_node="0"} 3
            podres_node_allocatable_cpus{numa_node="1"} 3
            podres_node_exclusive_cpus{numa_node="0"} 3
            podres_node_exclusive_cpus{numa_node="1"} 0
            podres_node_shared_pool_cpus{numa_node="0"} 0
            podres_node_shared_pool_cpus{numa_node="1"} 3
            podres_node_cpuset_info{pool="allocatable",cpus="1-3,5-7"} 1
            podres_node_cpuset_info{pool="exclusive",cpus="1-3"} 1
            podres_node_cpuset_info{pool="shared",cpus="5-7"} 1
            """
    ) == node("1-3,5-7", "1-3")


def test_an_empty_pool_is_an_empty_list() -> None:
    """Nothing exclusive yet, or nothing left: the pool is there and has no CPUs."""
    assert 'podres_node_cpuset_info{pool="exclusive",cpus=""} 1\n' in node("1-3", "")
    assert 'podres_node_cpuset_info{pool="shared",cpus=""} 1\n' in node("1-3", "1-3")


def test_without_a_static_policy_the_node_has_no_cpu_series() -> None:
    """With policy none the kubelet reports no allocatable CPUs at all; zeros would read as "full"."""
    assert node("", "") == "\n"


def test_a_kubelet_that_cannot_be_asked_shows_what_is_held_and_no_pool() -> None:
    """1.20 has no GetAllocatableResources, so it is unknown what is free."""
    assert wanted(
        """
            podres_node_exclusive_cpus{numa_node="0"} 2
            podres_node_exclusive_cpus{numa_node="1"} 0
            podres_node_cpuset_info{pool="exclusive",cpus="2-3"} 1
            """
    ) == node(None, "2-3")


def test_the_pools_do_without_a_topology() -> None:
    """One row without a node each, zero included."""
    assert wanted(
        """
            podres_node_allocatable_cpus{numa_node=""} 2
            podres_node_exclusive_cpus{numa_node=""} 2
            podres_node_shared_pool_cpus{numa_node=""} 0
            podres_node_cpuset_info{pool="allocatable",cpus="2-3"} 1
            podres_node_cpuset_info{pool="exclusive",cpus="2-3"} 1
            podres_node_cpuset_info{pool="shared",cpus=""} 1
            """
    ) == node("2-3", "2-3", topology=None)


def test_a_node_of_memory_only_has_no_cpu_series() -> None:
    """It can never have a CPU, so zero would be noise."""
    topology = Topology({0: frozenset(range(4)), 2: frozenset()})

    actual = node("1-3", "1", topology)

    assert 'podres_node_exclusive_cpus{numa_node="0"} 1\n' in actual
    assert 'numa_node="2"' not in actual
