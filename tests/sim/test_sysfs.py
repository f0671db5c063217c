"""The fake /sys of the simulated node."""

from pathlib import Path

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import Core, Topology
from podres_exporter.sim import write_sysfs


def test_sysfs_says_what_the_topology_says(tmp_path: Path) -> None:
    """Documentation/ABI: sysfs-devices-node and sysfs-devices-system-cpu; each file is one line."""
    cores = {cpu: Core(core=cpu % 2, socket=cpu // 4) for cpu in range(4)}
    topology = Topology({0: parse_cpuset("0,2"), 1: parse_cpuset("1,3"), 2: frozenset()}, cores)

    write_sysfs(tmp_path, topology)

    system = tmp_path / "devices/system"
    files = {str(path.relative_to(system)): path.read_text() for path in system.rglob("*") if path.is_file()}
    per_cpu = {
        f"cpu/cpu{cpu}/topology/{name}": f"{value}\n"
        for cpu, core in cores.items()
        for name, value in (("core_id", core.core), ("physical_package_id", core.socket))
    }
    nodes = {"node/online": "0-2\n", "node/node0/cpulist": "0,2\n", "node/node1/cpulist": "1,3\n"}
    assert nodes | {"node/node2/cpulist": "\n", "cpu/online": "0-3\n"} | per_cpu == files
