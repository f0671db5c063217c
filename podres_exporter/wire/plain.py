"""
The fast path of decoding: pods without irregularities, which nearly all are.

A device's row has the same bytes in every answer and under every container, so it is decoded once and then found by its
bytes. Anything irregular is left to `pods`, which reports what is wrong with it.
"""

from collections.abc import Iterable
from operator import attrgetter

from google.protobuf.message import DecodeError

from podres_exporter._proto.podresources_v1_pb2 import ContainerDevices, ContainerMemory, DynamicResource
from podres_exporter.model import Container, Device, Malformed, Pod
from podres_exporter.wire.rows import decode_claims, decode_cpus, decode_memory, numa_nodes

ContainerContent = tuple[bytes, tuple[bytes, ...], tuple[int, ...], tuple[bytes, ...], tuple[bytes, ...]]
"""Name, device rows, CPU numbers, memory rows and claim rows of one container; all but the claims sorted."""

PodContent = tuple[bytes, bytes, tuple[ContainerContent, ...], tuple[int, ...], tuple[bytes, ...]]
"""Namespace, name, containers, CPU numbers and memory rows of one pod."""

_SPARE_ROWS = 20_000

_by_name = attrgetter("resource", "device_id")


class _OddError(Exception):
    """Something is irregular."""


class DeviceRows:
    """A cache of decoded device rows, by the bytes of the row; one instance serves both decoders."""

    def __init__(self) -> None:
        """Start empty."""
        self._devices: dict[bytes, Device] = {}
        self._in_use: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many rows are cached."""
        return len(self._devices)

    def devices(self, rows: Iterable[bytes]) -> tuple[Device, ...] | None:
        """
        Return the devices, sorted by (resource, id), each with the nodes of all its rows; None for irregular rows.
        """
        known = self._devices
        try:
            devices = [known.get(row) or self._read(row) for row in rows]
        except (_OddError, DecodeError):
            return None
        devices.sort(key=_by_name)
        if len({device.device_id for device in devices}) < len(devices):
            devices = _united(devices)
        return tuple(devices)

    def _read(self, row: bytes) -> Device:
        """Decode and cache a row; raises _OddError if it is not exactly one device, DecodeError if it is damaged."""
        message = ContainerDevices.FromString(row)
        resource, ids = message.resource_name, message.device_ids
        if not resource or len(ids) != 1 or not ids[0]:
            raise _OddError
        device = self._devices[row] = Device(resource, ids[0], numa_nodes(message.topology))
        return device

    def trim(self, rpc: str, devices: int) -> None:
        """
        Clear the cache once it far exceeds the last answers (*rpc* had this many rows): device ids may keep changing.
        """
        self._in_use[rpc] = devices
        if len(self._devices) > 2 * sum(self._in_use.values()) + _SPARE_ROWS:
            self._devices = {}


def _united(devices: Iterable[Device]) -> list[Device]:
    """Return each device once; one that is near several NUMA nodes has a row for each of them."""
    united: dict[tuple[str, str], Device] = {}
    for device in devices:
        key = (device.resource, device.device_id)
        known = united.get(key)
        united[key] = device if known is None else Device(*key, known.numa_nodes | device.numa_nodes)
    return list(united.values())


def plain_pod(content: PodContent, rows: DeviceRows) -> Pod | None:
    """Return the pod as `decode_pod` would; None if it is irregular."""
    namespace, name, containers, cpus, memory = content
    faults: list[Malformed] = []
    try:
        decoded = [_container(each, rows, faults) for each in containers]
        pod = Pod(
            namespace=namespace.decode(),
            name=name.decode(),
            containers=tuple(sorted(decoded, key=attrgetter("name"))),
            exclusive_cpus=decode_cpus(cpus, "", faults) if cpus else frozenset(),
            memory=decode_memory(map(ContainerMemory.FromString, memory), "", faults) if memory else (),
        )
    except (_OddError, DecodeError, UnicodeDecodeError):
        return None
    names = {container.name for container in decoded}
    is_odd = faults or not name or not namespace or "" in names or len(names) < len(decoded)
    return None if is_odd else pod


def _container(content: ContainerContent, rows: DeviceRows, faults: list[Malformed]) -> Container:
    """Decode one container; raises what `plain_pod` expects."""
    name, device_rows, cpus, memory, claims = content
    devices = rows.devices(device_rows) if device_rows else ()
    if devices is None:
        raise _OddError
    return Container(
        name=name.decode(),
        devices=devices,
        exclusive_cpus=decode_cpus(cpus, "", faults) if cpus else frozenset(),
        memory=decode_memory(map(ContainerMemory.FromString, memory), "", faults) if memory else (),
        claims=decode_claims(map(DynamicResource.FromString, claims), "", faults) if claims else (),
    )
