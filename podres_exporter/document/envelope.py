"""The whole document: a snapshot with its version, and back."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from podres_exporter.document.doubles import DoubleHeldRecord, read_doubles, write_doubles
from podres_exporter.document.dra import DraRecord, read_dra, write_dra
from podres_exporter.document.faults import read, shown
from podres_exporter.document.metadata import name_labels_as_pods_do
from podres_exporter.document.pods import (
    OtherPodRecord,
    PodRecord,
    read_all_metas,
    read_pods,
    write_other_pods,
    write_pod,
)
from podres_exporter.document.status import (
    StatusRecord,
    read_metadata_source,
    read_optional,
    read_parts,
    read_rpcs,
    read_sources,
    write_status,
)
from podres_exporter.document.stock import StockRecord, read_stock, write_stock
from podres_exporter.document.topology import TopologyRecord, read_topology, write_topology
from podres_exporter.document.usage import Held, UsageRecord, read_usage, write_usage
from podres_exporter.document.values import Count, Moment, Record, doc
from podres_exporter.errors import DocumentError, DocumentVersionError
from podres_exporter.model import Allocation, PodKey, PodView, Snapshot
from podres_exporter.moment import write_moment

MAJOR = 1
API_VERSION = f"podres/v{MAJOR}"
"""Changes only when a reader of the old version would be wrong about the new one; keys may be added without."""
KIND = "PodResourcesSnapshot"

Fields = dict[str, object]
"""One mapping of the document."""


class ExporterRecord(Record, kw_only=True):
    """The exporter that wrote the document."""

    version: Annotated[str, doc("The version of podres-exporter.")] = ""


class PodNameRecord(Record, kw_only=True):
    """Which pod is meant."""

    namespace: Annotated[str, doc("The pod's namespace.")]
    name: Annotated[str, doc("The pod's name.")]


class SnapshotRecord(Record, kw_only=True):
    """
    What the pods of one node hold of its devices, exclusive CPUs, memory and DRA claims, and what is left.

    A key that is absent says that something is unknown, not stated, or does not apply; null is never written and reads
    the same. An empty list or text says that there is none. A later release may add keys.
    """

    api_version: Annotated[
        str,
        doc(
            "The version of this format. Another number after the v means that keys have changed their meaning or are "
            "gone."
        ),
    ]
    kind: Annotated[str, doc("What this document is.")]
    generated_at: Annotated[Moment | None, doc("When the exporter published this snapshot.")] = None
    exporter: Annotated[ExporterRecord | None, doc("Who wrote the document.")] = None
    node: Annotated[str, doc("The node's name.")]
    status: Annotated[StatusRecord, doc("How far the document may be trusted.")]
    topology: Annotated[
        TopologyRecord | None, doc("What the kernel says of the machine. Absent where it could not be read.")
    ] = None
    pods: Annotated[
        list[PodRecord] | None,
        doc(
            "The pods that the kubelet lists, by namespace and name. Absent while there is no allocation to show: "
            "unavailable is never empty."
        ),
    ] = None
    unlisted_pods: Annotated[
        list[PodNameRecord],
        doc(
            "Pods that the API server says run here and that the kubelet has not listed: they hold an unknown part of "
            "what they ask for. Absent where there are none."
        ),
    ] = []
    given_up_pods: Annotated[
        list[PodNameRecord],
        doc(
            "Pods that the API server says run here and that the kubelet does not have, or has not listed for ten "
            "times the hold-down: nothing is held for them. Absent where there are none."
        ),
    ] = []
    stock: Annotated[
        StockRecord | None,
        doc("What the node has, what is held of it and what is left. Absent while there is no allocation."),
    ] = None
    dra: Annotated[
        DraRecord | None,
        doc("The DRA devices of the node. Absent while there is no allocation or no ResourceSlice is known."),
    ] = None
    usage: Annotated[UsageRecord, doc("What namespaces hold, and running totals of it for chargeback.")]
    skipped_pods: Annotated[
        dict[str, Count] | None,
        doc(
            "Entries of the kubelet's answer that are not shown under an identity of their own, by reason: "
            "duplicate_name, terminal. Absent while there is no allocation."
        ),
    ] = None
    held_twice: Annotated[
        list[DoubleHeldRecord] | None,
        doc(
            "What two living pods hold, though only one may; empty in health. Absent where it is not known which pods "
            "are alive, and while there is no allocation."
        ),
    ] = None
    other_pods: Annotated[
        list[OtherPodRecord] | None,
        doc(
            "Pods of this node that the API server knows and the kubelet does not list: rejected, finished, or not "
            "admitted yet. Absent where the API server is not asked."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A document's snapshot, when it was made (Unix seconds; None where it does not say), and by which version."""

    snapshot: Snapshot
    generated_at_seconds: float | None
    version: str


def write_document(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> SnapshotRecord:
    """
    Return the document of a snapshot.

    *generated_at_seconds* are Unix seconds, *version* is that of the exporter; both are for people. What needs an
    allocation (`topology`, `pods`, `stock`, `skippedPods`) is absent while there is none.
    """
    allocation = snapshot.allocation
    return SnapshotRecord(
        api_version=API_VERSION,
        kind=KIND,
        generated_at=write_moment(generated_at_seconds),
        exporter=ExporterRecord(version=version),
        node=snapshot.node,
        status=write_status(snapshot),
        topology=write_topology(allocation.topology) if allocation and allocation.topology else None,
        pods=[write_pod(view) for view in allocation.pods] if allocation else None,
        unlisted_pods=_write_names(allocation.unlisted_pods if allocation else ()),
        given_up_pods=_write_names(allocation.given_up_pods if allocation else ()),
        stock=write_stock(allocation) if allocation else None,
        dra=write_dra(allocation.dra) if allocation and allocation.dra else None,
        usage=write_usage(snapshot.usage, allocation),
        skipped_pods=dict(sorted(allocation.skipped_pods.items())) if allocation else None,
        held_twice=None if allocation is None or allocation.doubles is None else write_doubles(allocation.doubles),
        other_pods=write_other_pods(snapshot),
    )


def _write_names(keys: Iterable[PodKey]) -> list[PodNameRecord]:
    return [PodNameRecord(namespace=namespace, name=name) for namespace, name in keys]


def _read_names(records: Iterable[PodNameRecord]) -> tuple[PodKey, ...]:
    return tuple((each.namespace, each.name) for each in records)


def encode(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> Fields:
    """
    Return the document as mappings, lists, texts and numbers, for JSON and YAML.

    No list or mapping stands in it twice: YAML would write the second as an alias.
    """
    record = write_document(snapshot, generated_at_seconds=generated_at_seconds, version=version)
    fields: Fields = msgspec.to_builtins(record)
    return fields


def encode_json(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> bytes:
    """Return the document as JSON."""
    record = write_document(snapshot, generated_at_seconds=generated_at_seconds, version=version)
    return msgspec.json.encode(record)


def decode(document: object) -> Snapshot:
    """Return the snapshot of a document, as `decode_dated` does, which has more to say of it."""
    return decode_dated(document).snapshot


def decode_dated(document: object) -> Decoded:
    """
    Return what a document as JSON or YAML gives it says; its snapshot is equal to the one that was encoded.

    What is there for readers only (`missing`, `free`, `sharedPool`, `base`, the status of the allocation in words) is
    not read. Raises DocumentVersionError where it is of another major version, DocumentError naming the place where it
    is malformed.
    """
    check_version(document, API_VERSION, KIND, "a snapshot")
    return read(document, SnapshotRecord, _decoded)


def prepare() -> None:
    """
    Build now what decoding needs. Call it before several threads decode.

    msgspec builds the description of a record at its first use, and crashes the process where two threads do that at
    the same time (0.22; a segmentation fault in four of six trials with 16 threads).
    """
    for record in (SnapshotRecord, _VersionRecord):
        msgspec.json.Decoder(record)


def decode_json(body: bytes) -> Decoded:
    """Return what `decode_dated` does of a JSON text, faster. Raises ValueError too, where it is no JSON."""
    try:
        record = msgspec.json.decode(body, type=SnapshotRecord)
        if (record.api_version, record.kind) == (API_VERSION, KIND):
            return _decoded(record)
    except (ValueError, msgspec.MsgspecError):
        pass  # named below, with its place
    return decode_dated(json.loads(body))


def check_version(document: object, api_version: str, kind: str, what: str) -> None:
    """Return if the document is of this kind and of this major version; whatever else it may look like."""
    stated = read(document, _VersionRecord, lambda record: record)
    prefix, _, major = api_version.rpartition("/v")
    match = re.fullmatch(rf"{re.escape(prefix)}/v([0-9]{{1,9}})", stated.api_version)
    if not match:
        raise DocumentError("apiVersion", f"is {shown(stated.api_version)}; {what} has {api_version}")
    if match[1] != major:
        raise DocumentVersionError(stated.api_version, api_version, newer=int(match[1]) > int(major))
    if stated.kind != kind:
        raise DocumentError("kind", f"is {shown(stated.kind)}; {what} has {kind}")


class _VersionRecord(Record, kw_only=True):
    api_version: str
    kind: str


def _decoded(record: SnapshotRecord) -> Decoded:
    version = record.exporter.version if record.exporter else ""
    if version.startswith("0.1."):
        for row in (*(record.pods or ()), *(record.other_pods or ())):
            if row.metadata is not None:
                name_labels_as_pods_do(row.metadata)
    usage, held = read_usage(record.usage)
    pods = None if record.pods is None else read_pods(record.pods)
    metadata = read_metadata_source(record.status.metadata) if record.status.metadata else None
    snapshot = Snapshot(
        node=record.node,
        allocation=None if pods is None else _read_allocation(record, pods, held),
        metadata=metadata and replace(metadata, pods=read_all_metas(record.other_pods or (), pods or ())),
        sources=read_sources(record.status),
        rpcs=read_rpcs(record.status),
        parts=read_parts(record.status),
        usage=usage,
    )
    return Decoded(snapshot, read_optional(record.generated_at), version)


def _read_allocation(record: SnapshotRecord, pods: tuple[PodView, ...], held: Held) -> Allocation:
    if record.stock is None:
        raise DocumentError("stock", "is missing")
    devices, cpus, memory = read_stock(record.stock)
    held_devices, held_cpus = held
    return Allocation(
        pods=pods,
        devices=devices,
        cpus=cpus,
        memory=memory,
        topology=read_topology(record.topology) if record.topology else None,
        skipped_pods=dict(sorted((record.skipped_pods or {}).items())),
        devices_by_namespace=held_devices,
        cpus_by_namespace=held_cpus,
        unlisted_pods=_read_names(record.unlisted_pods),
        given_up_pods=_read_names(record.given_up_pods),
        doubles=None if record.held_twice is None else read_doubles(record.held_twice),
        dra=read_dra(record.dra) if record.dra else None,
    )
