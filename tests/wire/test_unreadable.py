"""What is unknown after a damaged answer is never counted as free."""

import pytest
from builders import GPU, container_row, device_row, field, list_answer, memory_row, pod_row

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Unknown
from podres_exporter.wire import ListDecoder

EVERYTHING, DEVICES = Unknown(everything=True), Unknown(devices=True)


def of(*resources: str) -> Unknown:
    return Unknown(resources=frozenset(resources))


def with_devices(*rows: pb.ContainerDevices) -> pb.PodResources:
    return pod_row("p.with.dots", container_row("c[0].x", devices=rows))


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        pytest.param(pod_row("p", container_row(devices=[device_row(GPU, "GPU-0")])), Unknown(), id="nothing is wrong"),
        pytest.param(pod_row(""), EVERYTHING, id="a pod without a name"),
        pytest.param(b"\xff\xff\xff\xff\x01", EVERYTHING, id="bytes that are no pod"),
        pytest.param(pod_row("p", container_row("")), EVERYTHING, id="a container without a name"),
        pytest.param(with_devices(device_row("", "GPU-0")), DEVICES, id="a device without a resource"),
        pytest.param(with_devices(device_row(GPU, "")), of(GPU), id="a device without an id"),
        pytest.param(with_devices(device_row(GPU)), of(GPU), id="a resource without ids"),
        pytest.param(
            with_devices(device_row(GPU, ""), device_row("example.com/nic")), of(GPU, "example.com/nic"), id="of two"
        ),
        pytest.param(pod_row("p", container_row(cpus=[-1])), of("cpu"), id="a CPU that is none"),
        pytest.param(pod_row("p", cpus=[-1]), of("cpu"), id="a CPU of the pod that is none"),
        pytest.param(
            pod_row("p", container_row(memory=[memory_row(5, memory_type="")])), EVERYTHING, id="memory of no type"
        ),
        pytest.param(
            pod_row("p", container_row(claims=[pb.DynamicResource()])),
            Unknown(),
            id="a claim, which is free in no figure",
        ),
    ],
)
def test_of_what_an_answer_does_not_tell_nothing_is_known_to_be_free(
    row: pb.PodResources | bytes, unknown: Unknown
) -> None:
    """Of one resource where it is known of which, of every one where nothing is known of the item."""
    assert unknown == ListDecoder().decode(list_answer(row)).unreadable


def test_a_text_with_stray_bytes_is_mended_and_hides_nothing() -> None:
    """The id is kept, and the report of what may be handed out has it too; a resource's own name is another matter."""
    mended = field(2, b"GPU-\xff")
    odd_name = field(1, b"nvidia\xff")
    for damaged, unknown in ((field(1, GPU.encode()) + mended, Unknown()), (odd_name + field(2, b"GPU-0"), DEVICES)):
        row = field(1, b"p") + field(2, b"default") + field(3, field(1, b"main") + field(2, damaged))

        assert unknown == ListDecoder().decode(list_answer(row)).unreadable
