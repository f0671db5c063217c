"""Topology from sysfs trees, complete and damaged."""

import errno
from collections.abc import Iterator, Mapping
from pathlib import Path, PosixPath

import pytest

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.errors import Reason, TopologyError
from podres_exporter.model import Core
from podres_exporter.sources import SysfsTopology

NODES, CPUS = "devices/system/node", "devices/system/cpu"


def write_nodes(root: Path, cpulists: Mapping[str, str]) -> None:
    for name, cpulist in cpulists.items():
        folder = root / NODES / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpulist").write_text(cpulist, encoding="ascii")


def write_core(root: Path, cpu: int, core: str | None, package: str | None) -> None:
    folder = root / CPUS / f"cpu{cpu}/topology"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("core_id", core), ("physical_package_id", package)):
        if text is not None:
            (folder / name).write_text(text, encoding="ascii")


@pytest.fixture
def two_nodes(tmp_path: Path) -> Path:
    """Return a tree as the kernel writes it, with the other entries that stand beside the nodes."""
    write_nodes(tmp_path, {"node0": "0-1,4-5\n", "node1": "2-3,6-7\n"})
    for name in ("online", "possible", "has_cpu", "has_memory"):
        (tmp_path / NODES / name).write_text("0-1\n", encoding="ascii")
    (tmp_path / NODES / "power").mkdir()
    for cpu in range(8):
        write_core(tmp_path, cpu, f"{cpu % 4}\n", f"{cpu % 4 // 2}\n")
    return tmp_path


def failure(root: Path) -> TopologyError:
    with pytest.raises(TopologyError) as caught:
        SysfsTopology(root).read()
    return caught.value


def test_cpus_are_placed_on_nodes_cores_and_sockets(two_nodes: Path) -> None:
    """Documentation/ABI/stable/sysfs-devices-node and sysfs-devices-system-cpu."""
    topology = SysfsTopology(two_nodes).read()

    assert {0: parse_cpuset("0-1,4-5"), 1: parse_cpuset("2-3,6-7")} == topology.cpus_by_node
    assert set(range(8)) == set(topology.core_by_cpu)
    assert [Core(2, 1), Core(0, 0)] == [topology.core_by_cpu[6], topology.core_by_cpu[4]]


def test_a_node_of_memory_only_is_a_node_without_cpus(tmp_path: Path) -> None:
    """CXL memory and HBM are such nodes, and memory blocks name them; their cpulist is an empty line."""
    write_nodes(tmp_path, {"node0": "0-3\n", "node1": "\n"})
    topology = SysfsTopology(tmp_path).read()

    assert frozenset() == topology.cpus_by_node[1]
    assert frozenset({0, 1}) == topology.nodes
    assert parse_cpuset("0-3") == topology.online


def test_nodes_are_ordered_by_number_and_not_by_name(tmp_path: Path) -> None:
    """As names, node10 would come before node2."""
    write_nodes(tmp_path, {f"node{number}": f"{number}\n" for number in (10, 2, 0, 1)})

    assert [0, 1, 2, 10] == list(SysfsTopology(tmp_path).read().cpus_by_node)


def test_only_entries_that_are_numbered_nodes_are_read(tmp_path: Path) -> None:
    """Other directories of the kernel's stand beside them and have no cpulist to read."""
    write_nodes(tmp_path, {"node0": "0\n", "nodes": "garbage", "node": "garbage", "node1x": "garbage", "xnode1": "?"})

    assert {0: frozenset({0})} == SysfsTopology(tmp_path).read().cpus_by_node


@pytest.mark.parametrize("core", [None, "", "-1\n", "none\n"], ids=repr)
def test_a_core_or_socket_that_the_kernel_does_not_state_is_minus_1(tmp_path: Path, core: str | None) -> None:
    """The kernel writes -1 itself on some machines; a missing file says no more, and spoils nothing else."""
    write_nodes(tmp_path, {"node0": "0-1\n"})
    write_core(tmp_path, 0, core, "1\n")
    write_core(tmp_path, 1, "3\n", core)

    assert {0: Core(-1, 1), 1: Core(3, -1)} == SysfsTopology(tmp_path).read().core_by_cpu


def test_a_machine_without_a_word_on_cores_still_has_its_nodes(tmp_path: Path) -> None:
    """Alignment needs the nodes only."""
    write_nodes(tmp_path, {"node0": "0-1\n"})

    assert {0: Core(-1, -1), 1: Core(-1, -1)} == SysfsTopology(tmp_path).read().core_by_cpu


def test_a_missing_directory_is_unavailable_and_named(tmp_path: Path) -> None:
    """A kernel without NUMA, or a wrong --topology.sysfs: the path tells which."""
    error = failure(tmp_path / "nowhere")

    assert Reason.UNAVAILABLE == error.reason
    assert f"cannot read {tmp_path}/nowhere/{NODES}: No such file or directory" == error.detail


def test_a_file_where_the_directory_should_be_is_unavailable_and_named(tmp_path: Path) -> None:
    """Any other trouble of the file system is told in its own words."""
    (tmp_path / "devices").write_text("", encoding="ascii")
    error = failure(tmp_path)

    assert Reason.UNAVAILABLE == error.reason
    assert f"cannot read {tmp_path}/{NODES}: Not a directory" == error.detail


def test_a_node_without_a_cpulist_is_unavailable_and_named(tmp_path: Path) -> None:
    """A node may be unplugged between the listing and the reading; a topology without it would be a lie."""
    write_nodes(tmp_path, {"node0": "0\n"})
    (tmp_path / NODES / "node1").mkdir()
    error = failure(tmp_path)

    assert Reason.UNAVAILABLE == error.reason
    assert f"{NODES}/node1/cpulist" in error.detail


def test_a_directory_where_a_cpulist_should_be_is_unavailable_and_named(tmp_path: Path) -> None:
    """A file that cannot be read is not an empty one."""
    (tmp_path / NODES / "node0/cpulist").mkdir(parents=True)
    error = failure(tmp_path)

    assert Reason.UNAVAILABLE == error.reason
    assert f"{NODES}/node0/cpulist: Is a directory" in error.detail


class Forbidden(PosixPath):
    """A path that may not be opened; a real one would not stop root."""

    def iterdir(self) -> Iterator[Path]:  # type: ignore[override]  # the return type differs between Python releases
        raise PermissionError(errno.EACCES, "Permission denied", str(self))


def test_a_tree_that_may_not_be_read_is_denied(tmp_path: Path) -> None:
    """Denied is told apart from unavailable, for the remedy is another one."""
    error = failure(Forbidden(tmp_path))

    assert Reason.DENIED == error.reason
    assert f"cannot read {tmp_path}/{NODES}" == error.detail


def test_a_tree_without_nodes_is_unavailable(tmp_path: Path) -> None:
    """No node at all is not a topology with no CPUs."""
    (tmp_path / NODES).mkdir(parents=True)
    error = failure(tmp_path)

    assert Reason.UNAVAILABLE == error.reason
    assert f"cannot read {tmp_path}/{CPUS}/online: No such file or directory" == error.detail


@pytest.mark.parametrize("cpulist", ["0-", "-3", "x", "3-0", "0;1", "0-1-2", "1.5"])
def test_a_cpulist_of_another_form_is_malformed(tmp_path: Path, cpulist: str) -> None:
    """The list format of cpuset(7); what is half read would place CPUs wrongly."""
    write_nodes(tmp_path, {"node0": "0\n", "node1": cpulist})
    error = failure(tmp_path)

    assert Reason.MALFORMED == error.reason
    assert f"{tmp_path}/{NODES}" in error.detail


def test_a_cpulist_of_bytes_that_are_no_text_is_malformed(tmp_path: Path) -> None:
    """No other exception than TopologyError leaves a TopologySource."""
    write_nodes(tmp_path, {"node0": "0\n"})
    (tmp_path / NODES / "node0/cpulist").write_bytes(b"\xff\xfe\n")

    assert Reason.MALFORMED == failure(tmp_path).reason


def test_an_unchanged_topology_is_the_same_record(two_nodes: Path) -> None:
    """Whoever keeps what was computed from it may compare by identity (TopologySource.read)."""
    source = SysfsTopology(two_nodes)

    assert source.read() is source.read()


def test_a_cpu_that_goes_offline_and_comes_back_is_seen(two_nodes: Path) -> None:
    """Hotplug changes the node's list; the topology is read at each poll."""
    source = SysfsTopology(two_nodes)
    before = source.read()
    write_nodes(two_nodes, {"node1": "2-3,6\n"})
    without = source.read()
    write_nodes(two_nodes, {"node1": "2-3,6-7\n"})
    again = source.read()

    assert parse_cpuset("2-3,6") == without.cpus_by_node[1]
    assert 7 not in without.core_by_cpu
    assert before == again


def test_a_node_that_is_plugged_in_is_seen(two_nodes: Path) -> None:
    """Memory and whole nodes can be added to a running machine."""
    source = SysfsTopology(two_nodes)
    source.read()
    write_nodes(two_nodes, {"node2": "8\n"})
    write_core(two_nodes, 8, "0\n", "2\n")
    after = source.read()

    assert frozenset({0, 1, 2}) == after.nodes
    assert Core(0, 2) == after.core_by_cpu[8]


def test_a_topology_that_cannot_be_read_for_a_while_comes_back(two_nodes: Path) -> None:
    """A failed read leaves nothing behind."""
    source = SysfsTopology(two_nodes)
    before = source.read()
    (two_nodes / NODES).rename(two_nodes / "away")
    with pytest.raises(TopologyError):
        source.read()
    (two_nodes / "away").rename(two_nodes / NODES)

    assert before is source.read()


def write_online(root: Path, cpus: str) -> None:
    (root / CPUS).mkdir(parents=True, exist_ok=True)
    (root / CPUS / "online").write_text(f"{cpus}\n", encoding="ascii")


def test_a_kernel_without_numa_nodes_has_one_for_each_package(tmp_path: Path) -> None:
    """As cAdvisor reckons for the kubelet, package numbers and all."""
    write_online(tmp_path, "0-3,5")
    for cpu, package in ((0, 0), (1, 0), (2, 7), (3, 7), (5, 7)):
        write_core(tmp_path, cpu, f"{cpu}", f"{package}")
    source = SysfsTopology(tmp_path)

    assert {0: frozenset({0, 1}), 7: frozenset({2, 3, 5})} == source.read().cpus_by_node
    write_online(tmp_path, "0-2")
    assert {0: frozenset({0, 1}), 7: frozenset({2})} == source.read().cpus_by_node


@pytest.mark.parametrize("package", [None, "-1"])
def test_without_packages_either_the_machine_is_one_node(tmp_path: Path, package: str | None) -> None:
    """A Raspberry Pi states no topology at all, or -1."""
    write_online(tmp_path, "0-3")
    for cpu in range(4):
        write_core(tmp_path, cpu, None, package)
    topology = SysfsTopology(tmp_path).read()

    assert {0: frozenset(range(4))} == topology.cpus_by_node
    assert Core(-1, -1) == topology.core_by_cpu[0]


def write_cache(root: Path, cpu: int, index: int, level: int, shared: str) -> None:
    folder = root / CPUS / f"cpu{cpu}/cache/index{index}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "level").write_text(f"{level}\n", encoding="ascii")
    (folder / "shared_cpu_list").write_text(f"{shared}\n", encoding="ascii")


def test_the_last_level_cache_is_known_by_its_lowest_cpu(two_nodes: Path) -> None:
    """CPUs 0 and 1 share one, 4 and 5 another of the same node; a second-level cache is no such thing."""
    for cpu, shared in ((0, "0-1"), (1, "0-1"), (4, "4-5"), (5, "4-5")):
        write_cache(two_nodes, cpu, 2, 2, str(cpu))
        write_cache(two_nodes, cpu, 3, 3, shared)
    write_cache(two_nodes, 2, 2, 2, "2-3")
    cores = SysfsTopology(two_nodes).read().core_by_cpu

    assert [0, 0, 4, 4, -1, -1] == [cores[cpu].cache for cpu in (0, 1, 4, 5, 2, 3)]
