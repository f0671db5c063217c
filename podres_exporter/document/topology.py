"""Topology in the document: NUMA nodes, cores, sockets and caches."""

from collections import defaultdict
from typing import Annotated

from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.document.values import (
    Count,
    Cpus,
    Record,
    doc,
)
from podres_exporter.model import Core, Topology

_NOT_STATED = -1


class NumaNodeRecord(Record, kw_only=True):
    """A NUMA node of the machine."""

    node: Annotated[Count, doc("The kernel's number of the NUMA node.")]
    cpus: Annotated[Cpus, doc("Its CPUs as a list such as 0-3,8; empty for a memory-only node.")]


class CoreRecord(Record, kw_only=True):
    """A physical core."""

    socket: Annotated[Count | None, doc("The socket that the core is on. Absent if the kernel states none.")] = None
    core: Annotated[
        Count | None,
        doc("The number of the core, unique within a socket. Absent if the kernel states none."),
    ] = None
    l3_cache: Annotated[
        Count | None,
        doc("The lowest CPU that shares the core's last-level cache. Absent if the kernel states none."),
    ] = None
    cpus: Annotated[Cpus, doc("The core's CPUs (hardware threads).")]


class TopologyRecord(Record, kw_only=True):
    """The NUMA nodes and cores of the machine."""

    nodes: Annotated[list[NumaNodeRecord], doc("The NUMA nodes, ascending.")]
    cores: Annotated[list[CoreRecord], doc("The physical cores, by socket and number.")]


def write_topology(topology: Topology) -> TopologyRecord:
    """Return the topology's record, everything ascending."""
    cpus_by_core: defaultdict[Core, list[int]] = defaultdict(list)
    for cpu, core in topology.core_by_cpu.items():
        cpus_by_core[core].append(cpu)
    return TopologyRecord(
        nodes=[
            NumaNodeRecord(node=node, cpus=format_cpuset(cpus)) for node, cpus in sorted(topology.cpus_by_node.items())
        ],
        cores=[
            CoreRecord(
                socket=_number(core.socket),
                core=_number(core.core),
                l3_cache=_number(core.cache),
                cpus=format_cpuset(cpus),
            )
            for core, cpus in sorted(cpus_by_core.items(), key=lambda row: (row[0].socket, row[0].core, row[0].cache))
        ],
    )


def read_topology(record: TopologyRecord) -> Topology:
    """Return the topology."""
    cores = {
        cpu: Core(*(_NOT_STATED if number is None else number for number in (row.core, row.socket, row.l3_cache)))
        for row in record.cores
        for cpu in parse_cpuset(row.cpus)
    }
    return Topology({row.node: parse_cpuset(row.cpus) for row in record.nodes}, cores)


def _number(number: int) -> int | None:
    """Return the number of a core or socket; None if the kernel does not state it."""
    return number if number >= 0 else None
