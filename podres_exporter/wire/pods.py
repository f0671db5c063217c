"""Decode one PodResources message, and merge several entries of one pod name."""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from podres_exporter._proto.podresources_v1_pb2 import ContainerResources, PodResources
from podres_exporter.model import Claim, ClaimDevice, Container, Device, Malformed, Pod
from podres_exporter.wire.rows import (
    decode_claims,
    decode_cpus,
    decode_devices,
    decode_memory,
    memory_order,
    unite_claim_devices,
)
from podres_exporter.wire.salvage import salvage


def decode_pod(data: bytes) -> tuple[Pod | None, tuple[Malformed, ...]]:
    """
    Return the pod in *data* and its faults, with paths relative to the pod.

    The pod is None if it has no readable name.

    The pod is None where not even its name can be told.
    """
    faults: list[Malformed] = []
    try:
        message = PodResources.FromString(data)
    except DecodeError:
        message = PodResources()
        try:
            faults += salvage(data, message)
        except DecodeError:
            return None, (Malformed("", "not a protobuf message"),)
    if not message.name or not message.namespace:
        faults.append(Malformed("name" if not message.name else "namespace", "empty"))
        return None, tuple(faults)
    containers = [
        container
        for index, row in enumerate(message.containers)
        if (container := _decode_container(row, index, faults)) is not None
    ]
    pod = Pod(
        namespace=message.namespace,
        name=message.name,
        containers=_unite_containers(containers),
        exclusive_cpus=decode_cpus(message.cpu_ids, "cpu_ids", faults),
        memory=decode_memory(message.memory, "memory", faults),
    )
    return pod, tuple(faults)


def _decode_container(row: ContainerResources, index: int, faults: list[Malformed]) -> Container | None:
    """Decode one container; None, with an entry in *faults*, if it has no name."""
    if not row.name:
        faults.append(Malformed(f"containers[{index}].name", "empty"))
        return None
    path = f"containers[{row.name}]"
    return Container(
        name=row.name,
        devices=decode_devices(row.devices, f"{path}.devices", faults) if row.devices else (),
        exclusive_cpus=decode_cpus(row.cpu_ids, f"{path}.cpu_ids", faults),
        memory=decode_memory(row.memory, f"{path}.memory", faults) if row.memory else (),
        claims=decode_claims(row.dynamic_resources, f"{path}.dynamic_resources", faults)
        if row.dynamic_resources
        else (),
    )


def unite_pods(pods: Iterable[Pod]) -> tuple[tuple[Pod, ...], int]:
    """
    Return the pods sorted by (namespace, name), and how many entries were merged with another of the same name.

    The kubelet keys pods by UID and the API carries none, so a terminating static pod and its successor can both be
    listed. The merged pod holds what either holds: devices and CPUs are united, memory blocks belong to one pod each
    and are all kept. Identical entries count once.

    Source: kubelet pod_manager.go (podByUID).
    """
    entries: dict[tuple[str, str], list[Pod]] = {}
    merged = 0
    for pod in pods:
        known = entries.setdefault(pod.key, [])
        merged += bool(known)
        if pod not in known:
            known.append(pod)
    return tuple(_unite_entries(entries[key]) for key in sorted(entries)), merged


def _unite_entries(entries: list[Pod]) -> Pod:
    """Merge the entries of one name into one pod; a single entry is returned as it is."""
    if len(entries) == 1:
        return entries[0]
    return Pod(
        *entries[0].key,
        containers=_unite_containers([container for pod in entries for container in pod.containers]),
        exclusive_cpus=frozenset[int]().union(*(pod.exclusive_cpus for pod in entries)),
        memory=tuple(sorted((block for pod in entries for block in pod.memory), key=memory_order)),
    )


def _unite_containers(containers: list[Container]) -> tuple[Container, ...]:
    """Return the containers sorted by name, those of the same name merged."""
    united: dict[str, Container] = {}
    for container in containers:
        known = united.get(container.name)
        united[container.name] = container if known is None else _unite(known, container)
    return tuple(united[name] for name in sorted(united))


def _unite(one: Container, other: Container) -> Container:
    """Merge two containers of the same name."""
    devices = {(device.resource, device.device_id): device for device in one.devices}
    for device in other.devices:
        key = (device.resource, device.device_id)
        nodes = devices[key].numa_nodes if key in devices else frozenset[int]()
        devices[key] = Device(*key, nodes | device.numa_nodes)
    claims: dict[tuple[str, str], list[ClaimDevice]] = {}
    for claim in (*one.claims, *other.claims):
        claims.setdefault((claim.namespace, claim.name), []).extend(claim.devices)
    return Container(
        name=one.name,
        devices=tuple(devices[key] for key in sorted(devices)),
        exclusive_cpus=one.exclusive_cpus | other.exclusive_cpus,
        memory=tuple(sorted(one.memory + other.memory, key=memory_order)),
        claims=tuple(Claim(*key, unite_claim_devices(claims[key])) for key in sorted(claims)),
    )
