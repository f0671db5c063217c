"""
Decode whole answers of the kubelet: List, Get and GetAllocatableResources.

The kubelet fills its answers from Go maps, so two answers are hardly ever equal byte by byte even when nothing changed.
The decoders remember the pods of the answer before, by content and blind to order, and hand the same record out again.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import DecodeError

from podres_exporter._proto.podresources_frames_pb2 import AllocatableFrame, GetFrame, ListFrame, PodFrame
from podres_exporter._proto.podresources_v1_pb2 import AllocatableResourcesResponse, GetPodResourcesRequest
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Allocatable, Device, Listing, Malformed, Pod, PodSize
from podres_exporter.wire.plain import DeviceRows, PodContent, plain_pod
from podres_exporter.wire.pods import decode_pod, unite_pods
from podres_exporter.wire.rows import decode_cpus, decode_devices, decode_memory, off_node_devices
from podres_exporter.wire.salvage import salvage, unreadable

T = TypeVar("T", bytes, int)


_ReportContent = tuple[tuple[bytes, ...], tuple[int, ...], tuple[bytes, ...]]
"""Device rows, CPU numbers and memory rows of an allocatable answer, sorted."""

_NEGATIVE = b"\xff\xff\xff\xff\x01"
"""The ending of a varint that encodes a small negative number; without it, no device has a NUMA node such as -1."""
_SMALL_BYTES = 512
"""
Pods with more than a few devices arrive in another order every time; only smaller ones are looked up by their bytes.
"""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """
    A decoded pod, with its name and an order-independent hash of the content it was decoded from.

    Python's hash of bytes has 64 bits and a secret key (PEP 456), and only contents of one name are compared by it;
    keeping the contents would mean keeping the whole answer. *name* is None if the pod had faults.
    """

    name: tuple[bytes, bytes] | None
    content_hash: int
    pod: Pod | None
    faults: tuple[Malformed, ...]


class ListDecoder:
    """Decodes List answers; remembers the last one, so that unchanged pods need no new objects."""

    def __init__(self, rows: DeviceRows | None = None) -> None:
        """Start with an empty memory; *rows* may be shared with the decoder of GetAllocatableResources."""
        self._rows = DeviceRows() if rows is None else rows
        self._by_bytes: dict[bytes, _Remembered] = {}
        self._by_name: dict[tuple[bytes, bytes], _Remembered] = {}

    def decode(self, data: bytes) -> Listing:
        """
        Return the pods of one answer, sorted; a pod that cannot be used is left out and reported as a fault.

        The same content always gives an equal listing; what is remembered only saves work.

        Raises KubeletError (malformed) if the answer cannot be split into pods.
        """
        try:
            slices = ListFrame.FromString(data).pod_resources
        except DecodeError as error:
            raise KubeletError("List", Reason.MALFORMED, f"{len(data)} bytes are not an answer to List") from error
        by_bytes: dict[bytes, _Remembered] = {}
        by_name: dict[tuple[bytes, bytes], _Remembered] = {}
        pods: list[Pod] = []
        largest = PodSize(0, "", "")
        malformed: list[Malformed] = []
        for index, piece in enumerate(slices):
            known = self._by_bytes.get(piece) or self._decode(piece)
            if len(piece) <= _SMALL_BYTES:
                by_bytes[piece] = known
            if known.name is not None:
                by_name[known.name] = known
            name = f"{known.pod.namespace}/{known.pod.name}" if known.pod else str(index)
            malformed += [_below(f"pod_resources[{name}]", fault) for fault in known.faults]
            if known.pod is not None:
                pods.append(known.pod)
                if len(piece) > largest.size_bytes:
                    largest = PodSize(len(piece), known.pod.namespace, known.pod.name)
        self._by_bytes, self._by_name = by_bytes, by_name
        self._rows.trim("List", sum([len(container.devices) for pod in pods for container in pod.containers]))
        united, merged = unite_pods(pods)
        names = Counter(pod.key for pod in pods) if merged else {}
        return Listing(
            united,
            tuple(sorted(malformed)),
            merged,
            merged_keys=frozenset(key for key, count in names.items() if count > 1),
            unreadable=unreadable(malformed),
            largest_pod=largest if pods else None,
        )

    def _decode(self, piece: bytes) -> _Remembered:
        """Decode one pod, from memory if only the order of its rows differs."""
        content = _order_blind(piece)
        name, content_hash = (None, 0) if content is None else (content[:2], hash(content))
        known = self._by_name.get(name) if name else None
        if known is not None and known.content_hash == content_hash:
            return known
        if content is not None and (plain := plain_pod(content, self._rows)) is not None:
            return _Remembered(name, content_hash, plain, ())
        pod, faults = decode_pod(piece)
        # A fault's path includes the row's index in this answer, which differs in the next one.
        return _Remembered(None if faults else name, content_hash, pod, faults)


def _order_blind(piece: bytes) -> PodContent | None:
    """Return the content of a pod with every unordered list sorted, for comparison; None if it does not parse."""
    try:
        frame = PodFrame.FromString(piece)
    except DecodeError:
        return None
    containers = tuple(
        [
            (
                each.name,
                _in_order(each.devices),
                _in_order(each.cpu_ids),
                _in_order(each.memory),
                tuple(each.dynamic_resources),  # the order of a claim's rows matters: CDI names accumulate
            )
            for each in frame.containers
        ]
    )
    return (frame.namespace, frame.name, containers, _in_order(frame.cpu_ids), _in_order(frame.memory))


def _in_order(rows: Collection[T]) -> tuple[T, ...]:
    """Return the rows sorted; fast for the many empty lists."""
    return tuple(sorted(rows)) if rows else ()


def _below(path: str, fault: Malformed) -> Malformed:
    """Return the fault with its path prefixed by *path*."""
    return Malformed(f"{path}.{fault.path}" if fault.path else path, fault.problem, fault.resource)


class AllocatableDecoder:
    """Decodes GetAllocatableResources answers; remembers the last one."""

    def __init__(self, rows: DeviceRows | None = None) -> None:
        """Start with an empty memory; *rows* may be shared with the decoder of List."""
        self._rows = DeviceRows() if rows is None else rows
        self._content_hash = 0
        self._answer: Allocatable | None = None

    def decode(self, data: bytes) -> Allocatable:
        """
        Return one answer, sorted; a row that cannot be used is left out and reported as a fault.

        Raises KubeletError (malformed) if the bytes are not a protobuf message.
        """
        content = _order_blind_report(data)
        content_hash = hash(content)
        if self._answer is None or content is None or self._content_hash != content_hash or self._answer.malformed:
            plain = None if content is None else self._rows.devices(content[0])
            self._content_hash, self._answer = content_hash, _decode_allocatable(data, plain)
            self._rows.trim("GetAllocatableResources", len(self._answer.devices))
        return self._answer


def _order_blind_report(data: bytes) -> _ReportContent | None:
    """Return the content of an answer with every list sorted, for comparison; None if it does not parse."""
    try:
        frame = AllocatableFrame.FromString(data)
    except DecodeError:
        return None
    return (_in_order(frame.devices), _in_order(frame.cpu_ids), _in_order(frame.memory))


def _decode_allocatable(data: bytes, plain: tuple[Device, ...] | None) -> Allocatable:
    """
    Decode one answer, salvaging a damaged one as far as possible; *plain* are its devices if all rows are regular.
    """
    faults: list[Malformed] = []
    try:
        message = AllocatableResourcesResponse.FromString(data)
    except DecodeError:
        message = AllocatableResourcesResponse()
        try:
            faults += salvage(data, message)
        except DecodeError as error:
            detail = f"{len(data)} bytes are not an answer to GetAllocatableResources"
            raise KubeletError("GetAllocatableResources", Reason.MALFORMED, detail) from error
    return Allocatable(
        devices=decode_devices(message.devices, "devices", faults) if plain is None else plain,
        cpus=decode_cpus(message.cpu_ids, "cpu_ids", faults),
        memory=decode_memory(message.memory, "memory", faults),
        malformed=tuple(faults),
        off_node=off_node_devices(message.devices) if _NEGATIVE in data else frozenset(),
    )


def encode_get_request(namespace: str, name: str) -> bytes:
    """Return the encoded request for one pod."""
    return GetPodResourcesRequest(pod_name=name, pod_namespace=namespace).SerializeToString()


def decode_get(data: bytes) -> Listing:
    """
    Return the answer to Get as a listing of one pod, with its faults.

    Raises KubeletError (malformed) if it contains no identifiable pod.
    """
    try:
        pod, faults = decode_pod(GetFrame.FromString(data).pod_resources)
    except DecodeError as error:
        raise KubeletError("Get", Reason.MALFORMED, f"{len(data)} bytes are not an answer to Get") from error
    if pod is None:
        raise KubeletError("Get", Reason.MALFORMED, "; ".join(f"{fault.path}: {fault.problem}" for fault in faults))
    return Listing((pod,), faults, unreadable=unreadable(faults))
