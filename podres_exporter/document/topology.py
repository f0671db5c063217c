"""The kernel's topology: CPUs by NUMA node, and cores with their CPUs."""

from collections import defaultdict

from podres_exporter.cpuset import format_cpuset
from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated
from podres_exporter.model import Core, Topology

_NOT_STATED = -1


def write_topology(topology: Topology) -> Fields:
    """Return the topology, everything ascending."""
    cpus_by_core: defaultdict[Core, list[int]] = defaultdict(list)
    for cpu, core in topology.core_by_cpu.items():
        cpus_by_core[core].append(cpu)
    return {
        "nodes": [{"node": node, "cpus": format_cpuset(cpus)} for node, cpus in sorted(topology.cpus_by_node.items())],
        "cores": [
            stated({"socket": _number(core.socket), "core": _number(core.core), "cpus": format_cpuset(cpus)})
            for core, cpus in sorted(cpus_by_core.items(), key=lambda row: (row[0].socket, row[0].core))
        ],
    }


def read_topology(reader: Reader) -> Topology:
    """Return the topology that `write_topology` wrote."""
    cores = {
        cpu: Core(row.count("core", _NOT_STATED), row.count("socket", _NOT_STATED))
        for row in reader.each("cores")
        for cpu in row.cpus("cpus")
    }
    return Topology({row.count("node"): row.cpus("cpus") for row in reader.each("nodes")}, cores)


def _number(number: int) -> int | None:
    """Return the number of a core or socket; None where the kernel states none."""
    return number if number >= 0 else None
