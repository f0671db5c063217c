"""The fast path of decoding."""

import pytest
from builders import GPU, NIC, container_row, device_row, gpu, list_answer, pod_row, topology_row

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Device
from podres_exporter.wire import AllocatableDecoder, DeviceRows, ListDecoder
from podres_exporter.wire.plain import PodContent, plain_pod


def row(device_id: str, *nodes: int, resource: str = GPU) -> bytes:
    return device_row(resource, device_id, topology=topology_row(*nodes) if nodes else None).SerializeToString()


def test_devices_come_sorted_by_resource_and_id() -> None:
    rows = [row("10"), row("9"), row("0", resource=NIC)]

    assert (Device(NIC, "0", frozenset()), gpu("10"), gpu("9")) == DeviceRows().devices(rows)


def test_a_device_near_several_nodes_has_a_row_for_each() -> None:
    rows = [row("0", 1), row("1", 1), row("0", 0), row("0", resource=NIC)]

    assert (Device(NIC, "0", frozenset()), gpu("0", 0, 1), gpu("1", 1)) == DeviceRows().devices(rows)


def test_a_row_is_read_once_for_all_holders_of_the_device() -> None:
    rows = DeviceRows()
    first, second = rows.devices([row("0", 1)]), rows.devices([row("1", 1), row("0", 1)])

    assert first is not None
    assert second is not None
    assert first[0] is second[0]
    assert 2 == len(rows)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param([b"\x0a"], id="damaged"),
        pytest.param([device_row("", "0").SerializeToString()], id="no resource"),
        pytest.param([device_row(GPU).SerializeToString()], id="no id"),
        pytest.param([device_row(GPU, "").SerializeToString()], id="empty id"),
        pytest.param([device_row(GPU, "0", "1").SerializeToString()], id="two ids, as on 1.20"),
    ],
)
def test_rows_of_another_shape_are_left_to_the_careful_way(odd: list[bytes]) -> None:
    rows = DeviceRows()

    assert rows.devices([row("9"), *odd]) is None
    assert (gpu("9"),) == rows.devices([row("9")])


def test_ids_that_change_for_ever_fill_no_memory() -> None:
    """A plugin may make up new ids at every restart."""
    rows = DeviceRows()
    for number in range(20_002):
        rows.devices([row(str(number))])

    rows.trim("GetAllocatableResources", 1)
    rows.trim("List", 1)
    kept = len(rows)
    rows.devices([row("20002")])
    rows.trim("List", 0)

    assert (20_002, 0) == (kept, len(rows))


def test_both_decoders_share_the_records_of_devices() -> None:
    """What a container holds and what the node may hand out are the same devices, thousands of them."""
    rows = DeviceRows()
    device = device_row(GPU, "GPU-0", topology=topology_row(0))
    report = pb.AllocatableResourcesResponse(devices=[device]).SerializeToString()

    listing = ListDecoder(rows).decode(list_answer(pod_row("a", container_row(devices=[device]))))

    assert AllocatableDecoder(rows).decode(report).devices[0] is listing.pods[0].containers[0].devices[0]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param((b"", b"a", (), (), ()), id="no namespace"),
        pytest.param((b"n", b"", (), (), ()), id="no name"),
        pytest.param((b"n", b"\xff", (), (), ()), id="a name that is no text"),
        pytest.param((b"n", b"a", ((b"", (), (), (), ()),), (), ()), id="a container without a name"),
        pytest.param((b"n", b"a", ((b"c", (), (), (), ()), (b"c", (), (), (), ())), (), ()), id="one name twice"),
        pytest.param((b"n", b"a", ((b"c", (b"\x0a",), (), (), ()),), (), ()), id="a damaged device"),
        pytest.param((b"n", b"a", ((b"c", (), (-1,), (), ()),), (), ()), id="a CPU below zero"),
        pytest.param((b"n", b"a", (), (), (b"\x0a",)), id="a damaged memory block"),
    ],
)
def test_an_odd_pod_is_left_to_the_careful_way(content: PodContent) -> None:
    assert plain_pod(content, DeviceRows()) is None
