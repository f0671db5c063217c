"""Write a fake /sys with the machine's topology."""

from pathlib import Path

from podres_exporter.cpuset import format_cpuset
from podres_exporter.model import Topology


def write_sysfs(root: Path, topology: Topology) -> None:
    """
    Write NUMA nodes, CPUs, cores and sockets below *root*, which stands for /sys; files that exist are overwritten.

    Raises OSError where the directory cannot be written.

    Source: Linux Documentation/ABI/stable/sysfs-devices-node and sysfs-devices-system-cpu.
    """
    nodes = root / "devices/system/node"
    cpus = root / "devices/system/cpu"
    _write(nodes / "online", format_cpuset(topology.nodes))
    _write(cpus / "online", format_cpuset(topology.online))
    for node, held in topology.cpus_by_node.items():
        _write(nodes / f"node{node}/cpulist", format_cpuset(held))
    for cpu, core in topology.core_by_cpu.items():
        place = cpus / f"cpu{cpu}/topology"
        _write(place / "core_id", str(core.core))
        _write(place / "physical_package_id", str(core.socket))


def _write(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{line}\n", encoding="ascii")
