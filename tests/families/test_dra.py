"""Metrics of the node's DRA devices."""

from dataclasses import replace

from pages import sample_lines
from snapshots import one_container

from podres_exporter.model import Container, DeviceTaint, DraCapacity, DraDevice, DraNode, DraPool, DraStock

GPU = DraDevice(
    "gpu-0",
    "gpu",
    "GPU-7f3c",
    "0000:17:00.0",
    "H100",
    "1g.10gb",
    "GPU-1",
    frozenset([1]),
    taints=(DeviceTaint("xid", "79", "NoSchedule"),),
)
POOL = DraPool("d", "n1", 3, (GPU,))
STOCK = DraStock(
    "d", "gpu", frozenset([("n1", "a"), ("n1", "b"), ("n1", "c")]), frozenset([("n1", "a")]), frozenset(), 1
)


def lines(node: DraNode | None, *names: str) -> list[str]:
    snapshot = one_container(Container("c"))
    assert snapshot.allocation is not None
    return sample_lines(replace(snapshot, allocation=replace(snapshot.allocation, dra=node)), *names).split("\n")[1:-1]


def test_a_device_has_all_that_its_slice_states() -> None:
    assert [
        (
            'podres_dra_device_info{driver="d",pool="n1",device="gpu-0",uuid="GPU-7f3c",pci_address="0000:17:00.0",'
            'numa_nodes="1",product="H100",profile="1g.10gb",parent_uuid="GPU-1",type="gpu"} 1'
        ),
        'podres_dra_device_taint{driver="d",pool="n1",device="gpu-0",key="xid",value="79",effect="NoSchedule"} 1',
        'podres_dra_pool_info{driver="d",pool="n1",generation="3",complete="true",stale="false"} 1',
    ] == lines(DraNode((POOL,)), "podres_dra_device_info", "podres_dra_device_taint", "podres_dra_pool_info")


def test_what_is_left_is_said_only_where_it_is_known() -> None:
    names = ("podres_node_dra_devices", "podres_node_dra_fitting_devices", "podres_node_dra_capacity")
    capacity = DraCapacity("d", "bw", 10, 7)
    known = lines(DraNode((), (STOCK,), (capacity,)), *names)
    unknown = lines(DraNode((), (replace(STOCK, is_known=False),), (replace(capacity, is_known=False),)), *names)

    assert [
        'podres_node_dra_devices{driver="d",type="gpu",state="total"} 3',
        'podres_node_dra_devices{driver="d",type="gpu",state="allocated"} 1',
        'podres_node_dra_devices{driver="d",type="gpu",state="unavailable"} 0',
        'podres_node_dra_devices{driver="d",type="gpu",state="available"} 2',
        'podres_node_dra_fitting_devices{driver="d",type="gpu"} 1',
        'podres_node_dra_capacity{driver="d",capacity="bw",state="total"} 10',
        'podres_node_dra_capacity{driver="d",capacity="bw",state="consumed"} 7',
        'podres_node_dra_capacity{driver="d",capacity="bw",state="available"} 3',
    ] == known
    assert [known[0], known[5]] == unknown


def test_without_slices_nothing_is_said() -> None:
    assert [] == lines(None, "podres_dra_device_info", "podres_node_dra_devices", "podres_node_dra_capacity")
