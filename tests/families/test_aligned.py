"""The largest request that one NUMA node can serve agrees with `fit`."""

from dataclasses import replace

import pytest
from asking_rig import GPU, GPUS, known, running, small_node, spec
from builders import container, device, pod

from podres_exporter.families.alignment import NODE_FAMILIES
from podres_exporter.fit import Fits, Policy, ask_for, fit
from podres_exporter.model import ContainerKind, Snapshot

DEVICES, CPUS = NODE_FAMILIES


def largest(snapshot: Snapshot) -> tuple[object, object]:
    """Return the largest request for GPUs and for CPUs, None where it is not shown."""
    assert snapshot.allocation
    devices = [count for resource, count in DEVICES.rows(snapshot.allocation) if resource == GPU]
    cpus = [row[0] for row in CPUS.rows(snapshot.allocation)]
    return devices[0] if devices else None, cpus[0] if cpus else None


def fits(snapshot: Snapshot, gpus: int, cpus: int) -> list[Fits]:
    """Return the answers of `fit` for so many GPUs, and so many CPUs, on one NUMA node."""
    asks = (ask_for(devices={GPU: gpus}), ask_for(cpu_millicores=cpus * 1000, memory_bytes=1))
    return [fit(snapshot, ask, Policy.SINGLE_NUMA_NODE).fits for ask in asks]


SIDECAR = running("a", spec("side", devices={GPU: 1}, kind=ContainerKind.SIDECAR), spec("main"), qos="BestEffort")


@pytest.mark.parametrize(
    ("snapshot", "gpus", "cpus"),
    [
        pytest.param(small_node(), 2, 7, id="idle"),
        pytest.param(small_node(pod("a", container("main", GPUS[0], cpus="1-3"))), 2, 7, id="one node is whole"),
        pytest.param(
            small_node(pod("a", container("main", GPUS[0], GPUS[3], cpus="1-4,9-10"))), 1, 5, id="both are broken"
        ),
        pytest.param(small_node(devices=tuple(device(GPU, f"g{n}") for n in range(3))), 3, 7, id="no node is stated"),
        pytest.param(small_node(devices=(*GPUS, device(GPU, "g", 0, 1))), 3, 7, id="one is near both"),
    ],
)
def test_the_largest_request_is_the_largest_that_fit_lets_in(snapshot: Snapshot, gpus: int, cpus: int) -> None:
    """One more is refused."""
    assert (gpus, cpus) == largest(snapshot)
    assert [Fits.YES, Fits.YES] == fits(snapshot, gpus, cpus)
    assert [Fits.NO, Fits.NO] == fits(snapshot, gpus + 1, cpus + 1)


def test_what_is_held_unlisted_is_taken_off_where_most_is_free() -> None:
    node = small_node(pod("a", container("main"), namespace="ml"), metadata=known(SIDECAR))

    assert (1, 7) == largest(node)


def test_what_is_not_known_to_be_free_is_not_shown() -> None:
    """Without GetAllocatableResources, and where more may be held than is known."""
    node = small_node()
    assert node.allocation
    unsure = tuple(replace(row, is_complete=False) for row in node.allocation.devices)
    cpus = replace(node.allocation.cpus, is_complete=False)

    assert (None, None) == largest(replace(node, allocation=replace(node.allocation, devices=unsure, cpus=cpus)))
    assert (2, None) == largest(replace(node, allocation=replace(node.allocation, topology=None)))


def test_devices_on_no_node_fit_none() -> None:
    """One that states -1 is near no NUMA node."""
    node = small_node(devices=(device(GPU, "g"),))
    assert node.allocation
    (stock,) = node.allocation.devices
    off = replace(node.allocation, devices=(replace(stock, off_node=frozenset({"g"})),))

    assert (0, 7) == largest(replace(node, allocation=off))
    assert Fits.NO == fits(replace(node, allocation=off), 1, 1)[0]
