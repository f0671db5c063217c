"""Recovering readable fields of damaged messages."""

import pytest
from builders import GPU, MIB, container_row, device_row, field, memory_row, pod_row, topology_row, varint
from google.protobuf.message import DecodeError

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Malformed
from podres_exporter.wire.salvage import salvage

NOT_UTF8 = "not UTF-8; invalid bytes are shown as \\xNN"
STRAY = field(1, b"\xff")
"""A first field that makes protobuf refuse the whole message, where that field is a text."""


def test_a_whole_message_is_read_whole() -> None:
    """Salvage of an undamaged message is what protobuf reads, without a fault."""
    whole = pod_row(
        "p",
        container_row("a", devices=[device_row(GPU, "0", "1", topology=topology_row(0, -1))], cpus=[0, 5]),
        container_row("b", memory=[memory_row(MIB, 1)]),
        cpus=[7],
    )
    read = pb.PodResources()

    assert [] == salvage(whole.SerializeToString(), read)
    assert whole == read


@pytest.mark.parametrize(
    ("stray", "shown"),
    [
        pytest.param(b"\xff", "\\xff", id="one stray byte"),
        pytest.param(b"a\x80b", "a\\x80b", id="amid text"),
        pytest.param(b"\xc3", "\\xc3", id="half a letter"),
        pytest.param("é".encode() + b"\xfe", "é\\xfe", id="beside a letter that is not ASCII"),
    ],
)
def test_a_text_that_is_not_utf_8_is_kept_with_its_stray_bytes_written_out(stray: bytes, shown: str) -> None:
    """proto3 requires UTF-8 in texts and refuses the message otherwise; leaving an id out would report it as free."""
    read = pb.ContainerDevices()

    faults = salvage(field(1, GPU.encode()) + field(2, b"GPU-0") + field(2, stray), read)

    assert device_row(GPU, "GPU-0", shown) == read
    assert [Malformed("device_ids[1]", NOT_UTF8)] == faults


def test_a_broken_message_inside_is_left_out_and_its_neighbours_kept() -> None:
    """The framing of the outer message tells where the next field starts."""
    first, last = (device_row(GPU, name).SerializeToString() for name in ("GPU-0", "GPU-2"))
    read = pb.ContainerResources()

    faults = salvage(field(1, b"main") + field(2, first) + field(2, b"\x0a\x7f") + field(2, last), read)

    assert container_row(devices=[device_row(GPU, "GPU-0"), device_row(GPU, "GPU-2")]) == read
    assert [Malformed("devices[1]", "not a protobuf message")] == faults


def test_the_damage_is_searched_at_every_depth() -> None:
    """Everything around the broken field is kept; its path leads there, below the path of the caller."""
    damaged_row = field(1, GPU.encode()) + field(2, b"GPU-0") + field(3, field(1, b"\x08") + field(1, field(1, 1)))
    damaged_container = field(1, b"main") + field(2, damaged_row) + field(3, 6)
    damaged_pod = field(1, b"p") + field(2, b"default") + field(3, damaged_container)
    read = pb.PodResources()

    faults = salvage(damaged_pod, read, "pod")

    kept = container_row(devices=[device_row(GPU, "GPU-0", topology=topology_row(1))], cpus=[6])
    assert pod_row("p", kept) == read
    assert [Malformed("pod.containers[0].devices[0].topology.nodes[0]", "not a protobuf message")] == faults


def test_a_message_that_loses_all_it_had_is_still_present() -> None:
    """A topology that is present but lists no node is not an absent one: presence is a fact of the wire."""
    read = pb.ContainerDevices()

    faults = salvage(field(2, b"GPU-0") + field(3, field(1, b"\x08")), read)

    assert read.HasField("topology")
    assert [] == list(read.topology.nodes)
    assert [Malformed("topology.nodes[0]", "not a protobuf message")] == faults


def test_packed_numbers_that_break_off_cannot_be_read() -> None:
    """Where a packed list breaks, no number behind the break can be trusted; the list is left out whole."""
    read = pb.ContainerResources()

    faults = salvage(field(1, b"main") + field(3, varint(2) + b"\x80") + field(3, varint(5)), read)

    assert container_row(cpus=[5]) == read
    assert [Malformed("cpu_ids[0]", "cannot be read")] == faults


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, 2**63 - 1, -1, -(2**63)])
def test_numbers_survive_as_they_were(number: int) -> None:
    """A negative number stands on the wire as its 64-bit complement; the rules on numbers apply after salvage."""
    read = pb.ContainerResources()

    faults = salvage(STRAY + field(3, number), read)

    assert [number] == list(read.cpu_ids)
    assert [Malformed("name", NOT_UTF8)] == faults


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(field(99, 7), id="number"),
        pytest.param(field(99, b"\xff"), id="bytes"),
        pytest.param(varint(99 << 3 | 1) + bytes(8), id="64 bits"),
        pytest.param(varint(99 << 3 | 5) + bytes(4), id="32 bits"),
        pytest.param(varint(99 << 3 | 3) + field(1, 7) + varint(99 << 3 | 4), id="group"),
    ],
)
def test_fields_of_a_newer_kubelet_are_no_fault(unknown: bytes) -> None:
    """A field that this version does not know is skipped, as protobuf itself does."""
    read = pb.ContainerResources()

    assert [Malformed("name", NOT_UTF8)] == salvage(STRAY + unknown + field(3, 5), read)
    assert [5] == list(read.cpu_ids)
    assert [] == list(read.devices)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(varint(3 << 3 | 1) + b"\x05" + bytes(7), id="64 bits"),
        pytest.param(varint(3 << 3 | 5) + b"\x05" + bytes(3), id="32 bits"),
        pytest.param(varint(3 << 3 | 3) + field(3, 5) + varint(3 << 3 | 4), id="group"),
    ],
)
def test_a_number_in_another_wire_type_is_not_taken_for_one(other: bytes) -> None:
    """A known field of another wire type is skipped, as protobuf itself does: what is read never depends on damage."""
    read = pb.ContainerResources()

    faults = salvage(STRAY + other, read)

    assert list(pb.ContainerResources.FromString(other).cpu_ids) == list(read.cpu_ids)
    assert [Malformed("name", NOT_UTF8)] == faults


def test_a_text_or_message_with_a_number_in_its_place_is_skipped() -> None:
    """A wire type that does not fit is a field that protobuf does not know."""
    read = pb.ContainerResources()

    assert [Malformed("name", NOT_UTF8)] == salvage(STRAY + field(1, 5) + field(2, 5), read)
    assert ("\\xff", []) == (read.name, list(read.devices))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x0a", id="no length"),
        pytest.param(b"\x0a\x05abc", id="shorter than its length"),
        pytest.param(b"\x80", id="half a tag"),
        pytest.param(b"\x0f", id="wire type 7"),
        pytest.param(varint(9 << 3 | 4), id="end of a group that has not begun"),
        pytest.param(field(1, b"main") + field(3, 5) + b"\x0a", id="good fields before the break"),
    ],
)
def test_where_the_framing_breaks_nothing_is_read(data: bytes) -> None:
    """Behind a broken frame every field is a guess, so the message is left as it was."""
    read = container_row("untouched")

    with pytest.raises(DecodeError):
        salvage(data, read)

    assert container_row("untouched") == read


@pytest.mark.parametrize("path", ["", "containers[main]"])
def test_a_field_with_the_number_0_is_damage_and_no_field_of_a_newer_kubelet(path: str) -> None:
    """
    Fields count from 1. Passed over in silence, a tag that has lost its bits would take its value with it.

    Protobuf 6.31 does not read the message at all, newer ones do.
    """
    row = memory_row(MIB).SerializeToString() + b"\x00\x04"
    read = pb.ContainerMemory()
    try:
        faults = salvage(row, read, path)
    except DecodeError:
        assert pb.ContainerMemory() == read
        return

    assert {Malformed(path, "a field with the number 0 cannot be read")} == set(faults)
    assert ("memory", MIB) == (read.memory_type, read.size)
