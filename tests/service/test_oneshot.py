"""One look through the poller of the daemon."""

from builders import listing, pod
from fake_clock import FakeClock

from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.model import Allocatable, Listing, Malformed, Topology
from podres_exporter.service import Sources
from podres_exporter.service.oneshot import SilentEvents, look
from podres_exporter.sources import FixedMetadata, SocketIdentity


class Kubelet:
    """A KubeletSource of a kubelet that has just started; a None fails."""

    def __init__(self, listed: Listing | None, reported: Allocatable | None) -> None:
        self._listed, self._reported = listed, reported
        self.closed = False

    def identity(self) -> SocketIdentity | None:
        return SocketIdentity(1, 1, 1_700_000_000 * 10**9)

    def list(self) -> Listing:
        if self._listed is None:
            raise KubeletError("List", Reason.TIMEOUT, "slow")
        return self._listed

    def allocatable(self) -> Allocatable:
        if self._reported is None:
            raise KubeletError("GetAllocatableResources", Reason.INTERNAL, "on fire")
        return self._reported

    def get(self, namespace: str, name: str) -> Listing:
        raise KubeletError("Get", Reason.UNIMPLEMENTED, f"{namespace}/{name}")

    def close(self) -> None:
        self.closed = True


class Machine:
    """A TopologySource."""

    def __init__(self, topology: Topology | None) -> None:
        self._topology = topology

    def read(self) -> Topology:
        if self._topology is None:
            raise TopologyError(Reason.DENIED, "cannot read")
        return self._topology


TOPOLOGY = Topology({0: frozenset({0, 1})})
REPORTED = Allocatable((), frozenset({0, 1}), ())


def test_a_look_believes_what_it_is_told_at_once() -> None:
    """There is nothing to compare a young kubelet's answer with, and whoever looks once wants to see it."""
    seen = look("n1", Sources(Kubelet(listing(pod("a")), REPORTED), Machine(TOPOLOGY), FixedMetadata()), FakeClock())
    allocation = seen.snapshot.allocation
    assert allocation is not None

    assert ["a"] == [view.pod.name for view in allocation.pods]
    assert ({}, TOPOLOGY, 0) == (dict(seen.failures), seen.topology, seen.malformed)
    assert not any(part.held or part.stale for part in seen.snapshot.parts)


def test_what_went_wrong_is_told_with_the_snapshot() -> None:
    """Errors by RPC, Get's excepted: that it is not there is no failure."""
    listed = Listing((pod("a"),), (Malformed("x", "y"),))
    seen = look("n1", Sources(Kubelet(listed, None), Machine(None), FixedMetadata()), FakeClock())

    assert {"GetAllocatableResources": Reason.INTERNAL} == {rpc: e.reason for rpc, e in seen.failures.items()}
    assert isinstance(seen.topology, TopologyError)
    assert 1 == seen.malformed
    assert seen.snapshot.allocation is not None


def test_without_the_pods_there_is_no_allocation() -> None:
    """Unavailable is never empty."""
    kubelet = Kubelet(None, REPORTED)
    seen = look("n1", Sources(kubelet, Machine(TOPOLOGY), FixedMetadata()), FakeClock())

    assert seen.snapshot.allocation is None
    assert ["List"] == list(seen.failures)
    assert not kubelet.closed


def test_silent_events_count_malformed_items_alone() -> None:
    """Everything else becomes metrics elsewhere."""
    events = SilentEvents()
    events.rpc("List", 0.1, None)
    events.restarted()
    events.loop_error()
    events.malformed("List", 2)
    events.malformed("Get", 1)

    assert 3 == events.malformed_items
