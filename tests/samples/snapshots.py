"""Builders of small snapshots."""

from dataclasses import replace

from podres_exporter.cpuset import CpuSet
from podres_exporter.join import double_held
from podres_exporter.join.claims import claim_uses
from podres_exporter.model import (
    Alignment,
    Allocation,
    Container,
    ContainerView,
    CpuStock,
    DeviceStock,
    MemoryStock,
    Pod,
    PodView,
    Snapshot,
    Topology,
    Verdict,
)

NOTHING = Alignment(Verdict.NOT_APPLICABLE)
TWO_NODES = Topology({0: frozenset(range(4)), 1: frozenset(range(4, 8))})


def holding(*pods: Pod, topology: Topology | None = None, alignment: Alignment = NOTHING) -> Snapshot:
    """Return a snapshot of node `n1` with these pods; every container has the same verdict."""
    views = tuple(PodView(pod, tuple(_view(each, alignment) for each in pod.containers)) for pod in pods)
    return Snapshot("n1", Allocation(views, (), CpuStock(None, frozenset()), (), topology))


def _view(container: Container, alignment: Alignment) -> ContainerView:
    """Return the container with what the kubelet alone tells of it."""
    return ContainerView(container, alignment, claim_uses(container, None, None))


def one_container(container: Container, *, topology: Topology | None = None) -> Snapshot:
    """Return a snapshot with the pod `ml/a` that has one container."""
    return holding(Pod("ml", "a", (container,)), topology=topology)


def stocked(
    *,
    devices: tuple[DeviceStock, ...] = (),
    allocatable: CpuSet | None = frozenset(),
    exclusive: CpuSet = frozenset(),
    memory: tuple[MemoryStock, ...] = (),
    topology: Topology | None = None,
) -> Snapshot:
    """Return a snapshot of node `n1` that has these stocks and no pods."""
    return Snapshot("n1", Allocation((), devices, CpuStock(allocatable, exclusive), memory, topology))


def with_doubles(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with what its pods hold together, as after a second look at them."""
    assert snapshot.allocation is not None
    doubles = double_held([view.pod for view in snapshot.allocation.pods])
    return replace(snapshot, allocation=replace(snapshot.allocation, doubles=doubles))
