"""The report as a whole: every finding, in order."""

import pytest
from builders import container, listing, pod
from check_rig import calls, healthy, meta, metadata, refused, silent, socket, unconnected

from podres_exporter.check import Evidence, Verdict, judge
from podres_exporter.check.evidence import ApiServer, Call, FileKind, Look, SocketFile
from podres_exporter.check.judge import joined_allocation
from podres_exporter.errors import Reason, TopologyError

IDS = [
    "config",
    *(f"socket.{name}" for name in ("file", "permission", "mount", "connect", "age")),
    *(f"kubelet.{name}" for name in ("list", "allocatable", "get", "rate-limit", "size", "items", "release")),
    *(
        f"node.{name}"
        for name in (
            "numa",
            "cpus",
            "cpu-manager",
            "memory-manager",
            "device-manager",
            "double-held",
            "two-names",
            "dual-mode",
        )
    ),
    *(
        f"api.{name}"
        for name in ("credentials", "reach", "may-list", "may-watch", "list", "node-name", "clock", "dra", "labels")
    ),
    *(f"pods.{name}" for name in ("missing", "unknown", "finished", "requests", "claims")),
]

EVERY_KIND = [
    healthy(),
    unconnected(),
    unconnected(api=None, looks=(Look(None),)),
    unconnected(api=ApiServer(problem="x; y"), looks=(Look(None),)),
    healthy(api=silent("x"), looks=(Look(listing()),)),
    healthy(calls={rpc: refused(rpc, Reason.TIMEOUT) for rpc in calls()}, looks=(Look(None),), allocatable=None),
    healthy(topology=TopologyError(Reason.DENIED, "no")),
    healthy(socket=socket(file=SocketFile(FileKind.HIDDEN), connection=None)),
    healthy(looks=(Look(listing(pod("a")), metadata(meta())),)),
]


@pytest.mark.parametrize("evidence", EVERY_KIND)
def test_every_report_has_every_finding_once_and_in_order(evidence: Evidence) -> None:
    """Programs look for ids."""
    assert IDS == [each.id for each in judge(evidence).findings]


@pytest.mark.parametrize("evidence", EVERY_KIND)
def test_a_remedy_stands_exactly_where_there_is_something_to_mend(evidence: Evidence) -> None:
    """And something was seen of everything."""
    without = {Verdict.OK, Verdict.SKIPPED}

    assert [] == [each.id for each in judge(evidence).findings if not each.seen]
    assert [] == [each.id for each in judge(evidence).findings if (each.verdict in without) == bool(each.remedy)]


def test_the_report_is_of_the_node_that_was_looked_for() -> None:
    assert "n1" == judge(healthy()).node


def test_the_shared_pool_of_an_old_kubelet_is_nobodys() -> None:
    """1.20 to 1.22 list it as if it were exclusive, as the exporter knows."""
    pods = listing(*(pod(name, container(cpus="0-7")) for name in "ab"))
    old = {"List": Call("List", 0.1, 1), "Get": refused("Get", Reason.UNIMPLEMENTED)}
    allocation = joined_allocation(healthy(calls=old, looks=(Look(pods),), allocatable=None))

    assert allocation is not None
    assert frozenset() == allocation.cpus.exclusive


def test_there_is_no_allocation_without_the_kubelets_pods() -> None:
    assert None is joined_allocation(unconnected())
