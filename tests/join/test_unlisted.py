"""Resources that a pod is known to hold although the kubelet does not list them."""

from dataclasses import replace

import pytest
from builders import GPU, NIC, allocatable, block, container, gpu, listing, pod

from podres_exporter.join import Joiner
from podres_exporter.join.unlisted import Managed, unlisted_holdings
from podres_exporter.model import (
    Allocation,
    ContainerKind,
    ContainerSpec,
    Malformed,
    Metadata,
    Pod,
    PodMeta,
)

APP, SIDECAR, INIT = ContainerKind.APP, ContainerKind.SIDECAR, ContainerKind.INIT
MANAGED = Managed(frozenset({GPU, NIC}), static_cpus=True, memory_types=frozenset({"memory"}))
MIB = 1 << 20
LEFT = "init_container"


def meta(*containers: ContainerSpec, qos: str = "Burstable", phase: str = "Running") -> PodMeta:
    return PodMeta("default", "p", "1", phase=phase, qos_class=qos, containers=containers)


def gpus(name: str, count: int, kind: ContainerKind = APP) -> ContainerSpec:
    return ContainerSpec(name, kind, ((GPU, count),))


def found(of: Pod, asked: PodMeta | None, *, damaged: bool = False) -> list[tuple[str, str, int, str]]:
    rows = unlisted_holdings(of, asked, MANAGED, damaged=damaged)
    return [(row.container, row.resource, row.amount, row.reason.value) for row in rows]


MAIN = pod("p", container("main", gpu("0")))


@pytest.mark.parametrize(
    ("specs", "left"),
    [
        pytest.param([gpus("i", 2, INIT), gpus("main", 1)], [("i", GPU, 1, LEFT)], id="more"),
        pytest.param([gpus("i", 1, INIT), gpus("main", 1)], [], id="all is taken over"),
        pytest.param([gpus("i", 1, INIT), gpus("main", 4)], [], id="main takes more"),
        pytest.param(
            [gpus("i", 3, INIT), gpus("j", 4, INIT), gpus("main", 1)],
            [("j", GPU, 3, "init_container")],
            id="largest",
        ),
        pytest.param([gpus("i", 2, INIT), ContainerSpec("main", APP)], [("i", GPU, 2, LEFT)], id="none after"),
    ],
)
def test_what_init_containers_leave_over_stays_with_the_pod(
    specs: list[ContainerSpec], left: list[tuple[str, str, int, str]]
) -> None:
    """Measured on 1.36.3: an init container with two GPUs before one with one leaves the second taken."""
    assert left == found(MAIN, meta(*specs))


def test_a_sidecar_that_is_not_listed_holds_what_it_asked_for() -> None:
    """Measured on 1.29.14. What it took over of an init container is no leftover."""
    asked = meta(gpus("i", 2, INIT), gpus("side", 1, SIDECAR), gpus("main", 1))

    assert [("side", GPU, 1, "not_listed")] == found(MAIN, asked)


def test_a_sidecar_that_is_listed_holds_what_it_shows() -> None:
    both = pod("p", container("side", gpu("1")), container("main", gpu("0")))

    assert [] == found(both, meta(gpus("side", 1, SIDECAR), gpus("main", 1)))


def test_what_a_damaged_answer_lacks_may_be_held() -> None:
    """Without damage it is the kubelet's own word that the container has none: its checkpoint may be lost."""
    asked = meta(gpus("main", 3))

    assert [("main", GPU, 2, "unreadable")] == found(MAIN, asked, damaged=True)
    assert [] == found(MAIN, asked)


def test_cpus_and_memory_are_held_by_guaranteed_pods_only() -> None:
    """The managers give nothing of their own to others; memory of an init container goes back when the next starts."""
    specs = (
        ContainerSpec("i", INIT, cpu_millicores=3000, memory=(("memory", 8 * MIB),)),
        ContainerSpec("side", SIDECAR, cpu_millicores=1000, memory=(("memory", 2 * MIB),)),
        ContainerSpec("main", APP, cpu_millicores=1000, memory=(("memory", 4 * MIB),)),
    )
    here = pod("p", container("main", cpus="1", memory=[block(4, 0)]))
    leftover = [("i", "cpu", 1, "init_container")]
    sidecar = [("side", "cpu", 1, "not_listed"), ("side", "memory", 2 * MIB, "not_listed")]

    assert [*leftover, *sidecar] == found(here, meta(*specs, qos="Guaranteed"))
    assert [*leftover, ("i", "memory", 2 * MIB, "init_container"), *sidecar] == found(
        here, meta(*specs, qos="Guaranteed", phase="Pending")
    )
    assert [] == found(here, meta(*specs))
    assert [] == found(here, replace(meta(*specs, qos="Guaranteed"), has_pod_resources=True))


def test_what_no_plugin_has_and_what_a_claim_serves_is_not_held() -> None:
    """A scheduler's own resource, and an extended resource that a DRA driver serves."""
    asked = meta(ContainerSpec("side", SIDECAR, (("a.b/c", 5), (NIC, 1), (GPU, 1))))

    assert [("side", GPU, 1, "not_listed")] == found(MAIN, replace(asked, extended_requests=(("side", NIC),)))


def test_without_metadata_nothing_is_known() -> None:
    assert [] == found(MAIN, None)


def joined(asked: PodMeta, *malformed: Malformed) -> Allocation:
    """Return the node with three GPUs and three CPUs, and the pod that shows one of each."""
    here = pod("p", container("main", gpu("0", 0), cpus="1"))
    offered = allocatable(gpu("0", 0), gpu("1", 0), gpu("2", 1), cpus="1-3")
    told = Metadata({asked.key: asked}, synced=True)
    return Joiner().join(replace(listing(here), malformed=malformed), offered, None, told)


def test_the_stock_promises_no_more_than_is_surely_free() -> None:
    """On each set of NUMA nodes as if all of it were there."""
    allocation = joined(meta(gpus("side", 1, SIDECAR), gpus("main", 1)))

    assert [(1, 1, 0), (1, 1, 0)] == [
        (stock.unlisted, len(stock.free or ()), stock.surely_free) for stock in allocation.devices
    ]
    assert 0 == allocation.cpus.unlisted


def test_a_fault_in_the_pod_makes_what_it_lacks_unlisted() -> None:
    """The path of the fault names the pod."""
    asked = meta(gpus("main", 2))
    fault = Malformed("pod_resources[default/p].containers[main].devices[1]", "no device id")

    assert [1, 1] == [stock.surely_free for stock in joined(asked).devices]
    assert [0, 0] == [stock.surely_free for stock in joined(asked, fault).devices]
