"""podresources_frames.proto and podresources_v1.proto describe the same wire format."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from podres_exporter._proto import podresources_frames_pb2 as frames
from podres_exporter._proto import podresources_v1_pb2 as v1

PAIRS = [
    pytest.param(frames.ListFrame.DESCRIPTOR, v1.ListPodResourcesResponse.DESCRIPTOR, id="ListFrame"),
    pytest.param(frames.PodFrame.DESCRIPTOR, v1.PodResources.DESCRIPTOR, id="PodFrame"),
    pytest.param(frames.ContainerFrame.DESCRIPTOR, v1.ContainerResources.DESCRIPTOR, id="ContainerFrame"),
    pytest.param(frames.AllocatableFrame.DESCRIPTOR, v1.AllocatableResourcesResponse.DESCRIPTOR, id="AllocatableFrame"),
    pytest.param(frames.GetFrame.DESCRIPTOR, v1.GetPodResourcesResponse.DESCRIPTOR, id="GetFrame"),
]
LENGTH_DELIMITED = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE}


def shape(message: Descriptor) -> dict[str, tuple[int, bool, str]]:
    """Return number, repetition and form on the wire of each field."""
    return {
        field.name: (
            field.number,
            field.is_repeated,
            "length-delimited" if field.type in LENGTH_DELIMITED else f"type {field.type}",
        )
        for field in message.fields
    }


@pytest.mark.parametrize(("frame", "message"), PAIRS)
def test_a_frame_has_every_field_of_its_message_under_the_same_number(frame: Descriptor, message: Descriptor) -> None:
    """A field that a frame lacks would be left out of the comparison of answers, and its change never seen."""
    assert shape(message) == shape(frame)


def test_every_frame_has_its_message() -> None:
    """A new frame belongs into the table above."""
    assert set(frames.DESCRIPTOR.message_types_by_name) == {str(pair.id) for pair in PAIRS}


@pytest.mark.parametrize(("frame", "message"), PAIRS)
def test_only_containers_are_opened_below_a_frame(frame: Descriptor, message: Descriptor) -> None:
    """Rows stay as the kubelet sent them, so that they can be sorted and compared as bytes; only sets are opened."""
    opened = {field.name: field.message_type.name for field in frame.fields if field.message_type is not None}

    assert ({"containers": "ContainerFrame"} if "containers" in message.fields_by_name else {}) == opened


def test_the_package_is_part_of_the_method_path() -> None:
    """The kubelet serves /v1.PodResourcesLister/List; another package name would be UNIMPLEMENTED."""
    service = v1.DESCRIPTOR.services_by_name["PodResourcesLister"]

    assert "v1.PodResourcesLister" == service.full_name
    assert ["List", "GetAllocatableResources", "Get"] == [method.name for method in service.methods]


def test_shares_tell_absent_from_empty() -> None:
    """`optional string share_id = 5` (1.35): presence is stated on the wire."""
    field = v1.ClaimResource.DESCRIPTOR.fields_by_name["share_id"]

    assert (5, True) == (field.number, field.has_presence)


def test_the_class_name_of_1_27_is_never_given_to_another_field() -> None:
    """Field 1 of DynamicResource was class_name until 1.30; an old kubelet still sends it."""
    assert 1 not in v1.DynamicResource.DESCRIPTOR.fields_by_number
    assert [2, 3, 4] == sorted(v1.DynamicResource.DESCRIPTOR.fields_by_number)
