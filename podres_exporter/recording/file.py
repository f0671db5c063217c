"""Read and write recordings as JSON documents (`podres-recording/v1`)."""

import binascii
from base64 import b64decode, b64encode
from typing import Annotated, ClassVar, TypeVar

import msgspec

from podres_exporter.document import Fields
from podres_exporter.document.envelope import ExporterRecord, check_version
from podres_exporter.document.faults import distinct, read
from podres_exporter.document.pods import OtherPodRecord, read_metas, write_metas
from podres_exporter.document.status import read_optional, write_metadata_source
from podres_exporter.document.topology import CoreRecord, NumaNodeRecord, TopologyRecord, read_topology, write_topology
from podres_exporter.document.values import PARSE, Moment, Record
from podres_exporter.errors import DocumentError, Reason
from podres_exporter.model import Metadata, MetadataOrigin, Topology
from podres_exporter.moment import read_moment, write_moment
from podres_exporter.recording.dra import DraSourceRecord, read_dra_source, write_dra_source
from podres_exporter.recording.records import Call, Recording, Refusal

API_VERSION = "podres-recording/v1"
"""Bumped only if a reader of the old version would misread the new one; adding keys is not a new version."""
KIND = "PodResourcesRecording"

T = TypeVar("T")

_MOST_SECONDS = 1e10
"""300 years, in either direction."""


def _decode_answer(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"is not valid base64 ({error})") from error


def _check_age(seconds: float) -> float:
    """Check the age of a socket: the clock may have been set back, but only by a plausible amount."""
    if abs(seconds) > _MOST_SECONDS:
        raise ValueError(f"is beyond {_MOST_SECONDS:g} seconds")
    return seconds


class _RefusalRecord(Record, kw_only=True):
    reason: Reason
    detail: str = ""


class _CallRecord(Record, kw_only=True):
    rpc: str
    answer: Annotated[str, msgspec.Meta(extra={PARSE: _decode_answer})] | None = None
    refusal: _RefusalRecord | None = None

    key: ClassVar[tuple[str, ...]] = ("rpc",)


class _KubeletRecord(Record, kw_only=True):
    socket_age_seconds: Annotated[float, msgspec.Meta(extra={PARSE: _check_age})] | None = None
    calls: list[_CallRecord]


class _TopologyRecord(Record, kw_only=True):
    nodes: list[NumaNodeRecord] | None = None
    cores: list[CoreRecord] | None = None
    refusal: _RefusalRecord | None = None


class _MetadataRecord(Record, kw_only=True):
    synced: bool | None = None
    up: bool | None = None
    away: bool | None = None
    last_success: Moment | None = None
    origin: MetadataOrigin = MetadataOrigin.APISERVER
    reason: Reason | None = None
    pods: list[OtherPodRecord] | None = None
    refusal: _RefusalRecord | None = None


class _RecordingRecord(Record, kw_only=True):
    api_version: str
    kind: str
    recorded_at: Moment
    exporter: ExporterRecord
    node: str
    names_hidden: bool
    kubelet: _KubeletRecord
    topology: _TopologyRecord | None = None
    metadata: _MetadataRecord | None = None
    dra: DraSourceRecord | None = None


def is_recording(document: object) -> bool:
    """Return whether the document claims to be a recording, of any version."""
    return isinstance(document, dict) and str(document.get("apiVersion")).startswith("podres-recording/")


def encode(recording: Recording) -> Fields:
    """Return the recording as a JSON document; the kubelet's answers are base64-encoded."""
    calls = [_write_call(rpc, call) for rpc, call in sorted(recording.calls.items())]
    record = _RecordingRecord(
        api_version=API_VERSION,
        kind=KIND,
        recorded_at=write_moment(recording.recorded_at_seconds),
        exporter=ExporterRecord(version=recording.version),
        node=recording.node,
        names_hidden=recording.names_hidden,
        kubelet=_KubeletRecord(socket_age_seconds=recording.socket_age_seconds, calls=calls),
        topology=_write_topology(recording.topology),
        metadata=_write_metadata(recording),
        dra=write_dra_source(recording.dra) if recording.dra else None,
    )
    fields: Fields = msgspec.to_builtins(record)
    return fields


def decode(document: object) -> Recording:
    """
    Return the recording from its decoded JSON document.

    Raises DocumentVersionError for another major version, DocumentError with the path of the malformed value.
    """
    check_version(document, API_VERSION, KIND, "a recording")
    return read(document, _RecordingRecord, _decoded)


def _decoded(record: _RecordingRecord) -> Recording:
    metadata = record.metadata or _MetadataRecord()
    age = record.kubelet.socket_age_seconds
    return Recording(
        node=record.node,
        version=record.exporter.version,
        recorded_at_seconds=read_moment(record.recorded_at),
        calls={row.rpc: _read_call(row) for row in distinct(record.kubelet.calls)},
        socket_age_seconds=None if age is None else _check_age(age),
        topology=_read_topology(record.topology) if record.topology else None,
        metadata=None if metadata.up is None else _read_metadata(metadata),
        metadata_refusal=_read_refusal(metadata.refusal),
        dra=read_dra_source(record.dra) if record.dra else None,
        names_hidden=record.names_hidden,
    )


def _write_call(rpc: str, call: Call) -> _CallRecord:
    answer = None if call.answer is None else b64encode(call.answer).decode("ascii")
    return _CallRecord(rpc=rpc, answer=answer, refusal=_write_refusal(call.refusal))


def _read_call(record: _CallRecord) -> Call:
    answer = None if record.answer is None else _decode_answer(record.answer)
    return Call(answer, _read_refusal(record.refusal))


def _write_refusal(refusal: Refusal | None) -> _RefusalRecord | None:
    return _RefusalRecord(reason=refusal.reason, detail=refusal.detail) if refusal else None


def _read_refusal(record: _RefusalRecord | None) -> Refusal | None:
    return Refusal(record.reason, record.detail) if record else None


def _write_topology(topology: Topology | Refusal | None) -> _TopologyRecord | None:
    match topology:
        case Topology():
            written = write_topology(topology)
            return _TopologyRecord(nodes=written.nodes, cores=written.cores)
        case Refusal():
            return _TopologyRecord(refusal=_write_refusal(topology))
        case _:
            return None


def _read_topology(record: _TopologyRecord) -> Topology | Refusal | None:
    if record.refusal is not None:
        return _read_refusal(record.refusal)
    nodes, cores = _required(record.nodes, "topology.nodes"), _required(record.cores, "topology.cores")
    return read_topology(TopologyRecord(nodes=nodes, cores=cores))


def _write_metadata(recording: Recording) -> _MetadataRecord | None:
    """Return the API server's pod metadata in the form of `podres/v1`; None if it was not queried."""
    metadata, refusal = recording.metadata, _write_refusal(recording.metadata_refusal)
    if metadata is None:
        return _MetadataRecord(refusal=refusal) if refusal else None
    source = write_metadata_source(metadata)
    return _MetadataRecord(
        synced=source.synced,
        up=source.up,
        away=source.away,
        last_success=source.last_success,
        origin=source.origin,
        reason=source.reason,
        pods=write_metas(metadata),
        refusal=refusal,
    )


def _read_metadata(record: _MetadataRecord) -> Metadata:
    return Metadata(
        read_metas(_required(record.pods, "metadata.pods")),
        _required(record.synced, "metadata.synced"),
        _required(record.up, "metadata.up"),
        _required(record.away, "metadata.away"),
        read_optional(record.last_success),
        record.origin,
        record.reason,
    )


def _required(value: T | None, path: str) -> T:
    """Return the value; raises DocumentError if it is absent, which is valid only for a refused call."""
    if value is None:
        raise DocumentError(path, "is missing")
    return value
