"""The state of the node's managers, reconstructed from the kubelet's answers."""

from asking_rig import GIB, GPU, GPUS, NIC, recorded, small_node
from builders import container, device, pod

from podres_exporter.admission import MemoryTable, PluginDevice
from podres_exporter.cpuset import format_cpuset
from podres_exporter.fit.node import node_now
from podres_exporter.model import MemoryBlock


def test_what_is_held_is_taken_and_what_is_not_reported_is_unhealthy() -> None:
    gone = device(NIC, "n0", 1)
    snapshot = small_node(pod("a", container("main", GPUS[0], gone, cpus="1-2"), namespace="ml"))
    assert snapshot.allocation

    now = node_now(snapshot.allocation, [GPU, "x.y/z"])

    assert {("ml/a", "main"): frozenset([GPUS[0], gone])} == now.managers.devices.held
    assert (PluginDevice("n0", frozenset([1]), healthy=False),) == now.offers[NIC]
    assert () == now.offers["x.y/z"]
    assert [True] * 4 == [each.healthy for each in now.offers[GPU]]
    assert now.managers.cpus
    assert ("3-7,9-15", "0,8") == (
        format_cpuset(now.managers.cpus.available),
        format_cpuset(now.managers.cpus.reserved),
    )


def test_a_block_that_spans_takes_what_blocks_of_one_node_leave() -> None:
    blocks = [MemoryBlock("memory", frozenset([0, 1]), 20 * GIB), MemoryBlock("memory", frozenset([0]), 4 * GIB)]
    snapshot = small_node(*(pod(f"p{index}", container("main", memory=[each])) for index, each in enumerate(blocks)))
    assert snapshot.allocation

    memory = node_now(snapshot.allocation).managers.memory

    assert memory
    assert [MemoryTable(16 * GIB, 16 * GIB), MemoryTable(16 * GIB, 8 * GIB)] == [
        memory.machine[node].tables["memory"] for node in (0, 1)
    ]


def test_memory_without_a_stated_node_is_on_no_node() -> None:
    """No kubelet is known to send such a block; a broken one is no reason to fail."""
    snapshot = small_node(pod("a", container("main", memory=[MemoryBlock("memory", frozenset(), GIB)])))
    assert snapshot.allocation

    memory = node_now(snapshot.allocation).managers.memory

    assert memory
    assert {} == memory.held


def test_a_block_on_a_node_that_reports_nothing_is_kept() -> None:
    snapshot = small_node(pod("a", container("main", memory=[MemoryBlock("hugepages-2Mi", frozenset([5]), GIB)])))
    assert snapshot.allocation

    memory = node_now(snapshot.allocation).managers.memory

    assert memory
    assert MemoryTable(0) == memory.machine[5].tables["hugepages-2Mi"]


def test_managers_that_report_nothing_are_not_there() -> None:
    snapshot = small_node(cpus=frozenset(), memory=())
    assert snapshot.allocation

    managers = node_now(snapshot.allocation).managers

    assert (None, None) == (managers.cpus, managers.memory)


def test_a_recorded_node_has_what_its_state_files_say() -> None:
    """1.36: CPU 7 is an ended init container's, which the kubelet's list does not show."""
    snapshot = recorded("kubelet-1.36")
    assert snapshot.allocation

    managers = node_now(snapshot.allocation).managers

    assert managers.cpus
    assert "1,7" == format_cpuset(managers.cpus.available)
