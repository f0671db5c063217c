"""Key figures of the node on the page."""

from dataclasses import replace

from asking_rig import GPU, known, running, small_node, spec
from builders import container, pod
from builders import gpu as device
from page_dom import dom
from page_nodes import snapshot
from snapshots import with_doubles

from podres_exporter.model import (
    Allocatable,
    ContainerKind,
    DeviceHealth,
    DraNode,
    DraPool,
    DraStock,
    MemoryBlock,
    Snapshot,
)

GIB = 1 << 30


def tile(node: Snapshot, name: str) -> str:
    """Return what a tile says below its heading."""
    (found,) = [each for each in dom(node).all("li", within="totals") if each.children[0].text == name]
    return found.text.removeprefix(name)


def test_what_is_free_stands_first_and_large() -> None:
    node = small_node(
        pod("a", container("main", device("GPU-0", 0), cpus="1-2", memory=[MemoryBlock("memory", frozenset({0}), GIB)]))
    )

    assert ["3", "12", "31Gi"] == [each.text for each in dom(node).all("b", within="totals")]
    assert "3 free1 of 4 heldat most 2 on one NUMA node" == tile(node, GPU)
    assert "12 left to grant2 of 14 heldat most 7 on one NUMA node" == tile(node, "Exclusive CPUs")
    assert "31Gi free1Gi of 32Gi held" == tile(node, "memory")


def test_what_is_held_unlisted_is_not_called_free() -> None:
    """A sidecar that a kubelet up to 1.29 does not list has one of the four GPUs."""
    meta = running("a", spec("side", devices={GPU: 1}, kind=ContainerKind.SIDECAR), spec("main"), qos="BestEffort")
    node = small_node(pod("a", container("main"), namespace="ml"), metadata=known(meta))

    assert tile(node, GPU).startswith("3 free")


def test_a_sick_a_lost_and_a_doubly_held_device_are_counted_on_the_tile() -> None:
    """Otherwise seven of eight held looks the same whether all of them work or not."""
    pods = (
        pod("a", container("main", device("GPU-0", 0), device("gone", 0))),
        pod("b", container("main", device("GPU-0", 0))),
    )
    node = with_doubles(small_node(*pods))
    assert node.allocation is not None
    view = node.allocation.pods[1]
    row = DeviceHealth(GPU, "GPU-0", "", "", "Unhealthy")
    views = (node.allocation.pods[0], replace(view, containers=(replace(view.containers[0], health=(row,)),)))
    node = replace(node, allocation=replace(node.allocation, pods=views))

    assert tile(node, GPU).endswith("1 unhealthy, 1 no longer allocatable, 1 held twice")


def test_a_cpu_that_two_pods_hold_is_counted_on_the_tile() -> None:
    pods = tuple(pod(name, container("main", cpus="1")) for name in ("a", "b"))

    assert tile(with_doubles(small_node(*pods)), "Exclusive CPUs").endswith("1 held twice")


def test_free_devices_near_no_numa_node_are_said_to_be() -> None:
    """The kubelet does not give them to aligned pods once other devices of the resource state their nodes."""
    held, stray = device("GPU-0", 0), device("GPU-1")
    node = small_node(pod("a", container("main", held)), devices=(held, stray))

    assert "1 free1 of 2 heldnone near a NUMA node" == tile(node, GPU)


def test_a_dra_driver_has_a_tile_where_slices_tell_what_there_is() -> None:
    items = [("n1", f"gpu-{number}") for number in range(4)]
    stock = DraStock("gpu.example.com", "gpu", frozenset(items), frozenset(items[:1]), frozenset(items[1:2]), 2)
    shown = snapshot((), Allocatable((), frozenset(), ()), None)
    assert shown.allocation is not None

    def with_stock(changed: DraStock) -> Snapshot:
        dra = DraNode((DraPool("gpu.example.com", "n1", 1, ()),), (changed,))
        assert shown.allocation is not None
        return replace(shown, allocation=replace(shown.allocation, dra=dra))

    assert "2 free1 of 4 held by claims1 tainted" == tile(with_stock(stock), "gpu.example.com")
    unknown = tile(with_stock(replace(stock, is_known=False)), "gpu.example.com")
    assert "free: not known1 of 4 held by claims" == unknown


def test_a_node_of_which_nothing_is_reported_has_no_tile_but_that_of_cpus() -> None:
    assert ["Exclusive CPUs"] == [each.text for each in dom(snapshot((), None, None)).all("h3", within="totals")]
