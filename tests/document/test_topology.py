"""NUMA nodes and cores in the document."""

from msgspec import to_builtins

from podres_exporter.document.faults import read
from podres_exporter.document.topology import TopologyRecord, read_topology, write_topology
from podres_exporter.model import Core, Topology


def test_hardware_threads_stand_beside_each_other_below_their_core() -> None:
    """What a person wants to know of two CPUs is whether they share a core."""
    topology = Topology(
        {1: frozenset(), 0: frozenset(range(4))},
        {0: Core(0, 0), 2: Core(0, 0), 1: Core(0, 1), 3: Core(0, 1)},
    )

    written = to_builtins(write_topology(topology))

    assert {
        "nodes": [{"node": 0, "cpus": "0-3"}, {"node": 1, "cpus": ""}],
        "cores": [{"socket": 0, "core": 0, "cpus": "0,2"}, {"socket": 1, "core": 0, "cpus": "1,3"}],
    } == written
    assert topology == read(written, TopologyRecord, read_topology)


def test_a_number_that_the_kernel_does_not_state_is_absent() -> None:
    """It writes -1 itself on some machines, which is not a socket's number."""
    topology = Topology({0: frozenset({0, 1})}, {0: Core(3, -1), 1: Core(-1, 0)})

    written = to_builtins(write_topology(topology))

    assert [{"core": 3, "cpus": "0"}, {"socket": 0, "cpus": "1"}] == written["cores"]
    assert topology == read(written, TopologyRecord, read_topology)
