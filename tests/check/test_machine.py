"""Findings on the machine: CPUs in sysfs, and the kubelet's CPU and memory managers."""

import pytest
from builders import allocatable, block, container, gpu, listing, pod
from check_rig import found, healthy, unconnected

from podres_exporter.check import Verdict
from podres_exporter.check.evidence import DeviceManager, FileKind, Look
from podres_exporter.errors import Reason, TopologyError


def test_numa_nodes_and_cpus_are_counted() -> None:
    one = found(healthy(), "node.numa")

    assert "2 NUMA nodes, 8 CPUs online (0-7)" == one.seen
    assert {"numa_nodes": 2, "cpus": 8} == one.facts


def test_an_unreadable_sysfs_is_a_warning() -> None:
    """Allocation is still exported, without NUMA nodes of CPUs."""
    evidence = healthy(topology=TopologyError(Reason.UNAVAILABLE, "no NUMA node below /sys"))
    one = found(evidence, "node.numa")

    assert (Verdict.WARNING, "no NUMA node below /sys") == (one.verdict, one.seen)
    assert "--topology.sysfs" in one.remedy
    assert Verdict.SKIPPED is found(evidence, "node.cpus").verdict


def test_all_cpus_of_the_kubelet_are_known_to_the_kernel() -> None:
    assert "all 7 CPUs that the kubelet names are online" == found(healthy(), "node.cpus").seen


@pytest.mark.parametrize(("offered", "held"), [("1-9", ""), ("1-7", "8-9")], ids=["allocatable", "held"])
def test_cpus_that_the_kernel_does_not_know_are_named(offered: str, held: str) -> None:
    """Offline, or the /sys of another machine."""
    pods = listing(pod("a", container(cpus=held)))
    one = found(healthy(allocatable=allocatable(cpus=offered), looks=(Look(pods),)), "node.cpus")

    assert Verdict.WARNING is one.verdict
    assert "2 CPUs that are not online: 8-9" in one.seen
    assert "8-9" == one.facts["unknown"]


def test_a_kubelet_without_static_cpus_names_none() -> None:
    evidence = healthy(allocatable=allocatable(gpu("0", 0)), looks=(Look(listing(pod("a"))),))

    assert "the kubelet names none" == found(evidence, "node.cpus").seen
    assert "policy none" in found(evidence, "node.cpu-manager").seen
    assert {"static": False} == found(evidence, "node.cpu-manager").facts


def test_a_static_cpu_manager_is_told_by_its_allocatable_cpus() -> None:
    one = found(healthy(), "node.cpu-manager")

    assert "policy static: 7 CPUs allocatable (1-7), 2 held exclusively" == one.seen
    assert {"static": True, "allocatable": "1-7", "exclusive": 2} == one.facts


def test_a_static_cpu_manager_is_told_without_the_list_too() -> None:
    assert "0 held exclusively" in found(healthy(looks=(Look(None),)), "node.cpu-manager").seen


def test_a_static_memory_manager_is_told_by_its_allocatable_memory() -> None:
    """Huge pages are reported beside the memory, and not added to it."""
    memory = [block(1024, 0), block(1024, 1), block(64, 1, memory_type="hugepages-2Mi")]
    one = found(healthy(allocatable=allocatable(memory=memory)), "node.memory-manager")

    assert "policy Static: 2 GiB of memory allocatable on 2 NUMA nodes" == one.seen
    assert {"static": True, "allocatable_bytes": 2 << 30, "numa_nodes": 2} == one.facts


def test_no_allocatable_memory_is_policy_none() -> None:
    assert "policy None" in found(healthy(), "node.memory-manager").seen


def test_managers_cannot_be_told_without_get_allocatable_resources() -> None:
    evidence = unconnected()

    assert {Verdict.SKIPPED} == {found(evidence, f"node.{name}").verdict for name in ("cpu-manager", "memory-manager")}
    assert "kubelet.list" in found(evidence, "node.cpus").seen


@pytest.mark.parametrize(
    ("manager", "verdict", "said"),
    [
        (DeviceManager("/d/kubelet.sock", FileKind.SOCKET), Verdict.OK, "running: /d/kubelet.sock exists"),
        (DeviceManager("/d/kubelet.sock", FileKind.MISSING), Verdict.WARNING, "no device plugin can register"),
        (
            DeviceManager("/d/kubelet.sock", FileKind.MISSING, sees_directory=False),
            Verdict.SKIPPED,
            "is not visible from here",
        ),
        (DeviceManager("/d/kubelet.sock", FileKind.HIDDEN), Verdict.SKIPPED, "is not visible from here"),
        (None, Verdict.SKIPPED, "not examined"),
    ],
)
def test_the_device_manager_is_seen_by_its_own_socket(
    manager: DeviceManager | None, verdict: Verdict, said: str
) -> None:
    """It and the pod-resources API are two things; a pod of ours usually sees the second one only."""
    one = found(healthy(device_manager=manager), "node.device-manager")

    assert verdict is one.verdict
    assert said in one.seen
    assert ("systemctl restart kubelet" in one.remedy) == (verdict is Verdict.WARNING)
