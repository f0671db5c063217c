"""Reading a node once with the daemon's poller."""

from dataclasses import replace

from builders import GPU, gpu, listing, pod
from fake_clock import FakeClock

from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.model import (
    Allocatable,
    ContainerKind,
    ContainerSpec,
    Listing,
    Malformed,
    Metadata,
    PodMeta,
    Topology,
)
from podres_exporter.service import Sources
from podres_exporter.service.oneshot import SilentEvents, look, wait_for_admissions
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
    """There is nothing to compare a young kubelet's answer with, and a one-shot command shows it."""
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


def test_a_look_waits_while_a_pod_may_be_in_admission_and_not_for_ever() -> None:
    """A List in the middle of an Allocate can make the kubelet give one device to two pods."""
    spec = ContainerSpec("main", ContainerKind.APP, devices=(("example.com/gpu", 1),))
    admitted = PodMeta("ml", "a", "uid-a", phase="Pending", containers=(spec,))
    pending = Metadata({admitted.key: admitted}, synced=True)
    over = Metadata({admitted.key: replace(admitted, has_started=True)}, synced=True)
    answers, clock = [pending, pending, over, pending], FakeClock()
    began = clock.monotonic_seconds()

    assert over == wait_for_admissions(lambda: answers.pop(0), clock)
    assert (4, 1) == (clock.monotonic_seconds() - began, len(answers))

    assert pending == wait_for_admissions(lambda: pending, clock)
    assert 14 == clock.monotonic_seconds() - began
    assert wait_for_admissions(lambda: over, clock) == over
    assert 14 == clock.monotonic_seconds() - began


def test_a_look_lists_though_a_pod_is_in_admission() -> None:
    """It was waited for before."""
    spec = ContainerSpec("main", ContainerKind.APP, devices=(("example.com/gpu", 1),))
    admitted = PodMeta("ml", "b", "uid-b", phase="Pending", containers=(spec,))
    told = Metadata({admitted.key: admitted}, synced=True, is_up=True, last_success_seconds=1.0)
    kubelet = Kubelet(listing(pod("a")), REPORTED)

    seen = look("n1", Sources(kubelet, Machine(TOPOLOGY), FixedMetadata(told)), FakeClock())

    assert seen.snapshot.allocation is not None
    assert ["a"] == [view.pod.name for view in seen.snapshot.allocation.pods]


def test_of_a_running_pod_that_a_young_kubelet_lacks_a_look_says_that_its_devices_are_not_known() -> None:
    """It has its static pods by then, and will have the others later."""
    spec = ContainerSpec("main", ContainerKind.APP, devices=((GPU, 1),))
    train = PodMeta("ml", "train", "uid-train", phase="Running", has_started=True, containers=(spec,))
    told = Metadata({train.key: train}, synced=True, is_up=True, last_success_seconds=1.0)
    reported = replace(REPORTED, devices=(gpu("GPU-0"), gpu("GPU-1")))
    kubelet = Kubelet(listing(pod("proxy-n1"), pod("web")), reported)

    seen = look("n1", Sources(kubelet, Machine(TOPOLOGY), FixedMetadata(told)), FakeClock()).snapshot.allocation

    assert seen is not None
    assert (train.key,) == seen.unlisted_pods
    assert [(GPU, False)] == [(stock.resource, stock.is_complete) for stock in seen.devices]
    assert seen.cpus.is_complete
