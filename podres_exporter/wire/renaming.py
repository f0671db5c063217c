"""Rewrite the names in a raw kubelet answer, for recordings with hidden names."""

from collections.abc import Iterable
from typing import Protocol

from google.protobuf.message import DecodeError, Message

from podres_exporter._proto.podresources_v1_pb2 import (
    AllocatableResourcesResponse,
    ContainerDevices,
    ContainerResources,
    DynamicResource,
    GetPodResourcesResponse,
    ListPodResourcesResponse,
    PodResources,
)


class Names(Protocol):
    """The interface that maps every name to a new one."""

    def name(self, text: str) -> str:
        """Return the new name of a pod, namespace, container, claim, pool or claim device."""
        ...

    def device(self, text: str) -> str:
        """Return the new id of a device plugin's device."""
        ...

    def cdi(self, text: str) -> str:
        """Return the new name of a CDI device."""
        ...


def renamed(rpc: str, data: bytes, names: Names) -> bytes | None:
    """
    Return the answer to an RPC with new names; numbers, resources, drivers and the order of rows are kept.

    None if the bytes are not such an answer, because it is then unknown where the names are. Unknown fields are
    removed, since those of a newer kubelet may contain names.
    """
    try:
        return _rewritten(rpc, data, names).SerializeToString()
    except DecodeError:
        return None


def _rewritten(rpc: str, data: bytes, names: Names) -> Message:
    message: Message
    match rpc:
        case "List":
            listed = message = ListPodResourcesResponse.FromString(data)
            message.DiscardUnknownFields()
            for pod in listed.pod_resources:
                _rename_pod(pod, names)
        case "Get":
            one = message = GetPodResourcesResponse.FromString(data)
            message.DiscardUnknownFields()
            _rename_pod(one.pod_resources, names)
        case _:
            allocatable = message = AllocatableResourcesResponse.FromString(data)
            message.DiscardUnknownFields()
            _rename_devices(allocatable.devices, names)
    return message


def _rename_pod(pod: PodResources, names: Names) -> None:
    pod.name, pod.namespace = names.name(pod.name), names.name(pod.namespace)
    for container in pod.containers:
        _rename_container(container, names)


def _rename_container(container: ContainerResources, names: Names) -> None:
    container.name = names.name(container.name)
    _rename_devices(container.devices, names)
    for claim in container.dynamic_resources:
        _rename_claim(claim, names)


def _rename_devices(rows: Iterable[ContainerDevices], names: Names) -> None:
    for row in rows:
        row.device_ids[:] = [names.device(device_id) for device_id in row.device_ids]


def _rename_claim(claim: DynamicResource, names: Names) -> None:
    claim.claim_name, claim.claim_namespace = names.name(claim.claim_name), names.name(claim.claim_namespace)
    for row in claim.claim_resources:
        row.pool_name, row.device_name = names.name(row.pool_name), names.name(row.device_name)
        if row.HasField("share_id"):
            row.share_id = names.name(row.share_id)
        for device in row.cdi_devices:
            device.name = names.cdi(device.name)
