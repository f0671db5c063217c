"""The topology of a scenario's machine, and what its kubelet can allocate."""

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import Core, MemoryBlock
from podres_exporter.scenario import KubeletSettings, NumaNode, Release
from podres_exporter.scenario.machine import allocatable_cpus, allocatable_memory, topology_of


def test_hardware_threads_of_a_core_are_half_a_list_apart() -> None:
    """x86 kernels number the first threads of all cores before the second ones: 0-1,4-5 pairs 0 with 4."""
    topology = topology_of((NumaNode(0, parse_cpuset("0-1,4-5"), 0, threads_per_core=2, socket=3),))

    assert {0: Core(0, 3), 4: Core(0, 3), 1: Core(1, 3), 5: Core(1, 3)} == topology.core_by_cpu


def test_cores_of_two_nodes_in_one_socket_have_different_numbers() -> None:
    """core_id is unique within a physical package only (Linux sysfs-devices-system-cpu)."""
    nodes = (NumaNode(0, parse_cpuset("0-1"), 0, socket=0), NumaNode(1, parse_cpuset("2-3"), 0, socket=0))

    assert [0, 1, 2, 3] == [core.core for core in topology_of(nodes).core_by_cpu.values()]


def test_reserved_cpus_are_not_allocatable() -> None:
    """Allocatable CPUs are online minus reserved (cpumanager policy_static.go GetAllocatableCPUs)."""
    settings = KubeletSettings(Release(36), reserved_cpus=parse_cpuset("0"))

    assert parse_cpuset("1-3") == allocatable_cpus(settings, (NumaNode(0, parse_cpuset("0-3"), 0),))


def test_without_the_static_policies_nothing_is_allocatable() -> None:
    """Policies none and None report empty lists (policy_none.go of both managers)."""
    settings = KubeletSettings(Release(36), static_cpus=False, static_memory=False)
    numa = (NumaNode(0, parse_cpuset("0-3"), 4096),)

    assert frozenset() == allocatable_cpus(settings, numa)
    assert () == allocatable_memory(settings, numa)


def test_allocatable_memory_is_what_reservation_and_huge_pages_leave() -> None:
    """4 GiB - 100 MiB reserved - 128 MiB of huge pages, as recorded from kubelet 1.36; sizes of zero have no row."""
    settings = KubeletSettings(Release(36), reserved_memory_bytes={0: 104857600})
    numa = (NumaNode(0, parse_cpuset("0-3"), 4294967296, {"2Mi": 134217728, "1Gi": 0}), NumaNode(1, frozenset(), 0))
    here = frozenset({0})

    blocks = allocatable_memory(settings, numa)

    assert (MemoryBlock("hugepages-2Mi", here, 134217728), MemoryBlock("memory", here, 4055891968)) == blocks
